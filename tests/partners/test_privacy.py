"""What partners asked about a line is told to its subscriber, and erased when that is wished."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import transaction

from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.partners.core.refusals import ConflictError, UnknownError
from selbsthelfer.partners.filing import Partner, Request, erase_line
from selbsthelfer.partners.operations import alter, ask
from selbsthelfer.partners.queries import export_of_line
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.portal.life import Life

pytestmark = pytest.mark.django_db
PARTNER = Partner("crm")
LINE = subscriber_id_of("line-1")


def test_a_line_gets_what_was_asked_and_an_erasure_empties_it_without_giving_twice() -> None:
    Life("line-1").send()
    now = datetime.now(UTC)
    body = {"id": "t-1", "amount": {"amount": 1, "units": "MB"}, "partyAccount": {"id": "line-1"}}
    ask(Request(PARTNER, "topupBalance", body), now=now)
    party = [{"id": "line-1", "role": "customer"}]
    ask(Request(PARTNER, "partyInteraction", {"id": "i-1", "relatedParty": party}), now=now)
    with transaction.atomic():
        told = export_of_line(open_cursor(), LINE)["requests"]
        assert isinstance(told, list)
        assert {(one["kind"], one["id"]) for one in told} == {
            ("topupBalance", "t-1"),
            ("partyInteraction", "i-1"),
        }
        erase_line(open_cursor(), LINE)
        left = open_cursor().execute("SELECT d::text FROM partners_document d").fetchall()
    assert "line-1" not in str(left)
    assert "crm" not in str(left)
    with pytest.raises(ConflictError):
        ask(Request(PARTNER, "topupBalance", body), now=now)
    with pytest.raises(UnknownError):
        alter(PARTNER, "partyInteraction", "i-1", {"status": "completed"}, now=now)

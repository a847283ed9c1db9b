"""What a partner asked is altered by nobody else, and forgotten when its term is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from selbsthelfer.partners.core.asking import Asking
from selbsthelfer.partners.core.refusals import UnknownError
from selbsthelfer.partners.filing import KEPT_FOR, Partner, Request, forget_old
from selbsthelfer.partners.operations import alter, ask, delete, find, search
from tests.portal.life import Life

pytestmark = pytest.mark.django_db
CRM, SHOP = Partner("crm"), Partner("shop")
MB = {"amount": 1, "units": "MB"}


def reserve(partner: Partner, id_: str, *, now: datetime, **members: Any) -> None:
    asked = Asking({"partyAccount.id": frozenset({"line-1"}), "name": frozenset({"included"})})
    [bucket] = search(partner, "bucket", asked, now=now).documents
    body = {"id": id_, "amount": MB, "bucket": {"id": bucket["id"]}, **members}
    ask(Request(partner, "reserveBalance", body), now=now)


@pytest.mark.parametrize(
    "try_it",
    [
        lambda now: alter(SHOP, "reserveBalance", "r-1", {"status": "cancelled"}, now=now),
        lambda now: delete(SHOP, "reserveBalance", "r-1", now=now),
        lambda now: alter(SHOP, "partyInteraction", "i-1", {"status": "completed"}, now=now),
    ],
)
def test_what_one_partner_asked_another_reads_and_does_not_alter(
    try_it: Callable[[datetime], object],
) -> None:
    Life("line-1").send()
    now = datetime.now(UTC)
    reserve(CRM, "r-1", now=now)
    ask(Request(CRM, "partyInteraction", {"id": "i-1", "status": "opened"}), now=now)
    with pytest.raises(UnknownError):
        try_it(now)
    assert find(SHOP, "reserveBalance", "r-1", now=now)["status"] == "completed"
    assert find(SHOP, "partyInteraction", "i-1", now=now)["status"] == "opened"
    alter(CRM, "partyInteraction", "i-1", {"status": "completed"}, now=now)
    delete(CRM, "reserveBalance", "r-1", now=now)
    assert find(SHOP, "reserveBalance", "r-1", now=now)["status"] == "cancelled"


def test_documents_are_forgotten_after_their_term_and_nothing_is_given_twice_for_it() -> None:
    Life("line-1", billing_day=(datetime.now(UTC).day + 10) % 28 + 1).send()
    now = datetime.now(UTC)
    body = {"id": "t-1", "amount": MB, "partyAccount": {"id": "line-1"}}
    ask(Request(CRM, "topupBalance", body), now=now)
    reserve(CRM, "r-1", now=now)
    ask(Request(CRM, "partyInteraction", {"id": "i-1", "status": "opened"}), now=now)
    later = now + timedelta(hours=2)
    alter(CRM, "partyInteraction", "i-1", {"status": "inProgress"}, now=later)
    over = timedelta(seconds=1)
    assert forget_old(now=now + KEPT_FOR) == 0
    assert forget_old(now=now + KEPT_FOR + over) == 1  # the top-up; what is held ends with its bucket
    assert forget_old(now=later + KEPT_FOR + over) == 1
    assert forget_old(now=now + timedelta(days=32) + KEPT_FOR, limit=0) == 0
    assert forget_old(now=now + timedelta(days=32) + KEPT_FOR) == 1
    assert find(CRM, "bucket", bucket_of_courtesy(now), now=now)["remainingValue"]["amount"] == 1_000_000
    assert ask(Request(CRM, "topupBalance", body), now=now).is_new
    assert find(CRM, "bucket", bucket_of_courtesy(now), now=now)["remainingValue"]["amount"] == 1_000_000
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM allowances_courtesy")
        assert cursor.fetchone() == (1,)


def test_the_sandbox_is_not_forgotten_with_the_rest() -> None:
    now = datetime.now(UTC)
    sandbox = Partner("sandbox", is_sandbox=True)
    ask(Request(sandbox, "partyInteraction", {"id": "i-1", "status": "opened"}), now=now)
    assert forget_old(now=now + KEPT_FOR * 2) == 0


def bucket_of_courtesy(now: datetime) -> str:
    asked = Asking({"partyAccount.id": frozenset({"line-1"}), "name": frozenset({"courtesy"})})
    [bucket] = search(CRM, "bucket", asked, now=now).documents
    return str(bucket["id"])

"""The rewards of a line: each enrolment with its stages, tranches and grants, and the reasons."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import transaction
from django.http import HttpRequest
from ninja import Router

from selbsthelfer.api.callers import Needs
from selbsthelfer.api.lines import line_asked, now_for, unknown_line
from selbsthelfer.api.problems import refusals
from selbsthelfer.api.shapes.parameters import LineId
from selbsthelfer.api.shapes.rewards import Ledger, RewardsOut
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.programmes.core.grants import LedgerGrant
from selbsthelfer.programmes.explaining import Participation, UnknownLineError, enrolments_to_subscriber
from selbsthelfer.programmes.queries import MAX_GRANTS, grants_of_line, ledger_key

router = Router(tags=["rewards"])

MAX_LEDGER_PAGES: Final = 5
"""Pages of the ledger read for one answer: 1,000 grants, more than 16 programmes of the greatest length."""


@router.get(
    "/lines/{line}/rewards",
    auth=Needs(Scope.LINES_READ, of_line=True),
    summary="Read the rewards of a line",
    response={200: RewardsOut, **refusals(404)},
)
def read_rewards(request: HttpRequest, line: LineId) -> RewardsOut:
    """Tell where a line stands in each programme, and why: stages, tranches, grants, by which rules.

    It says the same, sentence by sentence, as the person reads on their own page. A line that is held out to
    measure the effect of a programme looks as if it took no part in it, whoever asks: what is told here
    reaches people.
    """
    asked = line_asked(request, line)
    now = now_for(asked)
    with transaction.atomic():
        cursor = open_cursor()
        try:
            told = enrolments_to_subscriber(cursor, asked.subscriber_id, at=now)
        except UnknownLineError:
            raise unknown_line() from None
        return RewardsOut.of(told, _ledger(cursor, asked.subscriber_id, told))


def _ledger(cursor: psycopg.Cursor[Any], line: UUID, told: Participation) -> Ledger:
    """Read the grants of a line, which name their buckets and orders; where there are none, ask nothing."""
    found: list[LedgerGrant] = []
    if not any(enrolment.earned_bytes for enrolment in told.enrolments):
        return {}
    for _ in range(MAX_LEDGER_PAGES):
        before = ledger_key(found[-1]) if found else None
        page = grants_of_line(cursor, line, at=told.at, before=before)
        found += page
        if len(page) < MAX_GRANTS:
            break
    return {(entry.grant.programme, entry.grant.index): entry for entry in found}

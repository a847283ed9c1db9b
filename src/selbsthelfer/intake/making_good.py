"""Make good what the charging system never took: volume that ended undelivered is given anew, as courtesy."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from selbsthelfer.allowances.courtesies import courtesy_keys_of_buckets
from selbsthelfer.charging.core.orders import NOT_MADE_GOOD
from selbsthelfer.charging.operations import mark_made_good
from selbsthelfer.charging.queries import OwedOrder, owed_orders
from selbsthelfer.intake.arrivals import OWN_SOURCES
from selbsthelfer.intake.core.facts import CourtesyFact, CourtesyGranted
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Language, Words

_LOG = logging.getLogger(__name__)

SOURCE: Final = f"{OWN_SOURCES}charging"
"""The source of these facts; their id is that of the credit which was not delivered, so each exists once."""
BY: Final = "selbsthelfer"
MAX_MADE_GOOD: Final = 500
"""Orders made good in one round."""
MAX_IN_A_ROW: Final = 2
"""How often the same volume is given anew; if that is not delivered either, a person has to help."""

_REASON: Final = Words(
    "Ihr Datenvolumen kam bis zu seinem Ende nicht an. Dafür gibt es dasselbe noch einmal.",
    "Your data did not arrive before it ended. You get the same amount again.",
)


def make_good(*, limit: int = MAX_MADE_GOOD, now: datetime) -> int:
    """Give courtesy volume for up to `limit` orders owed, at most `MAX_MADE_GOOD`; return for how many.

    Repeating gives nothing more: intake knows the facts by their key. Lines that have ended get nothing, and
    nobody gets the same volume more than `MAX_IN_A_ROW` times anew. What is given up so, and what intake
    refuses, is left to a person: it is in trouble, and the latter is tried again.
    """
    with transaction.atomic(durable=True):
        owed = owed_orders(open_cursor(), limit=min(limit, MAX_MADE_GOOD))
        in_a_row = _in_a_row(owed)
    if not owed:
        return 0
    of_ended = [each for each in owed if _has_ended(each, now)]
    of_living = [each for each in owed if not _has_ended(each, now)]
    due = [each for each in of_living if in_a_row[each.credit_id] < MAX_IN_A_ROW]
    receipt = accept([_fact(each, now) for each in due], terms=Terms(now=now))
    for ordinal, rejection in receipt.rejections:
        if due[ordinal].failure != NOT_MADE_GOOD:
            _LOG.error("credit order %s cannot be made good: %s", due[ordinal].credit_id, rejection.code)
    results = list(zip(due, receipt.results, strict=True))
    given = [each.key for each, result in results if result != "rejected"]
    mark_made_good(
        made_good=given,
        not_owed=[each.key for each in of_ended],
        given_up=[each.key for each in of_living if in_a_row[each.credit_id] >= MAX_IN_A_ROW],
        refused=[each.key for each, result in results if result == "rejected"],
        now=now,
    )
    return len(given)


def _has_ended(owed: OwedOrder, now: datetime) -> bool:
    return owed.line_ended_at is not None and owed.line_ended_at <= now


def _in_a_row(owed: Sequence[OwedOrder]) -> Mapping[UUID, int]:
    """Count for each order how many courtesies in a row it already stands for, up to `MAX_IN_A_ROW`."""
    counts = dict.fromkeys((each.credit_id for each in owed), 0)
    asked = {each.credit_id: (each.subscriber_id, each.credit_id) for each in owed}
    for _ in range(MAX_IN_A_ROW):
        keys = courtesy_keys_of_buckets(open_cursor(), list(asked.values())) if asked else {}
        following = {}
        for credit_id, (line, bucket_id) in asked.items():
            source, fact_id = keys.get((line, bucket_id), ("", ""))
            before = _id_in(fact_id) if source == SOURCE else None
            if before is not None:
                counts[credit_id] += 1
                following[credit_id] = (line, before)
        asked = following
    return counts


def _id_in(fact_id: str) -> UUID | None:
    """Read the credit for which a courtesy was given; whatever else may stand there stops nobody."""
    try:
        return UUID(fact_id)
    except ValueError:
        return None


def _fact(owed: OwedOrder, now: datetime) -> CourtesyFact:
    language = Language.ENGLISH if (owed.language or "").startswith("en") else Language.GERMAN
    return CourtesyFact(
        id=str(owed.credit_id),
        source=SOURCE,
        time=now,
        subject=owed.subject,
        data=CourtesyGranted(bytes=owed.bytes, reason=_REASON.told(language), by=BY),
    )

"""Lay out the ledger: every grant of a line, with what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from selbsthelfer.kit.wording import Language, Words, last_day, moment, volume
from selbsthelfer.portal.presenting_contacts import rfc3339
from selbsthelfer.programmes.core.grants import LedgerGrant
from selbsthelfer.programmes.core.wording_contacts import activity_name
from selbsthelfer.programmes.core.wording_status import TrancheStatus, status_words


@dataclass(frozen=True, slots=True)
class CreditRow:
    """A grant in the ledger."""

    volume: str
    at: str
    instant: str
    by: str
    source: str
    until: str
    left: str
    status: str
    status_word: str
    programme: str
    title: str
    version: int


def present_credit(
    entry: LedgerGrant, titles: Mapping[str, Words], zone: str, language: Language
) -> CreditRow:
    """Put a grant into words of one language, with times of one zone; `titles` name the programmes."""
    grant = entry.grant
    by = Words("von selbst", "by itself") if entry.activity is None else activity_name(entry.activity)
    return CreditRow(
        volume=volume(grant.bytes).told(language),
        at=moment(grant.granted_at, zone).told(language),
        instant=rfc3339(grant.granted_at),
        by=by.told(language),
        source=Words(f"aus Stufe {grant.window}", f"from stage {grant.window}").told(language),
        until=last_day(grant.usable_until, zone).told(language),
        left=_left(entry).told(language) if entry.left_bytes else "",
        status=entry.status.value,
        status_word=status_words(entry.status).told(language),
        programme=grant.programme,
        title=titles[grant.programme].told(language),
        version=grant.version,
    )


def _left(entry: LedgerGrant) -> Words:
    """Tell how much is left of a grant; what has expired is of no more use."""
    left = volume(entry.left_bytes)
    if entry.status is TrancheStatus.EXPIRED:
        return Words(f"{left.de} nicht verbraucht", f"{left.en} not used")
    return Words(f"{left.de} übrig", f"{left.en} left")

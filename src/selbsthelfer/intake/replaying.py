"""Run any programme over a file of facts and tell every decision: the back-test."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction

from selbsthelfer.intake.core.facts import Fact, ProgrammeEnrolled, ProgrammeWithdrawn
from selbsthelfer.intake.importing import FactsFile, OnProgress, OnRefused, Summary, in_batches, take_facts
from selbsthelfer.intake.operations import Terms
from selbsthelfer.intake.sweeping import sweep
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.operations import publish
from selbsthelfer.programmes.queries import enrolled_lines, standings


class VariantMissingError(ValueError):
    """An enrolment in a replay does not tell its variant; a draw now would not be what happened."""


def replay(
    file: FactsFile,
    definition: Definition,
    *,
    until: datetime | None,
    on_progress: OnProgress,
    on_refused: OnRefused,
) -> Summary:
    """Take every fact received up to `until` (inclusive; default: the last one) into an empty database.

    Every enrolment and withdrawal is taken as one of `definition`. Raises `VariantMissingError`.
    """
    now = until or file.last_received_at
    summary = Summary(last_received_at=now)
    if now is None:
        return summary
    publish(definition, now=now)
    terms = Terms(now=now, may_backdate=True, is_history=True)
    facts = (entry for entry in file.facts(lambda fact: _of_programme(fact, definition.name)))
    due = (entry for entry in facts if entry[0][0] <= now)
    for batch in in_batches(due):
        take_facts(batch, terms, summary, on_refused)
        on_progress(len(batch))
    summary.released += sweep(now=now)
    return summary


def _of_programme(fact: Fact, programme: str) -> Fact:
    """Make an enrolment or withdrawal one of the programme that is tried."""
    if isinstance(fact, ProgrammeEnrolled):
        if fact.data.variant is None:
            raise VariantMissingError(
                f"the enrolment {fact.id} of {fact.source} tells no variant; a replay cannot draw one"
            )
        return msgspec.structs.replace(fact, data=msgspec.structs.replace(fact.data, programme=programme))
    if isinstance(fact, ProgrammeWithdrawn):
        return msgspec.structs.replace(fact, data=msgspec.structs.replace(fact.data, programme=programme))
    return fact


def decisions(now: datetime) -> Iterator[dict[str, object]]:
    """Tell every grant, stage and judged contact as known at `now`, line by line."""
    with transaction.atomic():
        cursor = open_cursor()
        for page in enrolled_lines(cursor):
            yield from _of_page(cursor, {line: subject for subject, line in page}, now)


def _of_page(cursor: Any, subjects: dict[UUID, str], now: datetime) -> Iterator[dict[str, object]]:
    found = standings(cursor, list(subjects), now=now)
    told: dict[UUID, list[dict[str, object]]] = defaultdict(list)
    for r in found.releases:
        if r.bytes > 0:
            told[r.subscriber_id].append(
                {
                    "kind": "grant",
                    "subject": subjects[r.subscriber_id],
                    "programme": r.programme,
                    "index": r.index,
                    "window": r.window,
                    "level": r.level,
                    "bytes": r.bytes,
                    "granted_at": _rfc3339(r.granted_at),
                    "valid_until": _rfc3339(r.valid_until),
                    "activity": r.activity_id,
                }
            )
    for s in found.stages:
        told[s.subscriber_id].append(
            {
                "kind": "stage",
                "subject": subjects[s.subscriber_id],
                "programme": s.programme,
                "window": s.window,
                "level": s.level,
                "state": s.state,
                "activities": s.activities,
                "counting_contacts": s.counting_contacts,
            }
        )
    for c in found.contacts:
        told[c.subscriber_id].append(
            {
                "kind": "contact",
                "subject": subjects[c.subscriber_id],
                "contact": c.id,
                "window": c.window,
                "counts": c.code is None,
                "code": c.code,
            }
        )
    for line in subjects:
        yield from told[line]


def _rfc3339(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")

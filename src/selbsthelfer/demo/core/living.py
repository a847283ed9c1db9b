"""The rest of a line's life: that it exists and takes part, what it uses, what changes, how it ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Final

from selbsthelfer.demo.core import diary as written
from selbsthelfer.demo.core.chance import log_normal, poisson
from selbsthelfer.demo.core.diary import Diary
from selbsthelfer.demo.core.lines import Line, Role
from selbsthelfer.demo.core.parameters import CONTRACT_TARIFFS, MONTH_DAYS
from selbsthelfer.intake.core import facts as kinds
from selbsthelfer.intake.core.facts import LineFact
from selbsthelfer.subscribers.core.billing import EveryDays, Monthly

USAGE_STEPS: Final = (
    (timedelta(days=70), timedelta(days=14)),
    (timedelta(days=14), timedelta(days=7)),
)
"""Further from the end of the story than each reach, usage is recorded in steps of so long; else daily."""
UNLIMITED_USE_BYTES: Final = 14_000_000_000
HALF_USED_BYTES_A_DAY: Final = 14_000_000
"""Light use, which takes about a week for half of a bonus of 200 MB."""
USED_UP_BYTES_A_DAY: Final = 60_000_000
"""Use that takes four days for all of it."""
_SHOWN_USE: Final = {Role.HALF_USED: HALF_USED_BYTES_A_DAY, Role.USED_UP: USED_UP_BYTES_A_DAY}
_DAY = timedelta(days=1)


def write_membership(diary: Diary) -> None:
    """Write the registration, the enrolment, and what ends either."""
    line = diary.line
    diary.facts.append(_registration(line))
    if line.enrolled_at is not None and line.variant is not None:
        diary.facts.append(
            kinds.ProgrammeEnrolled(
                id=f"enrolment-{line.ordinal:06d}",
                source=written.CRM,
                time=line.enrolled_at,
                subject=line.subject,
                data=kinds.Enrolled(programme=written.PROGRAMME, variant=line.variant.value),
            )
        )
    for change in line.calendar.changes:
        if change.happened_at < line.lives_until:
            diary.facts.append(
                kinds.SubscriberBillingDayChanged(
                    id=change.id,
                    source=change.source,
                    time=change.happened_at,
                    subject=line.subject,
                    data=kinds.BillingDayChanged(billing_day=change.billing_day),
                )
            )
    diary.facts.extend(_endings(line))


def _registration(line: Line) -> LineFact:
    cycle = line.calendar.cycle
    return kinds.SubscriberRegistered(
        id=f"line-{line.ordinal:06d}",
        source=written.CRM,
        time=line.registered_at,
        received=line.learned_at if line.learned_at > line.registered_at else None,
        subject=line.subject,
        data=kinds.Registered(
            timezone=line.calendar.timezone,
            billing_day=cycle.billing_day if isinstance(cycle, Monthly) else None,
            period_days=cycle.period_days if isinstance(cycle, EveryDays) else None,
            period_anchor=cycle.period_anchor if isinstance(cycle, EveryDays) else None,
            msisdn=line.msisdn,
            language=line.language,
            tariff=line.tariff.id,
            included_bytes=line.tariff.included_bytes,
            account=line.account,
        ),
    )


def _endings(line: Line) -> list[LineFact]:
    endings: list[LineFact] = []
    if line.withdrawn_at is not None:
        endings.append(
            kinds.ProgrammeWithdrawn(
                id=f"withdrawal-{line.ordinal:06d}",
                source=written.APP,
                time=line.withdrawn_at,
                subject=line.subject,
                data=kinds.Withdrawn(programme=written.PROGRAMME),
            )
        )
    if line.has_ended:
        endings.append(
            kinds.SubscriberEnded(
                id=f"end-{line.ordinal:06d}",
                source=written.CRM,
                time=line.lives_until,
                subject=line.subject,
            )
        )
    return endings


def write_changes(diary: Diary) -> None:
    """Write changes of tariff and language, and suspensions with their end."""
    line, parameters, random = diary.line, diary.operator.parameters, diary.stream("changes")
    if line.role is not Role.ORDINARY:
        return
    if line.tariff in CONTRACT_TARIFFS:
        for at in _instants(diary, random, parameters.tariff_changes_per_month):
            tariff = random.choice(CONTRACT_TARIFFS)
            data = kinds.Changed(tariff=tariff.id, included_bytes=tariff.included_bytes)
            diary.change(at, data)
    for at in _instants(diary, random, parameters.suspensions_per_month):
        diary.change(at, kinds.Changed(suspended=True))
        diary.change(at + random.randint(3, 20) * _DAY, kinds.Changed(suspended=False))
    for at in _instants(diary, random, 0.0005):
        diary.change(at, kinds.Changed(language="de" if line.language == "en" else "en"))


def _instants(diary: Diary, random: Random, per_month: float) -> list[datetime]:
    start, end = diary.starts_at, diary.line.lives_until
    seconds = (end - start).total_seconds()
    number = poisson(random, per_month * seconds / 86_400 / MONTH_DAYS)
    return sorted(start + timedelta(seconds=random.randrange(int(seconds))) for _ in range(number))


def write_usage(diary: Diary) -> None:
    """Write what the line used since the record before."""
    line, random = diary.line, diary.stream("usage")
    cycle = line.calendar.cycle
    period_days = cycle.period_days if isinstance(cycle, EveryDays) else MONTH_DAYS
    included = line.tariff.included_bytes or UNLIMITED_USE_BYTES
    bytes_a_day = included * log_normal(random, 0.66, 0.5) / period_days
    since = max(line.bounds[0], line.registered_at)
    nightly = line.ordinal % 240
    at = since.replace(hour=2, minute=nightly // 60, second=nightly % 60, microsecond=0) + _DAY
    while at < line.lives_until:
        days = (at - since).total_seconds() / 86_400
        used = round(bytes_a_day * days * log_normal(random, 1, 0.3))
        if line.role in _SHOWN_USE and at > line.lives_until - 9 * _DAY:
            used = _SHOWN_USE[line.role]
        diary.usage(at, used)
        since, at = at, at + _step(diary.operator.ends_at - at)


def _step(until_end: timedelta) -> timedelta:
    """Tell how long until the next record of usage: the older the coarser, to keep the file small."""
    for reach, step in USAGE_STEPS:
        if until_end > reach:
            return min(step, max(_DAY, (until_end - reach).days * _DAY))
    return _DAY

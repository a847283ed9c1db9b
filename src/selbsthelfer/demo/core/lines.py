"""The lines of the made-up operator: who they are and how they are, before anything happens to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from random import Random
from typing import Final

from selbsthelfer.demo.core.chance import log_normal, stream
from selbsthelfer.demo.core.numbers import fictional_number
from selbsthelfer.demo.core.parameters import (
    CONTRACT_TARIFFS,
    DEFAULTS,
    MONTH_DAYS,
    PREPAID_TARIFFS,
    UNLIMITED_TARIFF,
    Parameters,
    Tariff,
)
from selbsthelfer.demo.core.rhythm import ONLINE, TIMEZONE
from selbsthelfer.programmes.core.variant import Variant, draw_variant
from selbsthelfer.subscribers.core.billing import (
    BillingDayChange,
    Calendar,
    EveryDays,
    Monthly,
    first_instant,
    period_bounds,
)

MAX_LINES: Final = 10_000
"""A larger operator would need more memory than a laptop has to spare; `make bench` measures those."""
COMPLETE_PERIODS: Final = 12
"""Billing periods that lie behind every line that was there from the start."""
_OPEN_FOR = timedelta(days=540)
_REACH_BACK = timedelta(days=470)
_DAY = timedelta(days=1)
_ELSEWHERE = ("Europe/Vienna", "Europe/Lisbon", "Atlantic/Canary", "America/New_York")


class Role(StrEnum):
    """What a line is there to show; all but the first are one line each."""

    ORDINARY = "ordinary"
    ALL_EARNED = "all_earned"
    NEWCOMER = "newcomer"
    SECOND_STAGE = "second_stage_after_a_missed_one"
    HALF_USED = "bonus_half_used"
    FAILED_YESTERDAY = "failed_yesterday"
    READY = "volume_waits"
    USED_UP = "bonus_used_up"


SHOWN_INDEX: Final = {
    Role.SECOND_STAGE: 5,
    Role.HALF_USED: 8,
    Role.FAILED_YESTERDAY: 5,
    Role.READY: 5,
    Role.USED_UP: 8,
}
"""The billing period, counted from enrolment, in which these roles stand when the story ends."""


@dataclass(frozen=True)
class Operator:
    """A made-up operator: what seeds it, how many lines it has, and the day before which its story ends."""

    seed: int
    size: int
    ends_on: date
    parameters: Parameters = DEFAULTS

    def __post_init__(self) -> None:
        if not 1 <= self.size <= MAX_LINES:
            raise ValueError(f"the made-up operator has from 1 to {MAX_LINES} lines")

    @cached_property
    def ends_at(self) -> datetime:
        """The instant before which everything has happened and is known."""
        return first_instant(TIMEZONE, self.ends_on)

    @cached_property
    def opened_at(self) -> datetime:
        """The instant from which life is recorded: at least a quarter before the first enrolment."""
        return first_instant(TIMEZONE, self.ends_on - _OPEN_FOR)

    @cached_property
    def roles(self) -> dict[int, Role]:
        """Hand the roles to the first lines that see the programme."""
        seen = (n for n in range(1, self.size + 1) if variant_of(self, n) is Variant.TREATMENT)
        return dict(zip(seen, list(Role)[1:], strict=False))


@dataclass(frozen=True, slots=True)
class Line:
    """One line and its ways. Rates are per month; `bounds` are its billing periods from the enrolment on."""

    ordinal: int
    subject: str
    account: str | None
    msisdn: str | None
    language: str
    role: Role
    tariff: Tariff
    calendar: Calendar
    registered_at: datetime
    learned_at: datetime
    enrolled_at: datetime | None
    variant: Variant | None
    bounds: tuple[datetime, ...]
    lives_until: datetime
    has_ended: bool
    withdrawn_at: datetime | None
    contact_frailty: float
    is_keen: bool
    is_devoted: bool

    @property
    def is_founder(self) -> bool:
        """Tell whether the line was enrolled at the start, so that twelve complete periods lie behind it."""
        return self.learned_at > self.registered_at and self.role not in SHOWN_INDEX


def account_of(ordinal: int) -> str | None:
    """Name the account that holds several lines, among them this one: two or three neighbours in twenty."""
    first = {9: 1, 18: 1, 19: 2}.get(ordinal % 20, 0)
    return f"K-{ordinal - first:06d}" if ordinal % 20 in {8, 9, 17, 18, 19} else None


def subject_of(ordinal: int) -> str:
    return f"M-{ordinal:06d}"


def variant_of(operator: Operator, ordinal: int) -> Variant:
    """Draw a line's variant as the programme does; the lines of one account go together."""
    return draw_variant(
        salt=operator.parameters.salt,
        subject=account_of(ordinal) or subject_of(ordinal),
        control_share=operator.parameters.control_share,
    )


def lines_of(operator: Operator) -> Iterator[Line]:
    """Draw every line; a line is the same in a larger operator of the same seed and day."""
    for ordinal in range(1, operator.size + 1):
        yield _draw_line(operator, ordinal)


@dataclass(frozen=True, slots=True)
class _Joining:
    """How and when a line came, was enrolled and is billed."""

    tariff: Tariff
    calendar: Calendar
    registered_at: datetime
    learned_at: datetime
    enrolled_at: datetime


def _draw_line(operator: Operator, ordinal: int) -> Line:
    parameters, random = operator.parameters, stream(operator.seed, ordinal, "line")
    role = operator.roles.get(ordinal, Role.ORDINARY)
    variant = variant_of(operator, ordinal)
    joining = _draw_joining(operator, ordinal, role, random)
    is_enrolled = joining.tariff.included_bytes is not None
    lives_until, withdrawn_at = operator.ends_at, None
    if role is Role.ORDINARY:
        lives_until = _draw_stop(random, joining.enrolled_at, parameters.churn_per_month, operator.ends_at)
        left_at = _draw_stop(random, joining.enrolled_at, parameters.withdrawals_per_month, lives_until)
        if is_enrolled and variant is Variant.TREATMENT and left_at < lives_until:
            withdrawn_at = left_at
    invited = is_enrolled and variant is Variant.TREATMENT
    is_keen = role is not Role.ORDINARY or random.random() < (
        parameters.uptake if invited else parameters.habit
    )
    return Line(
        ordinal=ordinal,
        subject=subject_of(ordinal),
        account=account_of(ordinal),
        msisdn=fictional_number(ordinal),
        language="en" if role is Role.ORDINARY and random.random() < 0.15 else "de",
        role=role,
        tariff=joining.tariff,
        calendar=joining.calendar,
        registered_at=joining.registered_at,
        learned_at=joining.learned_at,
        enrolled_at=joining.enrolled_at if is_enrolled else None,
        variant=variant if is_enrolled else None,
        bounds=period_bounds(
            joining.calendar, containing=joining.enrolled_at, until=operator.ends_at + 40 * _DAY
        ),
        lives_until=lives_until,
        has_ended=lives_until < operator.ends_at,
        withdrawn_at=withdrawn_at,
        contact_frailty=_draw_frailty(random, parameters) if role is Role.ORDINARY else 1.0,
        is_keen=is_keen,
        is_devoted=role is not Role.ORDINARY or (is_keen and random.random() < parameters.devoted_share),
    )


def _draw_frailty(random: Random, parameters: Parameters) -> float:
    """Draw by how much a line contacts the operator more or less often than the mean line."""
    drawn = random.gammavariate(parameters.frailty_shape, 1 / parameters.frailty_shape)
    if random.random() < parameters.frequent_share:
        drawn *= log_normal(random, parameters.frequent_multiple, 0.6)
    return drawn / (1 + parameters.frequent_share * (parameters.frequent_multiple - 1))


def _draw_stop(random: Random, start: datetime, per_month: float, before: datetime) -> datetime:
    """Draw when something ends a line's part, at the latest `before`."""
    at = start + timedelta(days=random.expovariate(per_month / MONTH_DAYS))
    return min(at.replace(microsecond=0), before)


def _draw_joining(operator: Operator, ordinal: int, role: Role, random: Random) -> _Joining:
    if role is Role.NEWCOMER:
        return _newcomer(operator, ordinal, random, days_ago=9.0)
    if role in SHOWN_INDEX:
        return _shown(operator, SHOWN_INDEX[role], random)
    if role is Role.ORDINARY and random.random() < operator.parameters.newcomer_share:
        return _newcomer(operator, ordinal, random, days_ago=random.uniform(1, 335))
    return _founder(operator, ordinal, role, random)


def _founder(operator: Operator, ordinal: int, role: Role, random: Random) -> _Joining:
    """Let a line be there from the start, with twelve complete billing periods since its enrolment."""
    registered_at = operator.opened_at - timedelta(seconds=round(random.uniform(30, 2_900) * 86_400))
    tariff, steady = _draw_contract(operator, ordinal, role, registered_at, random)
    bounds = period_bounds(steady, containing=operator.ends_at - _REACH_BACK, until=operator.ends_at)
    start = bounds[-2 - COMPLETE_PERIODS - (random.random() < 0.45)]
    enrolled_at = ONLINE.draw(random, start, start + 12 * _DAY) or start
    change = _draw_billing_day_change(operator, ordinal, steady, enrolled_at, random)
    calendar = steady
    if role is Role.ORDINARY and change is not None:
        changed = Calendar(steady.timezone, steady.cycle, (change,))
        since = period_bounds(changed, containing=enrolled_at, until=operator.ends_at)
        if len(since) > COMPLETE_PERIODS and since[COMPLETE_PERIODS] <= operator.ends_at:
            calendar = changed
    return _Joining(tariff, calendar, registered_at, operator.opened_at, enrolled_at)


def _newcomer(operator: Operator, ordinal: int, random: Random, *, days_ago: float) -> _Joining:
    """Let a line join while the programme runs, and enrol within a few days."""
    registered_at = (operator.ends_at - timedelta(days=days_ago)).replace(microsecond=0)
    tariff, calendar = _draw_contract(operator, ordinal, Role.ORDINARY, registered_at, random)
    latest = min(registered_at + 5 * _DAY, operator.ends_at)
    enrolled_at = ONLINE.draw(random, registered_at, latest) or registered_at
    return _Joining(tariff, calendar, registered_at, registered_at, enrolled_at)


def _shown(operator: Operator, index: int, random: Random) -> _Joining:
    """Let a line stand nine days deep in the billing period with this index when the story ends."""
    calendar = Calendar(TIMEZONE, Monthly((operator.ends_on - 9 * _DAY).day))
    bounds = period_bounds(calendar, containing=operator.ends_at - _REACH_BACK, until=operator.ends_at)
    start = bounds[-1 - index]
    enrolled_at = ONLINE.draw(random, start + _DAY, start + 3 * _DAY) or start
    registered_at = operator.opened_at - timedelta(seconds=round(random.uniform(30, 900) * 86_400))
    return _Joining(CONTRACT_TARIFFS[0], calendar, registered_at, operator.opened_at, enrolled_at)


def _draw_contract(
    operator: Operator, ordinal: int, role: Role, registered_at: datetime, random: Random
) -> tuple[Tariff, Calendar]:
    """Draw tariff and billing; billing days go through all of 1 to 31, whatever the size."""
    timezone = TIMEZONE if random.random() >= 0.03 else random.choice(_ELSEWHERE)
    kind = random.random()
    if role is not Role.ORDINARY:
        return CONTRACT_TARIFFS[1], Calendar(TIMEZONE, Monthly(ordinal * 7 % 31 + 1))
    if kind < operator.parameters.prepaid_share:
        return _draw_tariff(random, PREPAID_TARIFFS), Calendar(timezone, EveryDays(28, registered_at.date()))
    tariff = _draw_tariff(random, CONTRACT_TARIFFS)
    if kind > 1 - operator.parameters.unlimited_share:
        tariff = UNLIMITED_TARIFF
    return tariff, Calendar(timezone, Monthly(ordinal * 7 % 31 + 1))


def _draw_tariff(random: Random, tariffs: tuple[Tariff, ...]) -> Tariff:
    return random.choices(tariffs, [tariff.weight for tariff in tariffs])[0]


def _draw_billing_day_change(
    operator: Operator, ordinal: int, calendar: Calendar, enrolled_at: datetime, random: Random
) -> BillingDayChange | None:
    """Draw whether, when and to which day a line changes its billing day; prepaid lines have none."""
    rate = operator.parameters.billing_day_changes_per_month
    at = _draw_stop(random, enrolled_at + 20 * _DAY, rate, operator.ends_at)
    day = random.randint(1, 28)
    if at >= operator.ends_at - _DAY or not isinstance(calendar.cycle, Monthly):
        return None
    return BillingDayChange(at, f"billing-{ordinal:06d}", "/musterfunk/billing", day)

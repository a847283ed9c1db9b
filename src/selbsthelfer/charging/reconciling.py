"""Compare every order with what the charging system has, repair what is safe, and keep the rest."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, NamedTuple
from uuid import UUID

import psycopg
from django.db import transaction

from selbsthelfer.charging.core.orders import Action, Order, first_place
from selbsthelfer.charging.core.port import Capabilities, ChargingSystem, Credited, Found, UnreadableError
from selbsthelfer.charging.core.reconciliation import (
    Drift,
    DriftKind,
    by_credit,
    differences,
    repaired,
    superfluous,
    unknown_buckets,
)
from selbsthelfer.charging.drifting import put_drifts, resolve_double, resolve_examined, resolve_unseen
from selbsthelfer.charging.together import do_together
from selbsthelfer.charging.writing import AttemptRow, change_orders, locked_orders, put_attempts
from selbsthelfer.kit.sql import DATABASE_ERRORS, open_cursor, statements

_SQL = statements("selbsthelfer.charging")
_LOG = logging.getLogger(__name__)

PAGE: Final = 100
"""Recipients read back together."""
MAX_RECIPIENTS: Final = 100_000_000
"""Recipients in one run: every line that a country has."""
MAX_FINDINGS: Final = 10_000
"""Drifts told one by one; further ones are counted and kept."""

MAX_PAGES_UNREADABLE: Final = 3
"""Pages in a row of which nobody could be read: then the system is away, and the run ends."""

_BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CannotReadBackError(ValueError):
    """The charging system does not tell what it has, so nothing can be compared."""

    code: ClassVar[str] = "cannot_read_back"


class AnotherRunError(RuntimeError):
    """Another reconciliation is running; what both took out would be gone twice."""

    code: ClassVar[str] = "another_run"


class Finding(NamedTuple):
    """A drift, and whether it was repaired at once."""

    drift: Drift
    is_repaired: bool


@dataclass(slots=True)
class Report:
    """What a run saw; `unreadable` recipients were not compared, and a run that met none saw everything.

    `is_broken_off`: the system was away, so the run ended before all recipients were asked for.
    """

    recipients: int
    orders: int
    unreadable: int
    repaired: int
    remaining: int
    findings: list[Finding]
    is_broken_off: bool = False

    def add(self, finding: Finding) -> None:
        self.repaired += finding.is_repaired
        self.remaining += not finding.is_repaired
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding)


class _Double(NamedTuple):
    """An order that is there more than once, with the buckets that may go."""

    recipient: str
    finding: Finding
    may_go: tuple[Found, ...]
    is_solved_by_it: bool


class _Page(NamedTuple):
    """Recipients with the orders that are compared, as they stood before the system was asked."""

    recipients: Sequence[str]
    orders: Mapping[str, Sequence[Order]]
    at: datetime


def reconcile(
    *,
    system: ChargingSystem,
    now_of: Callable[[], datetime],
    repair: bool = False,
    reverse_doubles: bool = False,
    since: datetime | None = None,
    limit: int | None = None,
) -> Report:
    """Compare the orders whose volume has not ended with the system's buckets, recipient by recipient.

    With `repair`, what is found is confirmed and what surely never arrived is sent again. With
    `reverse_doubles`, a second bucket that nobody has touched is taken out, where the system can. `since`
    leaves out orders before it, `limit` bounds the recipients. It ends early when nobody can be read any
    more. Raises `CannotReadBackError`, and `AnotherRunError` while another run goes on.
    """
    if not system.capabilities.read_back:
        raise CannotReadBackError(f"{system.name} does not tell what it has been credited with")
    with _alone():
        return _run(system, now_of, repair=repair, reverse_doubles=reverse_doubles, since=since, limit=limit)


@contextmanager
def _alone() -> Iterator[None]:
    """Be the only run; the database forgets it with the connection, should this process die."""
    row = open_cursor().execute(_SQL["begin_run"]).fetchone()
    if row is None or not row[0]:
        raise AnotherRunError("another reconciliation is running")
    try:
        yield
    finally:
        with suppress(*DATABASE_ERRORS):  # then the connection is gone, and the lock with it
            open_cursor().execute(_SQL["end_run"])


def _run(
    system: ChargingSystem,
    now_of: Callable[[], datetime],
    *,
    repair: bool,
    reverse_doubles: bool,
    since: datetime | None,
    limit: int | None,
) -> Report:
    started_at, left = now_of(), min(limit or MAX_RECIPIENTS, MAX_RECIPIENTS)
    report, beyond, away = Report(0, 0, 0, 0, 0, []), "", 0
    while left > 0:
        page = _load(beyond, min(PAGE, left), since or _BEFORE_ALL, now_of(), system)
        if not page.recipients:
            break
        unreadable = report.unreadable
        doubles = _compare(page, system, now_of, repair, report)
        is_away = report.unreadable - unreadable == len(page.recipients)
        away = away + 1 if is_away else 0
        if away == MAX_PAGES_UNREADABLE:
            report.is_broken_off = True
            break
        if reverse_doubles and system.capabilities.reverse:
            _reverse(doubles, system, now_of, report)
        beyond, left = page.recipients[-1], left - len(page.recipients)
    if left > 0 and since is None and not report.unreadable:
        with transaction.atomic():
            resolve_unseen(open_cursor(), system.name, started_at=started_at, now=now_of())
    return report


def _load(beyond: str, limit: int, since: datetime, at: datetime, system: ChargingSystem) -> _Page:
    with transaction.atomic(durable=True):
        cursor = open_cursor()
        parameters = {"beyond": beyond, "limit": limit, "since": since, "now": at, "system": system.name}
        recipients = [row[0] for row in cursor.execute(_SQL["recipients"], parameters)]
        return _Page(recipients, _orders(cursor, recipients, at, system), at)


def _orders(
    cursor: psycopg.Cursor[Any], recipients: Sequence[str], at: datetime, system: ChargingSystem
) -> Mapping[str, Sequence[Order]]:
    orders: dict[str, list[Order]] = defaultdict(list)
    if recipients:
        parameters = {"recipients": list(recipients), "now": at, "system": system.name}
        for each in locked_orders(cursor, "of_recipients", parameters):
            orders[each.order.recipient or ""].append(each.order)
    return orders


def _compare(
    page: _Page, system: ChargingSystem, now_of: Callable[[], datetime], repair: bool, report: Report
) -> Sequence[_Double]:
    """Read a page back, then hold it against the orders that have not moved meanwhile."""

    def read(recipient: str) -> tuple[Found, ...] | str:
        try:
            return system.read_back(recipient)
        except UnreadableError as error:
            return error.code

    answers = do_together(read, {recipient: recipient for recipient in page.recipients})
    codes = Counter(answer for answer in answers.got.values() if isinstance(answer, str))
    if codes:
        _LOG.warning("%s recipients cannot be read back: %s", codes.total(), ", ".join(sorted(codes)))
    report.unreadable += codes.total()
    doubles: list[_Double] = []
    now = now_of()
    with transaction.atomic(durable=True):
        cursor = open_cursor()
        standing = _orders(cursor, page.recipients, page.at, system)
        for recipient, found in answers.got.items():
            report.recipients += 1
            if isinstance(found, str):
                continue
            unmoved = [o for o in page.orders.get(recipient, ()) if o in standing.get(recipient, ())]
            report.orders += len(unmoved)
            comparison = _Comparison(cursor, recipient, unmoved, by_credit(found), page.at, now, system)
            doubles += comparison.keep_differences(repair, report)
    answers.raise_first()
    return doubles


@dataclass(slots=True)
class _Comparison:
    """One recipient's orders beside the buckets that it has."""

    cursor: psycopg.Cursor[Any]
    recipient: str
    orders: Sequence[Order]
    found: Mapping[UUID, tuple[Found, ...]]
    read_at: datetime
    now: datetime
    system: ChargingSystem

    @property
    def capabilities(self) -> Capabilities:
        return self.system.capabilities

    def keep_differences(self, repair: bool, report: Report) -> Sequence[_Double]:
        """Find what differs, repair it where that is wished and safe, and keep it."""
        findings: list[Finding] = []
        doubles: list[_Double] = []
        for order in self.orders:
            matches = self.found.get(order.credit_id, ())
            drifts = differences(order, matches, at=self.read_at, capabilities=self.capabilities)
            after = self._repaired(order, drifts, matches) if repair else order
            findings += [Finding(drift, after != order and _is_of_presence(drift)) for drift in drifts]
            doubles += self._double(after, drifts, matches)
        findings += [Finding(drift, False) for drift in self._unknown()]
        put_drifts(self.cursor, [(f.drift, f.is_repaired) for f in findings], self.system.name, now=self.now)
        lines = {order.subscriber_id for order in self.orders}
        examined = {order.credit_id for order in self.orders} | set(self.found)
        seen = [finding.drift for finding in findings]
        resolve_examined(self.cursor, lines, examined, seen, now=self.now)
        for finding in findings:
            report.add(finding)
        return doubles

    def _repaired(self, order: Order, drifts: Sequence[Drift], matches: tuple[Found, ...]) -> Order:
        """Repair an order and log that as an attempt."""
        for drift in drifts:
            after = repaired(order, drift, matches, at=self.now, capabilities=self.capabilities)
            if after is not None:
                after = replace(after, attempts=order.attempts + 1)
                outcome = "found" if matches else "absent"
                attempt = AttemptRow(
                    *order.key, after.attempts, Action.READ_BACK.value, self.read_at, self.now, outcome
                )
                put_attempts(self.cursor, [attempt])
                change_orders(self.cursor, [(order, after)])
                return after
        return order

    def _double(self, order: Order, drifts: Sequence[Drift], matches: tuple[Found, ...]) -> Sequence[_Double]:
        """Name the order's own bucket for good, so that two who take out doubles never take out both."""
        drift = next((drift for drift in drifts if drift.kind is DriftKind.DOUBLE), None)
        if drift is None:
            return []
        own = replace(order, place=first_place(order, matches))
        change_orders(self.cursor, [(order, own)])
        may_go = superfluous(own, matches)
        return [_Double(self.recipient, Finding(drift, False), may_go, len(may_go) == len(matches) - 1)]

    def _unknown(self) -> Sequence[Drift]:
        if not self.orders or not self.found:
            return []
        lines = sorted({order.subscriber_id for order in self.orders})
        parameters = {"lines": lines, "credits": list(self.found)}
        known = {row[0] for row in self.cursor.execute(_SQL["known_credits"], parameters)}
        buckets = [bucket for buckets in self.found.values() for bucket in buckets]
        return unknown_buckets(lines[0], buckets, known, at=self.now)


def _is_of_presence(drift: Drift) -> bool:
    """Tell whether it is about being there: what is wrong with the content is never repaired."""
    return drift.kind in (DriftKind.MISSING, DriftKind.UNCERTAIN_FOUND, DriftKind.UNCERTAIN_ABSENT)


def _reverse(
    doubles: Sequence[_Double], system: ChargingSystem, now_of: Callable[[], datetime], report: Report
) -> None:
    """Take out what is there twice; what fails stays a drift."""
    for double in doubles:
        drift = double.finding.drift
        outcomes = [system.reverse(double.recipient, bucket) for bucket in double.may_go]
        gone = sum(isinstance(outcome, Credited) for outcome in outcomes)
        if outcomes:
            told = (drift.credit_id, gone, len(outcomes))
            _LOG.warning("credit order %s: %s of %s superfluous buckets taken out", *told)
        if not double.is_solved_by_it or gone < len(outcomes):
            continue
        with transaction.atomic():
            resolve_double(open_cursor(), drift, now=now_of())
        report.repaired += 1
        report.remaining -= 1
        if double.finding in report.findings:
            report.findings[report.findings.index(double.finding)] = Finding(drift, True)

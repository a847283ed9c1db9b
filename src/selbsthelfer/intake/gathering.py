"""Commit the facts of many small requests together, so that many of them cost little more than one batch.

Whoever comes while nothing is committed leads: they take everything that waits, in one transaction, and hand
each request what became of its facts. Whoever comes meanwhile waits for the next group. Nobody waits when
alone, and no thread runs beside the requests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from threading import Lock
from typing import NamedTuple

from django.db import connection

from selbsthelfer.intake.core.validation import Rejection
from selbsthelfer.intake.operations import MAX_BATCH, Receipt, Terms, accept
from selbsthelfer.kit.sql import is_database_away

MAX_GATHERED_FACTS = 100
"""Facts in a request that is committed with others; a larger one pays for a transaction of its own."""
MAX_WAITING = 1_000
"""Requests that wait for the next group; beyond it the sender has to come again.

Each waits in a thread, so a server that has fewer threads (`cli.serve.THREADS`) never gets there: there
senders wait for a thread.
"""
WAIT_SECONDS = 30.0
"""How long a request waits for others to commit it; then its sender has to come again."""
MAX_LEADERS = 1
"""Groups that are committed at once. A second makes the groups smaller and so the facts dearer."""


class BusyError(RuntimeError):
    """More requests wait than `MAX_WAITING`, or this one did for `WAIT_SECONDS`; it may be sent again."""

    code = "busy"


class Taken(NamedTuple):
    """What became of the facts of a request, in the order given; refused ones by their place."""

    results: list[str]
    rejections: list[tuple[int, Rejection]]


@dataclass(slots=True, eq=False)
class _Request:
    batch: Sequence[bytes]
    terms: Terms
    is_connected: bool
    awake: Lock = field(default_factory=Lock)
    leads: bool = False
    next: _Request | None = None
    """Who is woken after this one: a group that woke at once would fight over the interpreter."""
    is_woken: bool = False
    has_left: bool = False
    taken: Taken | None = None
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.awake.acquire()

    def may_join(self, other: _Request) -> bool:
        """Tell whether both may enter by the same terms, but for the instant."""
        return replace(self.terms, now=other.terms.now) == other.terms

    def answer(self) -> Taken:
        if self.error is not None:
            raise self.error
        assert self.taken is not None  # noqa: S101 - a group gives each request one of the two
        return self.taken


class Gathering:
    """Requests that wait to be committed together; one for each process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: deque[_Request] = deque()
        self._leaders = 0

    def take(self, batch: Sequence[bytes], *, terms: Terms) -> Taken:
        """Take the facts of one request, durably, as `accept` does; small requests share a transaction.

        All facts of a group count as received at the latest `now` of its requests. Raises `BusyError`,
        `BatchTooLargeError`, and what the database raises: to all of a group where it cannot be reached.
        """
        # What is taken inside a caller's transaction is not durable yet, and may be told to nobody else.
        if len(batch) > MAX_GATHERED_FACTS or connection.in_atomic_block:
            return _told(accept(batch, terms=terms))
        request = _Request(batch, terms, is_connected=connection.connection is not None)
        with self._lock:
            if len(self._waiting) >= MAX_WAITING:
                raise BusyError(f"{MAX_WAITING} requests wait already")
            self._waiting.append(request)
            if self._leaders < MAX_LEADERS:
                self._leaders += 1
                request.leads = True
        if not request.leads and not request.awake.acquire(timeout=WAIT_SECONDS):
            self._give_up(request)
        if request.leads:
            self._lead(request)
        elif request.next is not None:
            request.next.awake.release()
        return request.answer()

    def _give_up(self, request: _Request) -> None:
        """Let a request wait no longer: raises `BusyError`, unless it was chosen to lead or woken meanwhile.

        Its facts may be in hand and enter yet: whoever sends them again hears that they are known.
        """
        with self._lock:
            if request.leads or request.is_woken:
                return
            request.has_left = True
            if request in self._waiting:
                self._waiting.remove(request)
        raise BusyError(f"a request has waited for {WAIT_SECONDS:.0f} s")

    def _lead(self, leader: _Request) -> None:
        """Commit a group with the leader's request in it; then let the next one lead."""
        group = self._next_group(leader)
        try:
            _commit(group)
        except BaseException as error:
            for request in group:
                if request.taken is None and request.error is None:
                    request.error = error
            raise
        finally:
            self._hand_over()
            self._wake(request for request in group if request is not leader)

    def _next_group(self, leader: _Request) -> list[_Request]:
        """Take out what waits and may enter with the leader's request, the oldest first."""
        group, room, left = [leader], MAX_BATCH - len(leader.batch), deque[_Request]()
        with self._lock:
            for request in self._waiting:
                if request is leader:
                    continue
                if not request.leads and len(request.batch) <= room and request.may_join(leader):
                    group.append(request)
                    room -= len(request.batch)
                else:
                    left.append(request)
            self._waiting = left
        return group

    def _hand_over(self) -> None:
        """Wake the next leader: of those that may enter with the oldest, one that has a connection already.

        So a few threads lead again and again, and those that only ever follow open no connection.
        """
        with self._lock:
            asleep = [request for request in self._waiting if not request.leads]
            if not asleep:
                self._leaders -= 1
                return
            oldest = asleep[0]
            leader = next((r for r in asleep if r.is_connected and r.may_join(oldest)), oldest)
            leader.leads = True
        leader.awake.release()

    def _wake(self, group: Iterable[_Request]) -> None:
        """Wake the first who still waits, who wakes the next."""
        with self._lock:
            followers = [request for request in group if not request.has_left]
            for follower in followers:
                follower.is_woken = True
            for follower, after in pairwise(followers):
                follower.next = after
        if followers:
            followers[0].awake.release()


def _commit(group: Sequence[_Request]) -> None:
    """Take a group in one transaction; where it fails and the database is there, each request by itself.

    So a request that brings a group down meets its own error only, and the others are served.
    """
    try:
        _take_together(group)
    except Exception as error:
        if len(group) == 1 or is_database_away(error):
            raise
        for place, request in enumerate(group):
            try:
                _take_together([request])
            except Exception as own:  # noqa: BLE001 - it is raised where the request waits
                request.error = own
                if is_database_away(own):
                    for left in group[place:]:
                        left.error = own
                    return


def _take_together(group: Sequence[_Request]) -> None:
    terms = replace(group[0].terms, now=max(request.terms.now for request in group))
    receipt = accept([fact for request in group for fact in request.batch], terms=terms)
    rejections = dict(receipt.rejections)
    start = 0
    for request in group:
        end = start + len(request.batch)
        refused = [(n - start, rejections[n]) for n in range(start, end) if n in rejections]
        request.taken = Taken(receipt.results[start:end], refused)
        start = end


def _told(receipt: Receipt) -> Taken:
    return Taken(receipt.results, sorted(receipt.rejections, key=lambda rejection: rejection[0]))

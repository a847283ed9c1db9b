"""How quickly the portal's pages are made, each on hundreds of different lines."""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Final
from uuid import uuid4

from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test.utils import modify_settings

from bench.browsing import PAGES_AT, Answer, Browser, signed_in, statements_sent
from bench.furnishing import furnish
from bench.page_figures import OF_CODE, OF_PAGE, SIGN_IN, Goal, PageFigure
from bench.world import PROGRAMME, World
from selbsthelfer.identity.models import User
from selbsthelfer.portal.assets import find_asset
from selbsthelfer.selfservice.back_ends import the_back_end
from selbsthelfer.subscribers.core.lines import LineRef

COUNTED: Final = 12
"""Lines on which each page is tried before it is timed, for plans to be kept and whole reads to be found."""
LARGE_TABLE: Final = 10_000
"""Rows from which on nobody may read a table whole for a page."""
BARE: Final = "a page that asks for nothing"
"""The cheapest page of somebody signed in: what every other is compared with."""
ASSETS: Final = ("portal.css", "htmx.js", "portal.js")
"""What a browser loads with the first page and never again."""
FIRST, AGAIN, ANEW = "first of the line", "again that day", "anew at once"
"""The first visit ever, which makes what is made once; one from elsewhere later that day; and a reload."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page: where it is for a line, and what has to be there before it is opened."""

    name: str
    address: Callable[[LineRef], str]
    is_public: bool = False


@dataclass(slots=True)
class Seen:
    """What was seen of one page in one kind of visit."""

    milliseconds: list[float] = field(default_factory=list)
    queries: int = 0
    html_bytes: int = 0
    zipped_bytes: int = 0
    read_whole: set[str] = field(default_factory=set)

    def take(self, answer: Answer, *, is_timed: bool) -> None:
        assert answer.status == 200, (answer.status, answer.location, answer.body[:300])
        if is_timed:
            self.milliseconds.append(answer.seconds * 1_000)
        if len(answer.body) > self.html_bytes:
            self.html_bytes, self.zipped_bytes = len(answer.body), len(gzip.compress(answer.body))


def _fixed(path: str) -> Callable[[LineRef], str]:
    return lambda _: path


def _newest_bill(line: LineRef) -> str:
    return f"/bills/{the_back_end().bills(line, now=PAGES_AT)[0].number}/explained"


PAGES = (
    Page(BARE, _fixed("/accessibility")),
    Page("start, for strangers", _fixed("/"), is_public=True),
    Page("programme, for strangers", _fixed(f"/programmes/{PROGRAMME}"), is_public=True),
    Page("home", _fixed("/")),
    Page("tasks", _fixed("/tasks/")),
    Page("a task: change of address", _fixed("/tasks/acc.address")),
    Page("rewards", _fixed("/rewards")),
    Page("ledger of credits", _fixed("/rewards/credits")),
    Page("programme", _fixed(f"/programmes/{PROGRAMME}")),
    Page("usage", _fixed("/usage")),
    Page("bills", _fixed("/bills")),
    Page("a bill explained", _newest_bill),
    Page("contract", _fixed("/contract")),
    Page("contact", _fixed("/contact")),
    Page("receipts", _fixed("/receipts/")),
    Page("account", _fixed("/account")),
)
RECEIPT = "a receipt"
ORDER = "POST: change of address, with its credit"
CODE = "POST: sign in with the code"


class _Tables:
    """Which large tables were read whole since the last look."""

    def __init__(self) -> None:
        self._before = self._counted()

    def read_whole(self) -> set[str]:
        now = self._counted()
        found = {table for table, scans in now.items() if scans > self._before.get(table, scans)}
        self._before = now
        return found

    def _counted(self) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT relname, coalesce(seq_scan, 0) FROM pg_stat_user_tables"
                " WHERE schemaname = 'public' AND n_live_tup > %s",
                [LARGE_TABLE],
            )
            return dict(cursor.fetchall())


class _Bench:
    """Visits pages and keeps what was seen."""

    def __init__(self, handler: WSGIHandler, users: dict[str, User]) -> None:
        self.handler = handler
        self.users = users
        self.tables = _Tables()
        self.seen: defaultdict[tuple[str, str], Seen] = defaultdict(Seen)

    def visit(self, page: Page, subject: str, *, is_timed: bool) -> None:
        """Open a page of a line for the first time, later that day from elsewhere, and once more at once."""
        user = self.users[subject]
        assert user.line is not None
        address = page.address(user.line)
        first, later = (
            Browser(self.handler) if page.is_public else signed_in(self.handler, user) for _ in range(2)
        )
        for visit, browser in ((FIRST, first), (AGAIN, later), (ANEW, later)):
            self.take((page.name, visit), lambda b=browser: b.get(address), is_timed=is_timed)  # type: ignore[misc]

    def take(self, key: tuple[str, str], ask: Callable[[], Answer], *, is_timed: bool) -> Answer:
        """Ask once and count the statements; while it is not timed, look for tables read whole as well."""
        seen = self.seen[key]
        if not is_timed:
            self.tables.read_whole()
        with statements_sent() as sent:
            answer = ask()
        seen.queries = max(seen.queries, len(sent))
        if not is_timed:
            seen.read_whole |= self.tables.read_whole()
        if answer.status == 200:
            seen.take(answer, is_timed=is_timed)
        else:
            assert answer.status == 302, (answer.status, answer.body[-900:])
            if is_timed:
                seen.milliseconds.append(answer.seconds * 1_000)
        return answer

    def order(self, subject: str, number: int, *, is_timed: bool) -> None:
        """Change the address of a line, which releases a tranche, and look at the receipt."""
        user = self.users[subject]
        assert user.line is not None
        browser = signed_in(self.handler, user)
        # The bills that the made-up operator writes when it meets a line are no part of the task.
        the_back_end().bills(user.line, now=PAGES_AT)
        assert browser.get("/tasks/acc.address").status == 200
        sent = {
            "key": str(uuid4()),
            "street": "Lindenallee",
            "house_number": str(number % 90 + 1),
            "addition": "",
            "postcode": "10437",
            "city": "Berlin",
        }
        done = self.take((ORDER, ""), lambda: browser.post("/tasks/acc.address", sent), is_timed=is_timed)
        assert done.location.startswith("/receipts/"), done.location
        for visit in (FIRST, AGAIN):
            answer = self.take((RECEIPT, visit), lambda: browser.get(done.location), is_timed=is_timed)
        assert b"gutgeschrieben" in answer.body

    def sign_in(self, subject: str, number: int, *, is_timed: bool) -> None:
        """Have a code sent and sign in with it, each time from another address of the network."""
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        browser = Browser(self.handler, address=address)
        msisdn = f"+49171{int(subject.removeprefix('line-')):08d}"
        self.take((SIGN_IN, ""), lambda: browser.post("/sign-in", {"number": msisdn}), is_timed=is_timed)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT content ->> 'code' FROM outbox_message WHERE address = %s"
                " ORDER BY message_id DESC LIMIT 1",
                [msisdn],
            )
            row = cursor.fetchone()
        assert row is not None
        done = self.take(
            (CODE, ""), lambda: browser.post("/sign-in/code", {"code": row[0]}), is_timed=is_timed
        )
        assert done.location == "/", (done.status, done.location)


def measure_pages(world: World, visits: int) -> list[PageFigure]:
    """Measure every page on `visits` lines of its own; the lines are drawn from all."""
    each = visits + COUNTED
    drawn = world.ready[:each]
    rest = world.ready[each:] + world.settled
    step = max(1, len(rest) // (each * (len(PAGES) + 1)))
    spread = rest[::step][: each * (len(PAGES) + 1)]
    furnish([*drawn, *spread])
    users = _users([*drawn, *spread])
    with modify_settings(MIDDLEWARE={"prepend": "bench.browsing.PinnedClock"}):
        bench = _Bench(WSGIHandler(), users)
        lines = {page: spread[place :: len(PAGES) + 1] for place, page in enumerate(PAGES)}
        strangers = spread[len(PAGES) :: len(PAGES) + 1]
        for number in range(each):
            is_timed = number >= COUNTED
            for page, own in lines.items():
                bench.visit(page, own[number], is_timed=is_timed)
            bench.order(drawn[number], number, is_timed=is_timed)
            bench.sign_in(strangers[number], number, is_timed=is_timed)
    return _figures(bench.seen)


def _users(subjects: Iterable[str]) -> dict[str, User]:
    found = User.objects.filter(subject__in=list(subjects))
    return {user.subject: user for user in found if user.subject is not None}


def _figures(seen: Mapping[tuple[str, str], Seen]) -> list[PageFigure]:
    bare = median(seen[BARE, ANEW].milliseconds)
    return [
        PageFigure(
            page=page,
            visit=visit,
            median=median(one.milliseconds),
            late=quantiles(one.milliseconds, n=20)[-1],
            ratio=median(one.milliseconds) / bare,
            queries=one.queries,
            html_bytes=one.html_bytes,
            zipped_bytes=one.zipped_bytes,
            read_whole=tuple(sorted(one.read_whole)),
            goal=_goal(page, visit),
        )
        for (page, visit), one in sorted(seen.items(), key=lambda item: _place(item[0]))
    ]


def _goal(page: str, visit: str) -> Goal | None:
    if page == SIGN_IN:
        return OF_CODE
    return OF_PAGE if visit in (AGAIN, ANEW) else None


def _place(key: tuple[str, str]) -> tuple[int, int]:
    names = [*(page.name for page in PAGES), RECEIPT, ORDER, SIGN_IN, CODE]
    return names.index(key[0]), ["", FIRST, AGAIN, ANEW].index(key[1])


def asset_bytes() -> int:
    """Add up what a browser loads once beside the first page, compressed."""
    return sum(len(find_asset(name).compressed) for name in ASSETS)

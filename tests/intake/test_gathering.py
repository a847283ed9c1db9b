"""Small requests committed in groups: each gets its own results, each fact enters once, come what may."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Barrier
from time import sleep
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from selbsthelfer.intake import gathering
from selbsthelfer.intake.gathering import MAX_GATHERED_FACTS, BusyError, Gathering, Taken
from selbsthelfer.intake.operations import Terms
from selbsthelfer.kit.sql import open_cursor
from tests.portal.life import Life, prepare

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 12
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _lines(transactional_db: None) -> None:
    prepare()
    for number in range(3):
        Life(f"line-{number}").send()


def fact(name: str, *, line: int = 0, activity: str = "bill.view") -> bytes:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": name,
            "source": "/app",
            "type": "selfservice.finished",
            "subject": f"line-{line}",
            "time": (NOW - timedelta(hours=1)).isoformat(),
            "data": {"activity": activity, "outcome": "succeeded"},
        }
    ).encode()


def rows(query: str) -> list[tuple[Any, ...]]:
    with transaction.atomic():
        return open_cursor().execute(query).fetchall()  # type: ignore[call-overload,no-any-return]


@contextmanager
def statement(make: str, undo: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(make)
        try:
            yield
        finally:
            cursor.execute(undo)


def send_all(
    door: Gathering, works: Sequence[Sequence[tuple[Sequence[bytes], bool]]]
) -> list[list[Taken | Exception]]:
    """Send the requests of each work one after the other, all works at the same time, each in a thread."""
    barrier = Barrier(len(works))

    def send(work: Sequence[tuple[Sequence[bytes], bool]]) -> list[Taken | Exception]:
        answers: list[Taken | Exception] = []
        try:
            barrier.wait(30)
            for batch, may_backdate in work:
                try:
                    answers.append(door.take(batch, terms=Terms(now=NOW, may_backdate=may_backdate)))
                except Exception as error:  # noqa: BLE001 - the test looks at it
                    answers.append(error)
        finally:
            connection.close()
        return answers

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(send, works))


@pytest.mark.parametrize("seed", range(3))
def test_each_request_gets_its_own_results_and_each_fact_enters_once(seed: int) -> None:
    """Requests of one to four facts, sound, unsound, sent by others too, of known and unknown lines."""
    random = Random(seed)
    works, expected = [], []
    for thread in range(THREADS):
        work, wanted = [], []
        for number in range(8):
            batch, results = [], []
            for n in range(random.randint(1, 4)):
                name = f"{thread}-{number}-{n}"
                kind = random.choice(["sound", "sound", "unsound", "parked", "shared"])
                activity = "no.such" if kind == "unsound" else "bill.view"
                line = 9 if kind == "parked" else random.randrange(3)
                batch.append(fact("shared" if kind == "shared" else name, line=line, activity=activity))
                results.append({"sound": "accepted", "unsound": "rejected"}.get(kind, kind))
            work.append((batch, random.random() < 0.2))
            wanted.append(results)
        works.append(work)
        expected.append(wanted)
    answers = send_all(Gathering(), works)
    shared = 0
    for work_answers, wanted in zip(answers, expected, strict=True):
        for taken, results in zip(work_answers, wanted, strict=True):
            assert isinstance(taken, Taken), taken
            assert len(taken.results) == len(results)
            assert [n for n, _ in taken.rejections] == [n for n, r in enumerate(results) if r == "rejected"]
            for got, want in zip(taken.results, results, strict=True):
                assert got in {"accepted", "known"} if want == "shared" else got == want
                shared += want == "shared" and got == "accepted"
    sound = sum(results.count("accepted") for wanted in expected for results in wanted)
    assert rows("SELECT count(*) FROM intake_key WHERE source = '/app'") == [(sound + shared,)]
    assert rows("SELECT count(*) FROM activities_activity WHERE id = 'shared'") == [(shared,)]
    assert shared <= 3


def test_requests_that_wait_are_committed_together() -> None:
    """While a line is locked the first waits; those that come meanwhile share the next transaction."""
    door = Gathering()
    with ThreadPoolExecutor(THREADS) as pool:
        with transaction.atomic():
            open_cursor().execute("SELECT FROM intake_line FOR UPDATE")
            sent = [pool.submit(send_all, door, [[([fact(f"f{n}")], False)]]) for n in range(THREADS)]
            until = datetime.now(UTC) + timedelta(seconds=20)
            while len(door._waiting) < THREADS - 1 and datetime.now(UTC) < until:
                assert not any(future.done() for future in sent)
                sleep(0.005)
        assert all(future.result()[0][0].results == ["accepted"] for future in sent)  # type: ignore[union-attr]
    groups = rows(
        "SELECT count(*) FROM intake_key WHERE source = '/app' GROUP BY xmin::text ORDER BY count(*)"
    )
    assert groups == [(1,), (THREADS - 1,)]


POISON = """
CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id LIKE 'poison%' THEN RAISE EXCEPTION 'poison'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_poison BEFORE INSERT ON activities_activity
FOR EACH ROW EXECUTE FUNCTION refuse_poison();
"""


def test_a_request_that_brings_the_group_down_fails_alone() -> None:
    with statement(POISON, "DROP TRIGGER refuse_poison ON activities_activity; DROP FUNCTION refuse_poison"):
        works = [
            [([fact(f"{'poison' if thread == 5 else 'sound'}-{thread}-{n}")], False) for n in range(6)]
            for thread in range(THREADS)
        ]
        answers = send_all(Gathering(), works)
    for thread, got in enumerate(answers):
        for answer in got:
            if thread == 5:
                assert isinstance(answer, psycopg.errors.RaiseException)
            else:
                assert isinstance(answer, Taken), answer
                assert answer.results == ["accepted"]
    assert rows("SELECT count(*) FROM intake_key WHERE source = '/app'") == [(6 * (THREADS - 1),)]


def test_where_the_database_breaks_off_all_of_a_group_hear_it_and_may_send_again() -> None:
    """Every connection is cut while requests run; what got no answer is sent again and enters once."""
    door = Gathering()
    works = [[([fact(f"{thread}-{n}")], False) for n in range(15)] for thread in range(THREADS)]
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(send_all, door, works)
        while not sent.done():
            rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
            )
        first = sent.result()
    failed = [answer for got in first for answer in got if isinstance(answer, Exception)]
    assert failed
    again = send_all(door, works)
    for got, answers in zip(first, again, strict=True):
        for before, after in zip(got, answers, strict=True):
            assert isinstance(after, Taken), after
            assert (
                after.results == ["known"]
                if isinstance(before, Taken)
                else after.results[0] in {"accepted", "known"}
            )
    assert rows("SELECT count(*) FROM intake_key WHERE source = '/app'") == [(15 * THREADS,)]


SLOW = POISON.replace("RAISE EXCEPTION 'poison'", "RAISE EXCEPTION 'poison' USING ERRCODE = '57014'")


def test_a_request_that_is_cancelled_fails_alone() -> None:
    """The database is there: it only would not wait any longer for this one."""
    with statement(SLOW, "DROP TRIGGER refuse_poison ON activities_activity; DROP FUNCTION refuse_poison"):
        works = [
            [([fact(f"{'poison' if thread == 5 else 'sound'}-{thread}")], False)] for thread in range(THREADS)
        ]
        door = Gathering()
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                open_cursor().execute("SELECT FROM intake_line FOR UPDATE")
                sent = pool.submit(send_all, door, works)
                wait_for(lambda: len(door._waiting) >= THREADS - 1)
            answers = sent.result()
    refused = [thread for thread, (answer,) in enumerate(answers) if not isinstance(answer, Taken)]
    assert refused == [5]
    assert isinstance(answers[5][0], psycopg.errors.QueryCanceled)


def wait_for(holds: Callable[[], bool]) -> None:
    until = datetime.now(UTC) + timedelta(seconds=20)
    while not holds() and datetime.now(UTC) < until:
        sleep(0.005)
    assert holds()


def test_whoever_waits_too_long_is_sent_away_and_hinders_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those in hand and those in the queue give up; what comes later, and what is sent again, is taken."""
    door = Gathering()
    with ThreadPoolExecutor(THREADS) as pool:
        with transaction.atomic():
            open_cursor().execute("SELECT FROM intake_line FOR UPDATE")
            first = pool.submit(send_all, door, [[([fact("first")], False)]])
            wait_for(lambda: door._leaders == 1 and not door._waiting)
            monkeypatch.setattr(gathering, "WAIT_SECONDS", 0.05)
            hurried = [pool.submit(send_all, door, [[([fact(f"f{n}")], False)]]) for n in range(3)]
            assert all(isinstance(future.result(20)[0][0], BusyError) for future in hurried)
            assert not door._waiting
            monkeypatch.setattr(gathering, "WAIT_SECONDS", 20.0)
            patient = [pool.submit(send_all, door, [[([fact(f"p{n}")], False)]]) for n in range(3)]
            wait_for(lambda: len(door._waiting) == 3)
        assert all(future.result(20)[0][0].results == ["accepted"] for future in (first, *patient))  # type: ignore[union-attr]
    assert door._leaders == 0
    again = send_all(door, [[([fact(f"f{n}")], False)] for n in range(3)])
    assert [answer.results for (answer,) in again] == [["accepted"]] * 3  # type: ignore[union-attr]


def test_of_a_group_in_hand_one_that_gave_up_breaks_no_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second of those that one leader commits leaves; the third is woken all the same."""
    door, terms = Gathering(), Terms(now=NOW)
    group = [gathering._Request([fact(f"g{n}")], terms, is_connected=True) for n in range(4)]
    monkeypatch.setattr(gathering, "WAIT_SECONDS", 0.0)
    with pytest.raises(BusyError):
        door._give_up(group[2])
    door._wake(group[1:])
    assert group[1].awake.acquire(timeout=1)
    assert group[1].next is group[3]
    door._give_up(group[3])


def test_beyond_the_queue_a_request_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MAX_WAITING", 0)
    with pytest.raises(BusyError):
        Gathering().take([fact("f")], terms=Terms(now=NOW))
    assert rows("SELECT count(*) FROM intake_key WHERE source = '/app'") == [(0,)]


def test_a_large_request_waits_for_nobody_and_a_callers_transaction_stays_the_callers() -> None:
    door = Gathering()
    batch = [fact(f"f{n}") for n in range(MAX_GATHERED_FACTS + 1)]
    assert set(door.take(batch, terms=Terms(now=NOW)).results) == {"accepted"}
    with transaction.atomic():
        assert door.take([fact("mine")], terms=Terms(now=NOW)).results == ["accepted"]
        transaction.set_rollback(True)
    assert rows("SELECT count(*) FROM intake_key WHERE id = 'mine'") == [(0,)]

"""Loading the made-up operator through the one door, and the figures that are read afterwards."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from selbsthelfer.demo import running
from selbsthelfer.demo.core.lines import Operator
from selbsthelfer.demo.core.operator import facts_of
from selbsthelfer.demo.running import ForeignLinesError, Mark, RefusedFactError
from selbsthelfer.demo.summary import DemoSummary, cost_cents, read_summary
from selbsthelfer.intake.core.facts import CrisisFact, Fact
from selbsthelfer.intake.core.validation import read_fact
from selbsthelfer.intake.importing import Summary
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.programmes.queries import Standings, enrolled_lines, standings
from tests.conftest import fill_reference_tables

OPERATOR = Operator(seed=2017, size=60, ends_on=date(2026, 6, 16))
NOW = OPERATOR.ends_at + timedelta(hours=9)
FULL_BYTES = 1_800_000_000


@dataclass(frozen=True)
class Loaded:
    facts: Sequence[Fact]
    intake: Summary
    progress: list[int]
    figures: DemoSummary
    standings: Standings
    subjects: dict[str, str]


@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Loaded]:
    """One small operator, loaded once for all tests here and then undone."""
    facts, progress = facts_of(OPERATOR), list[int]()
    with django_db_blocker.unblock(), transaction.atomic():
        fill_reference_tables()
        summary = running.load(OPERATOR, facts, now=NOW, on_progress=progress.append)
        subjects = {str(line): subject for page in enrolled_lines(open_cursor()) for subject, line in page}
        yield Loaded(facts, summary, progress, read_summary(now=NOW), standings_of_all(), subjects)
        transaction.set_rollback(True)


def standings_of_all() -> Standings:
    cursor = open_cursor()
    (page,) = enrolled_lines(cursor)
    return standings(cursor, [line for _, line in page], now=NOW)


def test_every_fact_is_accepted_and_reported(loaded: Loaded) -> None:
    assert loaded.intake.results == {"accepted": len(loaded.facts)}
    assert sum(loaded.progress) == len(loaded.facts)
    assert loaded.figures.totals.facts == len(loaded.facts)
    assert loaded.figures.totals.lines == OPERATOR.size


def test_at_least_one_line_earns_all_that_there_is(loaded: Loaded) -> None:
    granted: Counter[str] = Counter()
    for release in loaded.standings.releases:
        granted[loaded.subjects[str(release.subscriber_id)]] += release.bytes
    assert granted["M-000001"] == FULL_BYTES
    assert max(granted.values()) == FULL_BYTES
    assert loaded.figures.given.lines_full == list(granted.values()).count(FULL_BYTES)


def test_the_figures_are_those_of_the_standings(loaded: Loaded) -> None:
    figures, found = loaded.figures, loaded.standings
    variants = Counter(e.variant for e in found.enrolments)
    assert (figures.totals.treatment, figures.totals.control) == (variants["treatment"], variants["control"])
    grants = [release for release in found.releases if release.bytes > 0]
    assert figures.given.grants == len(grants) > 0
    assert figures.given.bytes == sum(grant.bytes for grant in grants)
    assert figures.given.lines == len({grant.subscriber_id for grant in grants})
    assert 0 < figures.given.used_bytes <= figures.given.bytes
    assert figures.given.cost_cents == round(figures.given.bytes * 20 / 1e9)
    treated = {e.subscriber_id for e in found.enrolments if e.variant == "treatment"}
    states = Counter(stage.state for stage in found.stages if stage.subscriber_id in treated)
    assert figures.stages == {state: states[state] for state in ("passed", "missed", "open")}
    codes = Counter(contact.code for contact in found.contacts)
    assert figures.counting == codes.pop(None)
    assert figures.codes == codes
    assert list(figures.codes.values()) == sorted(figures.codes.values(), reverse=True)


def test_only_volume_that_could_still_be_used_was_ordered(loaded: Loaded) -> None:
    usable = sum(release.bytes > 0 and release.valid_until > NOW for release in loaded.standings.releases)
    assert sum(loaded.figures.orders.values()) >= usable > 0


def test_there_is_a_line_for_everything_worth_a_look(loaded: Loaded) -> None:
    assert set(loaded.figures.worth_a_look) == {
        "new",
        "second_stage_after_a_missed_one",
        "bonus_half_used",
        "bonus_used_up",
        "volume_waits",
        "failed_yesterday",
        "all_earned",
    }
    assert loaded.figures.worth_a_look["all_earned"] == "M-000001"


def test_loading_again_changes_nothing(loaded: Loaded) -> None:
    again = running.load(OPERATOR, loaded.facts, now=NOW)
    assert again.results == {"known": len(loaded.facts)}
    assert again.released == 0
    assert read_summary(now=NOW) == loaded.figures


def test_the_database_says_what_it_holds(loaded: Loaded) -> None:
    mark = running.find_mark()
    assert mark == Mark(OPERATOR.seed, OPERATOR.size, OPERATOR.ends_on, is_complete=True)
    assert mark.operator == OPERATOR


@pytest.mark.django_db
def test_an_empty_database_holds_no_demo() -> None:
    assert running.find_mark() is None


@pytest.mark.django_db
def test_a_load_that_was_broken_off_goes_on() -> None:
    facts = facts_of(Operator(seed=5, size=6, ends_on=OPERATOR.ends_on))
    operator = Operator(seed=5, size=6, ends_on=OPERATOR.ends_on)

    def break_off(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        running.load(operator, facts, now=NOW, on_progress=break_off)
    mark = running.find_mark()
    assert mark is not None
    assert not mark.is_complete
    summary = running.load(mark.operator, facts, now=NOW)
    assert set(summary.results) <= {"accepted", "known"}
    assert read_summary(now=NOW).totals.facts == len(facts)


@pytest.mark.django_db
def test_lines_of_a_real_operator_are_left_alone() -> None:
    facts = facts_of(Operator(seed=9, size=1, ends_on=OPERATOR.ends_on))
    accept([fact for fact in facts[:2] if not isinstance(fact, CrisisFact)], terms=terms(NOW))
    with pytest.raises(ForeignLinesError):
        running.load(OPERATOR, facts, now=NOW)
    with pytest.raises(ForeignLinesError):
        running.clear()
    with pytest.raises(ForeignLinesError):
        running.find_mark()


@pytest.mark.django_db
def test_a_refused_fact_is_not_passed_over_in_silence() -> None:
    operator = Operator(seed=9, size=1, ends_on=OPERATOR.ends_on)
    with pytest.raises(RefusedFactError, match="after"):
        running.load(operator, facts_of(operator), now=OPERATOR.opened_at + timedelta(days=200))


def terms(now: datetime) -> Terms:
    return Terms(now=now, may_backdate=True)


@pytest.mark.parametrize("name", ["facts.jsonl", "facts.jsonl.gz"])
def test_a_file_of_facts_reads_back_as_the_same_facts(tmp_path: Path, name: str) -> None:
    facts = facts_of(Operator(seed=4, size=5, ends_on=OPERATOR.ends_on))
    path = tmp_path / name
    running.write_facts(path, facts)
    raw = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    assert [read_fact(line) for line in raw.splitlines()] == facts
    assert b"null" not in raw


@pytest.mark.parametrize(
    ("given_bytes", "cents"),
    [(0, 0), (24_999_999, 0), (25_000_000, 1), (1_000_000_000, 20), (744_500_000_000, 14_890)],
)
def test_cost_is_rounded_to_whole_cents(given_bytes: int, cents: int) -> None:
    assert cost_cents(given_bytes, 20) == cents

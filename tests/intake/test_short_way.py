"""A few facts at a time, by the short way, give what they give by the whole way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString, cast
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selbsthelfer.intake import operations, short_way
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.sql import array_of, open_cursor
from selbsthelfer.programmes.core.definition import load_preset
from selbsthelfer.programmes.operations import publish
from tests.intake.mixed_facts import MixedFacts
from tests.programmes.outcomes import LONG_AGO

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 6, 1, tzinfo=UTC)
STATE = (
    "SELECT subscriber_id, source, id, received_at FROM intake_key ORDER BY 1, 2, 3",
    "SELECT subscriber_id, frontier_at FROM intake_line ORDER BY 1",
    "SELECT subscriber_id, source, id, received_at FROM intake_parked ORDER BY 1, 2, 3",
    "SELECT code, times, body FROM intake_reject ORDER BY 1, 3",
    "SELECT * FROM activities_activity ORDER BY 1, 2, 3, 4, 5",
    "SELECT subscriber_id, source, id, happened_at, received_at FROM contacts_contact ORDER BY 1, 2, 3",
    "SELECT subscriber_id, programme, released_mask, missed_mask FROM programmes_enrolment ORDER BY 1, 2",
    "SELECT subscriber_id, programme, index, bytes, granted_at FROM programmes_release ORDER BY 1, 2, 3",
    "SELECT subscriber_id, amount_bytes, happened_at FROM allowances_entry ORDER BY 1, 3, 2",
)


WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS | st.sampled_from(["NULL", "{}", '"', "\\", ",", " ", "\n"])))
def test_words_written_as_an_array_come_back_as_they_were(words: list[str]) -> None:
    with transaction.atomic():
        row = open_cursor().execute("SELECT %s::text[]", [array_of(words)]).fetchone()
    assert row == (words,)


def test_other_values_written_as_an_array_come_back_as_they_were() -> None:
    with transaction.atomic():
        for kind, values in {
            "uuid": [uuid4(), None, uuid4()],
            "timestamptz": [NOW, NOW + timedelta(microseconds=1), None],
            "boolean": [True, None, False],
        }.items():
            query = cast(LiteralString, f"SELECT %s::{kind}[]")
            assert open_cursor().execute(query, [array_of(values)]).fetchone() == (values,)


def outcome(facts: list[bytes], size: int) -> tuple[list[str], int, list[list[tuple[Any, ...]]]]:
    """Send facts in batches of some size; tell the results, what was released, and what then stands."""
    results, released = [], 0
    for start in range(0, len(facts), size):
        receipt = accept(facts[start : start + size], terms=Terms(now=NOW, may_backdate=True))
        results += receipt.results
        released += receipt.released
    with transaction.atomic():
        cursor = open_cursor()
        return results, released, [cursor.execute(query).fetchall() for query in STATE]  # type: ignore[call-overload]


@pytest.mark.parametrize(("seed", "size"), [(1, 5), (2, 1)])
def test_the_short_way_gives_what_the_whole_way_gives(
    seed: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In no order, with repetitions and rubbish, of lines registered and not."""
    for preset in ("o2-2017", "o2-2017-automatic"):
        publish(load_preset(preset), now=LONG_AGO)
    facts = MixedFacts(seed=seed, now=NOW, lines=5 if size > 1 else 2).written()
    taken: list[int] = []

    def counting(*arguments: Any, **named: Any) -> Any:
        taken.append(1)
        return short_way.take_few(*arguments, **named)

    monkeypatch.setattr(operations, "take_few", counting)
    with transaction.atomic():
        short = outcome(facts, size)
        transaction.set_rollback(True)
    went_short = len(taken)
    monkeypatch.setattr(short_way, "MAX_FEW", 0)
    whole = outcome(facts, size)
    assert went_short > 25
    assert len(taken) == went_short
    assert short[0] == whole[0]
    for ours, theirs in zip(short[2], whole[2], strict=True):
        assert set(ours) - set(theirs) == set(theirs) - set(ours) == set()
    assert short == whole

"""What the database itself forbids of releases, enrolments and versions."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.programmes.deciding import participant, programme
from tests.programmes.events import instant
from tests.programmes.outcomes import deliver, publish_all

pytestmark = pytest.mark.django_db

LINE = subscriber_id_of("line")
CAP = 1_800_000_000
MB = 1_000_000

RELEASE = """
INSERT INTO programmes_release (
    subscriber_id, programme, index, "window", level, bytes, granted_at, valid_until, credit_id, ordinal,
    total_bytes, cap_bytes
) VALUES (
    %(line)s, 'o2-2017', %(index)s, 1, 1, %(bytes)s, '2025-05-02Z', '2025-06-01Z', gen_random_uuid(),
    %(ordinal)s, %(total)s, %(cap)s
)
"""


@pytest.fixture(autouse=True)
def _released_once(db: None) -> None:
    """One tranche of 100 MB is released: index 4, ordinal 1."""
    publish_all([programme(not_online={"blue-s": ["bill.iban"]})])
    deliver(participant(active_in=[2, 4]).events, now=instant("2026-03-01"))


def run(statement: str, parameters: dict[str, Any] | None = None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def a_second_release(**wrong: int) -> dict[str, Any]:
    sound = {"index": 5, "bytes": 100 * MB, "ordinal": 2, "total": 200 * MB, "cap": CAP}
    return {"line": LINE, **sound, **wrong}


def test_a_release_that_follows_is_taken() -> None:
    run(RELEASE, a_second_release())


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        pytest.param({"index": 4}, "programmes_release_pkey", id="two for one index"),
        pytest.param(
            {"bytes": CAP, "total": CAP + 100 * MB}, "release_within_cap", id="more than the cap in all"
        ),
        pytest.param(
            {"bytes": CAP, "total": CAP + 100 * MB, "cap": 2 * CAP},
            "release_within_the_enrolments_cap",
            id="a cap that is not the enrolment's",
        ),
        pytest.param({"total": 100 * MB}, "release_follows_its_predecessor", id="a total that hides some"),
        pytest.param({"ordinal": 3}, "release_follows_its_predecessor", id="a gap in the chain"),
        pytest.param({"ordinal": 1}, "release_starts_from_nothing", id="a beginning that is none"),
        pytest.param({"ordinal": 1, "total": 100 * MB}, "release_follows_one_total", id="a second beginning"),
        pytest.param({"bytes": -MB, "total": 99 * MB}, "release_takes_nothing_back", id="less than nothing"),
    ],
)
def test_a_release_that_breaks_a_promise_is_refused(wrong: dict[str, int], constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        run(RELEASE, a_second_release(**wrong))


def test_releases_cannot_fork() -> None:
    run(RELEASE, a_second_release())
    with pytest.raises(IntegrityError, match="release_follows_one_total"):
        run(RELEASE, a_second_release(index=6))
    run(RELEASE, a_second_release(index=6, ordinal=3, total=300 * MB))


def test_a_release_in_the_middle_of_the_chain_cannot_be_changed_or_removed() -> None:
    run(RELEASE, a_second_release())
    with pytest.raises(IntegrityError, match="release_follows_its_predecessor"):
        run(
            "UPDATE programmes_release SET bytes = bytes - 1, total_bytes = total_bytes - 1 WHERE ordinal = 1"
        )
    with pytest.raises(IntegrityError, match="release_follows_its_predecessor"):
        run("DELETE FROM programmes_release WHERE ordinal = 1")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE programmes_version SET contacts_max = 5",
        "UPDATE programmes_version SET definition = definition || ' '",
        "DELETE FROM programmes_version",
        "UPDATE programmes_notonline SET activity = 'use.view'",
        "DELETE FROM programmes_notonline",
    ],
)
def test_a_published_version_never_changes(change: str) -> None:
    with pytest.raises(IntegrityError, match="a published version never changes"):
        run(change)


def test_an_enrolment_names_a_version_that_exists_and_a_known_variant() -> None:
    with pytest.raises(IntegrityError, match="enrolment_joins_a_version"):
        run("UPDATE programmes_enrolment SET version = 7")
    with pytest.raises(IntegrityError, match="enrolment_variant_known"):
        run("UPDATE programmes_enrolment SET variant = 'placebo'")


def test_the_cap_of_an_enrolment_with_releases_cannot_be_raised() -> None:
    with pytest.raises(IntegrityError, match="release_within_the_enrolments_cap"):
        run("UPDATE programmes_enrolment SET cap_bytes = 2 * cap_bytes")

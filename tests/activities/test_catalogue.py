"""The catalogue: every activity has its names, its sign-in and its counting class."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from selbsthelfer.activities.core.catalogue import CATALOGUE, Activity, CountingClass, Place


def test_the_catalogue_is_complete() -> None:
    assert len(CATALOGUE) == 42
    assert Counter(activity.counting_class for activity in CATALOGUE.values()) == {
        CountingClass.NEVER: 14,
        CountingClass.ONCE: 3,
        CountingClass.ONCE_PER_PERIOD: 9,
        CountingClass.ONCE_PER_183_DAYS: 7,
        CountingClass.ALWAYS: 9,
    }


def test_the_portal_carries_out_all_but_three() -> None:
    elsewhere = {activity.id for activity in CATALOGUE.values() if not activity.online}
    assert elsewhere == {"bill.budget", "use.topup", "con.port"}


def test_rights_consents_and_purchases_never_count() -> None:
    never = {a.id for a in CATALOGUE.values() if a.counting_class is CountingClass.NEVER}
    assert {a for a in CATALOGUE if a.startswith("priv.")} <= never
    assert {"bill.object", "con.cancel", "con.withdraw", "con.port", "help.complaint"} <= never
    assert {"use.topup", "con.option", "con.change"} <= never


def test_what_must_work_without_an_account_asks_for_no_sign_in() -> None:
    open_to_all = {activity.id for activity in CATALOGUE.values() if activity.login == 0}
    assert open_to_all == {
        "acc.register", "con.cancel", "con.withdraw", "sim.block",
        "roam.info", "net.status", "help.message", "help.complaint",
    }  # fmt: skip


@pytest.mark.parametrize("activity", CATALOGUE.values(), ids=CATALOGUE.keys())
def test_an_activity_is_sound(activity: Activity) -> None:
    assert CATALOGUE[activity.id] is activity
    assert re.fullmatch(r"[a-z]+\.[a-z0-9]+", activity.id)
    assert activity.german.strip()
    assert activity.english.strip()
    assert activity.login in (0, 1, 2)
    assert isinstance(activity.online, bool)
    assert activity.place in Place
    if activity.place is Place.VIEW:
        assert activity.counting_class is CountingClass.ONCE_PER_PERIOD


def test_names_are_not_confused() -> None:
    assert len({activity.german for activity in CATALOGUE.values()}) == len(CATALOGUE)
    assert len({activity.english for activity in CATALOGUE.values()}) == len(CATALOGUE)


def test_the_catalogue_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CATALOGUE["x"] = CATALOGUE["acc.2fa"]  # type: ignore[index]

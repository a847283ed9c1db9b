"""Every task of the catalogue that the portal carries out, once, on a phone, to its changed state."""

from __future__ import annotations

import pytest

from selbsthelfer.activities.core.catalogue import CATALOGUE, CountingClass
from tests.browser.activities import STEPS
from tests.browser.conftest import NewPerson
from tests.browser.lines import waiting_for_activity
from tests.browser.person import Way
from tests.selfservice.world import facts_of

pytestmark = pytest.mark.django_db(transaction=True)

ONLINE = [activity.id for activity in CATALOGUE.values() if activity.online]


@pytest.mark.parametrize("activity", ONLINE)
def test_it_is_done_and_shows_it_and_is_rewarded_only_where_it_may_be(
    somebody: NewPerson, activity: str
) -> None:
    told = waiting_for_activity()
    person = somebody(Way("de", 320))
    if activity != "acc.register":
        person.sign_in_with_session(told)
    STEPS[activity](person, told)
    if activity != "priv.erase":
        assert (activity, True) in facts_of(told.line)
        person.open("/rewards/credits")
        is_rewarded = CATALOGUE[activity].counting_class is not CountingClass.NEVER
        assert ("100 MB" in person.words) is is_rewarded


def test_each_has_its_steps() -> None:
    assert set(STEPS) == set(ONLINE)

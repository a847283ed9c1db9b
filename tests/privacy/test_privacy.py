"""Consents, exports and erasures, and that the page about them says what the code does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.conversations.core.promising import PROOF_YEARS
from selbsthelfer.identity.models import User
from selbsthelfer.identity.operations import CODES_KEPT_HOURS, enter
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.operations import KEPT_FOR, SECRETS_KEPT_FOR
from selbsthelfer.privacy import operations as privacy
from selbsthelfer.privacy.core.purposes import Purpose
from selbsthelfer.privacy.core.retention import KEPT
from selbsthelfer.privacy.models import Consent, Wish
from selbsthelfer.privacy.operations import _PARTS
from selbsthelfer.privacy.queries import consents_of_line
from selbsthelfer.subscribers.core.lines import LineRef, subscriber_id_of
from tests.portal.life import Life, prepare, recent_life

pytestmark = pytest.mark.django_db

LINE, OTHER = (LineRef(subscriber_id_of(name), name) for name in ("line", "other"))
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
@given(st.lists(st.sets(st.sampled_from(Purpose)), max_size=5))
def test_the_last_choice_holds_and_its_consents_keep_the_instant_they_were_given(
    choices: list[set[Purpose]],
) -> None:
    Consent.objects.all().delete()
    since: dict[Purpose, datetime] = {}
    privacy.choose_consents(OTHER, {Purpose.NEWS}, now=NOW)
    for hours, chosen in enumerate(choices):
        at = NOW + timedelta(hours=hours)
        privacy.choose_consents(LINE, chosen, now=at)
        since = {purpose: since.get(purpose, at) for purpose in chosen}
        assert consents_of_line(LINE.subscriber_id) == since
    assert consents_of_line(OTHER.subscriber_id) == {Purpose.NEWS: NOW}
    for consent in Consent.objects.filter(withdrawn_at__isnull=False):
        assert consent.withdrawn_at is not None
        assert consent.withdrawn_at > consent.given_at


def test_the_database_holds_a_consent_once() -> None:
    Consent.objects.create(subscriber_id=LINE.subscriber_id, purpose="news", given_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Consent.objects.create(subscriber_id=LINE.subscriber_id, purpose="news", given_at=NOW)


@pytest.mark.parametrize("room", sorted(_PARTS))
def test_each_room_hands_out_plain_values(room: str) -> None:
    """What it gives survives being written as JSON and read again, without a helper for odd types."""
    prepare()
    recent_life().send()
    enter(subscriber_id=LINE.subscriber_id, now=NOW)
    privacy.choose_consents(LINE, {Purpose.NEWS}, now=NOW)
    privacy.export(LINE, now=NOW)
    with transaction.atomic():
        part = _PARTS[room](open_cursor(), LINE.subscriber_id)
    assert json.loads(json.dumps(part)) == part


def test_an_export_is_of_one_line_and_is_noted() -> None:
    prepare()
    recent_life().send()
    Life("other", msisdn="+491713920002").send()
    parts = privacy.export(LINE, now=NOW)
    assert (parts["subject"], parts["made_at"]) == ("line", "2026-11-22T12:00:00+00:00")
    assert "other" not in json.dumps(parts)
    assert "3920002" not in json.dumps(parts)
    wish = Wish.objects.get()
    assert (wish.subscriber_id, wish.kind, wish.fulfilled_at) == (LINE.subscriber_id, "export", NOW)


def test_an_export_of_a_line_that_nobody_knows_is_empty() -> None:
    parts = privacy.export(LINE, now=NOW)
    told = {name: part for name, part in parts.items() if isinstance(part, dict) and name != "privacy"}
    assert not any(value for part in told.values() for value in part.values()), told


def test_erasing_one_line_leaves_every_other_as_it_was() -> None:
    prepare()
    for life in (recent_life(), recent_life("other")):
        life.send()
        enter(subscriber_id=subscriber_id_of(life.subject), now=NOW)
    privacy.choose_consents(OTHER, {Purpose.NEWS}, now=NOW)
    before = privacy.export(OTHER, now=NOW)
    privacy.erase(LINE, now=NOW)
    after = privacy.export(OTHER, now=NOW)
    assert {name: part for name, part in after.items() if name != "privacy"} == {
        name: part for name, part in before.items() if name != "privacy"
    }
    assert [user.subscriber_id for user in User.objects.all()] == [OTHER.subscriber_id]


def test_erasing_twice_is_harmless_and_whoever_comes_back_is_new() -> None:
    prepare()
    recent_life().send()
    first = enter(subscriber_id=LINE.subscriber_id, now=NOW)
    privacy.choose_consents(LINE, {Purpose.NEWS}, now=NOW)
    for hours in (1, 2):
        privacy.erase(LINE, now=NOW + timedelta(hours=hours))
    assert consents_of_line(LINE.subscriber_id) == {}
    assert Consent.objects.get().withdrawn_at == NOW + timedelta(hours=1)
    again = enter(subscriber_id=LINE.subscriber_id, now=NOW + timedelta(hours=3))
    assert again.is_new
    assert again.user.pk != first.user.pk
    assert again.user.email == ""


def test_what_the_page_says_goes_by_itself_is_what_the_code_does() -> None:
    told = " · ".join(kept.kept_for.en for kept in KEPT)
    assert timedelta(hours=CODES_KEPT_HOURS) == SECRETS_KEPT_FOR == timedelta(hours=24)
    assert "24 hours" in told
    assert timedelta(days=90) == KEPT_FOR
    assert "readable for 90 days" in told
    assert settings.SESSION_COOKIE_AGE == 14 * 24 * 3_600
    assert "at most 14 days" in told
    assert PROOF_YEARS == 3
    assert "the third year after the declaration" in told


def test_every_kind_of_data_is_told_once() -> None:
    assert len({kept.what for kept in KEPT}) == len(KEPT)
    assert {kept.is_erased_on_wish for kept in KEPT} == {True, False}

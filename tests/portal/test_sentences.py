"""Every reason, stage and tranche has one plain sentence in both languages, and it names the facts."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from selbsthelfer.activities.core.catalogue import CATALOGUE, CountingClass
from selbsthelfer.contacts.core.topics import EXEMPT_TOPICS, NEUTRAL_CODE, SENSITIVE_TOPICS
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Language, Words, days, duration, last_day, quoted, volume
from selbsthelfer.programmes.core.wording_contacts import CHANNELS, channel_name, contact_sentence, topic_name
from selbsthelfer.programmes.core.wording_facts import ToldContact, ToldEnrolment, TrancheState
from selbsthelfer.programmes.core.wording_grounds import NotServed, OperatorInitiated, OtherChannel
from selbsthelfer.programmes.core.wording_stages import next_step, stage_sentence
from selbsthelfer.programmes.core.wording_tranches import TRANCHE_STATES, tranche_sentence
from selbsthelfer.programmes.explaining import explain_to_staff
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from tests.portal.life import Life, at, crisis, prepare, send, varied

BERLIN = "Europe/Berlin"
RIGHTS = [a.id for a in CATALOGUE.values() if a.counting_class is CountingClass.NEVER]
EXEMPT = [topic for topic in EXEMPT_TOPICS if topic not in SENSITIVE_TOPICS]
CODES = {
    "channel", "operator_initiated", "not_served", "not_online", "selfservice_failed", "repeat", "crisis",
    "late", "goodwill", "reclassified", NEUTRAL_CODE, *EXEMPT, *RIGHTS,
}  # fmt: skip


def assert_one_plain_sentence(words: Words, *, sentences: int = 1) -> None:
    for text in (words.de, words.en):
        assert text[0].isupper() or text[0] in "„“" or text[0].isdigit(), text
        assert text.endswith("."), text
        assert len(re.findall(r"(?<!\d)\.(?= |$)|(?<=\d)\.$", text)) == sentences, text
        assert not re.search(r"None|[{}_]|\s\s| [.,;]|\b(\w+) \1\b", text), text
    assert words.de != words.en


def every_contact() -> dict[str | None, tuple[ToldContact, Words]]:
    """Live a line whose contacts have every code that there is, and tell them in Berlin's time."""
    prepare(varied(goodwill_contacts="1", **{"not_online.blue-s": '["con.view"]'}))
    one = Life("line", timezone=BERLIN, billing_day=1, tariff="blue-s")
    one.enrolled()
    one.called("2025-01-03T09:00", "bill.view", channel="chat")
    one.called("2025-01-20T09:00", direction="callback")
    one.called("2025-01-21T09:00", talk_seconds=12)
    one.called("2025-01-22T09:00", "con.view")
    one.did("2025-01-23T08:30", "bill.iban", outcome="failed")
    one.called("2025-01-24T09:00", "bill.iban")
    one.called("2025-02-01T09:00", "use.view")
    one.called("2025-02-03T09:00", "use.view")
    one.called("2025-02-10T12:00", "call.voicemail")
    one.called("2025-03-01T12:00", "call.block")
    one.called("2025-03-30T12:00", "roam.info", received="2025-04-03T10:00")
    one.reclassified("2025-03-09T15:00", one.called("2025-03-08T12:00", "roam.switch"), counts=False)
    for number, topic in enumerate([*EXEMPT, "hardship", *RIGHTS]):
        one.called(at("2025-04-02T10:00") + timedelta(days=number), topic)
    send([crisis("2025-02-10T00:00", "2025-02-11T00:00"), *one.facts])
    (enrolment,) = explain_to_staff(open_cursor(), subscriber_id_of("line"), at=at("2026-01-01")).enrolments
    return {c.code: (c, contact_sentence(c.ground, c.channel, BERLIN)) for c in enrolment.contacts}


@pytest.mark.django_db
def test_every_code_has_a_sentence_in_both_languages() -> None:
    told = every_contact()
    assert set(told) == CODES | {None}
    for _, words in told.values():
        assert_one_plain_sentence(words)


SENTENCES = {
    "channel": "Ein Chat zählt nie, in diesem Programm zählt nur ein Anruf bei der Hotline.",
    "operator_initiated": "Das war unser Rückruf, deshalb zählt er nicht.",
    "not_served": "Das Gespräch dauerte nur 12 Sekunden; erst ab 30 Sekunden zählt ein Anruf.",
    "not_online": "„Vertrag ansehen“ ging in Ihrem Tarif online nicht, deshalb zählt dieser Anruf nicht.",
    "selfservice_failed": "Am 23. Januar 2025 um 09:30 Uhr hatte „Bankverbindung ändern“ online "
    "nicht geklappt; sich dann zu melden war richtig und zählt nicht.",
    "repeat": "Zu diesem Anliegen gab es schon am 1. Februar 2025 um 10:00 Uhr einen Kontakt (Hotline); "
    "nachfragen zu müssen zählt nicht.",
    "crisis": "Vom 10. Februar 2025 um 01:00 Uhr bis zum 11. Februar 2025 um 01:00 Uhr galt eine "
    "Ausnahmelage, in der kein Anruf zählt.",
    "late": "Von diesem Anruf erfuhren wir erst am 3. April 2025 um 12:00 Uhr, nach dem Stichtag "
    "(2. April 2025 um 00:00 Uhr); was uns so spät erreicht, zählt nicht.",
    "goodwill": "Ein Anruf ist in jeder Stufe frei, und das war dieser.",
    "reclassified": "Am 9. März 2025 um 16:00 Uhr haben wir diesen Anruf noch einmal geprüft und "
    "entschieden, dass er nicht zählt.",
    "exempt": "Ihr Anliegen ist vertraulich vermerkt und zählt nie.",
    "bill.object": "Bei „Rechnung beanstanden“ steht Ihnen jeder Weg offen, "
    "deshalb zählt ein Kontakt dazu nie.",
    None: "„Nummern sperren“ geht auch online, deshalb zählt dieser Anruf.",
}


@pytest.mark.django_db
def test_the_sentences_name_the_facts_in_the_time_of_the_line() -> None:
    told = every_contact()
    assert {code: told[code][1].de for code in SENTENCES} == SENTENCES


@pytest.mark.django_db
def test_a_programme_without_exemptions_says_so() -> None:
    prepare(varied("o2-2017-literal", name='"o2-2017"'))
    one = Life("line")
    one.enrolled()
    one.called("2025-02-20", "fault")
    one.reclassified("2025-02-22", one.called("2025-02-21", channel="chat"), counts=True)
    one.send()
    (enrolment,) = explain_to_staff(open_cursor(), subscriber_id_of("line"), at=at("2026-01-01")).enrolments
    every, again = (contact_sentence(c.ground, c.channel, "UTC") for c in enrolment.contacts)
    assert every.en == "In this programme every talk of at least 30 seconds counts, whatever it was about."
    assert (
        again.en == "On 22 February 2025 at 00:00 we looked at this contact again and decided that it counts."
    )


@pytest.mark.parametrize("channel", [None, "", "hotline", "chat", "shop", "written", "fax"])
def test_what_is_not_recorded_is_told_as_a_doubt_in_the_line_s_favour(channel: str | None) -> None:
    for counting in (("hotline",), ("chat", "hotline"), ()):
        assert_one_plain_sentence(contact_sentence(OtherChannel(channel, counting), channel, "UTC"))
    for direction in (None, "", "callback", "campaign_reply", "outbound", "unheard_of"):
        assert_one_plain_sentence(contact_sentence(OperatorInitiated(direction), channel, "UTC"))
    for outcome in (None, "", "abandoned", "answered", "unheard of"):
        for seconds in (None, 0, 1, 29):
            ground = NotServed(outcome, seconds, 30)
            assert_one_plain_sentence(contact_sentence(ground, channel, "UTC"))


def test_every_topic_and_channel_has_a_name() -> None:
    for topic in [*CATALOGUE, *EXEMPT_TOPICS]:
        assert topic not in {topic_name(topic).de, topic_name(topic).en}
    confidential = {topic_name(topic) for topic in (*SENSITIVE_TOPICS, NEUTRAL_CODE)}
    assert confidential == {Words("Vertrauliches Anliegen", "Confidential matter")}
    assert topic_name(None) == topic_name("unclassified") == topic_name("anything else")
    assert {"hotline", "chat", "shop", "written"} == set(CHANNELS)
    assert channel_name("fax") == Words("fax", "fax")


def everything_said(enrolment: ToldEnrolment) -> set[TrancheState]:
    """Put every stage and tranche into words and return the states of the tranches."""
    for stage in enrolment.stages:
        words = stage_sentence(stage, enrolment, BERLIN)
        assert words.de.endswith(".")
        assert words.en.endswith(".")
    assert next_step(enrolment, BERLIN).de.endswith(".")
    for tranche in enrolment.tranches:
        assert_one_plain_sentence(tranche_sentence(tranche, enrolment, BERLIN))
    return {tranche.state for tranche in enrolment.tranches}


@pytest.mark.django_db
def test_every_state_of_a_tranche_has_a_sentence() -> None:
    seen: set[TrancheState] = set()
    prepare(varied(cap_bytes='"650 MB"'))
    for variant in ("treatment", "control"):
        one = Life(variant, variant=variant)
        one.enrolled()
        one.active_monthly(1, 8)
        one.send()
    left = Life("left")
    left.enrolled()
    left.active_monthly(1, 2)
    left.called("2025-05-20")
    left.withdrawn("2025-08-15")
    left.send()
    for subject in ("treatment", "control", "left"):
        for day in range(0, 500, 10):
            instant = at("2025-01-05") + timedelta(days=day)
            line = subscriber_id_of(subject)
            (enrolment,) = explain_to_staff(open_cursor(), line, at=instant).enrolments
            seen |= everything_said(enrolment)
    prepare(varied("o2-2017-automatic", name='"by-itself"', stages='[{ bytes = "0 B" }, { bytes = "9 B" }]'))
    automatic = Life("automatic")
    automatic.enrolled(programme="by-itself")
    automatic.active_monthly(1, 5)
    automatic.send()
    for month in range(2, 10):
        instant = at(f"2025-{month:02d}-15")
        line = subscriber_id_of("automatic")
        (enrolment,) = explain_to_staff(open_cursor(), line, at=instant).enrolments
        seen |= everything_said(enrolment)
    assert seen == set(TrancheState) == set(TRANCHE_STATES)


@pytest.mark.django_db
def test_the_next_step_is_the_one_thing_to_do() -> None:
    prepare()
    one = Life("line", timezone=BERLIN)
    one.enrolled()
    one.active_monthly(2, 3)
    one.send()
    told = {}
    for instant in ("2025-01-20", "2025-02-20", "2025-04-20", "2026-01-20", "2026-12-20"):
        (enrolment,) = explain_to_staff(open_cursor(), subscriber_id_of("line"), at=at(instant)).enrolments
        told[instant] = next_step(enrolment, BERLIN).de
    assert told == {
        "2025-01-20": "Erledigen Sie bis zum 31. März 2025 einmal etwas online, damit Stufe 1 gelingt.",
        "2025-02-20": "Im Moment ist nichts zu tun.",
        "2025-04-20": "100 MB liegen bereit: Erledigen Sie bis zum 30. April 2025 etwas online, "
        "dann sind sie sofort gutgeschrieben.",
        "2026-01-20": "Alle Zeiträume dieses Programms sind vorbei.",
        "2026-12-20": "Das Programm ist für diesen Anschluss abgeschlossen.",
    }


@pytest.mark.parametrize(
    ("bytes_", "german", "english"),
    [
        (0, "0 MB", "0 MB"),
        (1, "1 B", "1 B"),
        (999_999, "999,99 kB", "999.99 kB"),
        (100_000_000, "100 MB", "100 MB"),
        (50_500_000, "50,5 MB", "50.5 MB"),
        (999_999_999, "999,99 MB", "999.99 MB"),
        (1_000_000_000, "1 GB", "1 GB"),
        (1_050_000_000, "1,05 GB", "1.05 GB"),
        (1_800_000_000, "1,8 GB", "1.8 GB"),
        (2_000_000_000_000, "2000 GB", "2000 GB"),
    ],
)
def test_volumes_are_decimal_and_never_rounded_up(bytes_: int, german: str, english: str) -> None:
    assert volume(bytes_) == Words(german, english)


def test_dates_are_those_of_the_line() -> None:
    assert days(at("2025-01-31T23:00"), at("2025-02-28T23:00"), BERLIN) == Words(
        "1.–28. Februar 2025", "1–28 February 2025"
    )
    assert days(at("2025-01-01"), at("2025-04-01"), "UTC").de == "1. Januar – 31. März 2025"
    assert days(at("2025-12-15"), at("2026-01-15"), "UTC").en == "15 December 2025 – 14 January 2026"
    assert days(at("2025-12-15"), at("2025-12-16"), "UTC").en == "15 December 2025"
    assert last_day(at("2025-03-31T22:00"), BERLIN).de == "31. März 2025"


def test_small_words() -> None:
    assert duration(1) == Words("1 Sekunde", "1 second")
    assert duration(90) == Words("90 Sekunden", "90 seconds")
    assert duration(180) == Words("3 Minuten", "3 minutes")
    name = quoted(Words("Für „Mein Bereich“ registrieren", "Register for “My” account"))
    assert name == Words("„Für ‚Mein Bereich‘ registrieren“", "“Register for ‘My’ account”")
    assert [Words("ja", "yes").told(language) for language in Language] == ["ja", "yes"]

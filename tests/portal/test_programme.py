"""The public page of a programme: key facts, the terms of any day, and for whom it does not exist."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.contacts.core.topics import EXEMPT_TOPICS
from selbsthelfer.kit.wording import Words
from selbsthelfer.portal.pages.programmes import public_offers
from selbsthelfer.portal.presenting_terms import clauses, stage_rows
from selbsthelfer.programmes.core.definition import PRESETS, Definition, load_preset
from selbsthelfer.programmes.core.key_facts import key_facts
from selbsthelfer.programmes.operations import publish
from tests.portal.life import Life, ago, at, now, prepare, recent_life, sign_in, varied
from tests.portal.pages import LANGUAGES, MAX_QUERIES, open_page, sound_page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing")]

PAGE = "/programmes/o2-2017"


def three_versions() -> None:
    """Publish 100 MB in 2020, 150 MB on 1 May and 250 MB on 2 May 2025."""
    prepare()
    for day, size in (("2025-05-01T10:00", "150 MB"), ("2025-05-02T10:00", "250 MB")):
        publish(varied(stages=f'[{{ bytes = "{size}" }}]'), now=at(day))


@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_reads_key_facts_and_terms(client: Client, language: str) -> None:
    prepare()
    page = open_page(client, PAGE, language)
    de = language == "de"
    for fact in key_facts(load_preset("o2-2017")):
        assert (fact.de if de else fact.en) in page.text
    for clause in clauses(load_preset("o2-2017"), "UTC"):
        for sentence in clause.sentences:
            assert (sentence.de if de else sentence.en) in page.text
    assert reverse("join", args=["o2-2017"]) in page.links


@pytest.mark.parametrize(
    ("query", "volume", "gone"),
    [
        ("", "250 MB", "150 MB"),
        ("?on=2025-05-02", "250 MB", "150 MB"),
        ("?on=2025-05-01", "150 MB", "250 MB"),
        ("?on=01.05.2025", "150 MB", "250 MB"),
        ("?on=2025-04-30", "300 MB", "150 MB"),
        ("?version=2", "150 MB", "250 MB"),
    ],
)
def test_terms_are_those_of_the_day_or_version_asked_for(
    client: Client, query: str, volume: str, gone: str
) -> None:
    three_versions()
    text = open_page(client, PAGE + query).text
    terms = text[text.index("Bedingungen vom") :]
    assert volume in terms
    assert gone not in terms
    assert all(f"Fassung {number} vom" in text for number in (1, 2, 3))


def test_before_the_first_version_there_were_no_terms(client: Client) -> None:
    three_versions()
    page = open_page(client, f"{PAGE}?on=2019-12-31")
    assert "An diesem Tag gab es das Programm noch nicht." in page.text


@pytest.mark.parametrize("on", ["tomorrow", "2025-13-01", "0001-01-01", "9999-12-31"])
def test_a_day_that_is_none_is_told_beside_the_field(client: Client, on: str) -> None:
    prepare()
    response = client.get(PAGE, {"on": on})
    assert response.status_code == 422
    page = sound_page(response.content)
    assert "zum Beispiel 2026-05-01" in page.text
    assert [a["aria-invalid"] for a in page.named("input") if a.get("name") == "on"] == ["true"]


@pytest.mark.parametrize(
    "path", ["/programmes/unheard-of", f"{PAGE}?version=9", f"{PAGE}?version=x", f"{PAGE}?version=²"]
)
def test_what_was_never_published_is_not_there(client: Client, path: str) -> None:
    prepare()
    assert client.get(path).status_code == 404


def test_a_version_of_the_future_is_nobody_s_business(client: Client) -> None:
    prepare()
    publish(varied(stages='[{ bytes = "777 MB" }]'), now=datetime(2100, 1, 1, tzinfo=UTC))
    assert "777 MB" not in open_page(client, PAGE).text


def test_for_a_control_line_it_does_not_exist(client: Client) -> None:
    prepare()
    recent_life("enrolled", variant="control").send()
    sign_in(client, "enrolled")
    unknown, hidden = client.get("/programmes/unheard-of"), client.get(PAGE)
    assert unknown.status_code == hidden.status_code == 404
    tokens = re.compile(rb'value="\w{64}"|/programmes/[\w-]+')
    assert tokens.sub(b"", unknown.content) == tokens.sub(b"", hidden.content)


def test_it_tells_the_line_how_it_stands(client: Client) -> None:
    prepare()
    recent_life("inside").send()
    gone = recent_life("gone")
    gone.withdrawn(ago(10).isoformat())
    gone.send()
    Life("outside").send()
    Life("unlimited", included_bytes=None).send()
    for subject, told, may_join in (
        ("inside", "Sie sind schon dabei.", False),
        ("gone", "Sie haben dieses Programm verlassen.", False),
        ("unlimited", "schon unbegrenztes Datenvolumen", False),
        ("outside", "Ein Fingertipp genügt", True),
    ):
        sign_in(client, subject)
        page = open_page(client, PAGE)
        assert told in page.text
        assert (reverse("join", args=["o2-2017"]) in page.links) is may_join


def test_only_what_anybody_may_join_is_offered_to_strangers(client: Client) -> None:
    prepare()
    publish(varied(name='"closed"', enrol_until="2020-02-01T00:00:00Z"), now=at("2020-01-01"))
    publish(varied(name='"invited"', join='"invitation"'), now=at("2020-01-01"))
    with translation.override("en"):
        (offer,) = public_offers(now())
    assert (offer.name, offer.title) == ("o2-2017", "Data credit for self-helpers")
    assert offer.facts
    assert "Mitmachen kann, wer eingeladen ist." in open_page(client, "/programmes/invited").text
    closed = open_page(client, "/programmes/closed")
    assert "Zurzeit kann niemand neu mitmachen." in closed.text
    assert reverse("join", args=["closed"]) not in closed.links


def test_the_page_asks_few_questions(client: Client, queries: list[str]) -> None:
    three_versions()
    recent_life().send()
    sign_in(client, "line")
    queries.clear()
    open_page(client, PAGE)
    assert 0 < len(queries) <= MAX_QUERIES


AWKWARD = {
    "one of each": {
        "stages": '[{ bytes = "50 MB" }]',
        "periods_per_stage": "1",
        "settle_delay_hours": "1",
        "contacts_max": "1",
        "goodwill_contacts": "1",
    },
    "nothing to do": {"activities_min": "0", "channels": "[]"},
    "many": {
        "activities_min": "3",
        "contacts_max": "2",
        "goodwill_contacts": "2",
        "channels": '["hotline", "chat", "fax"]',
        "on_missed_stage": '"reset"',
        "budget_bytes": '"1 TB"',
        "eligible.tariffs": '["blue-s", "blue-m"]',
        "eligible.tenure_days_min": "30",
        "eligible.unlimited": "true",
        "enrol_from": "2025-01-01T00:00:00Z",
        "enrol_until": "2026-01-01T00:00:00Z",
        "join": '"invitation"',
        "control_share": "0.1",
        "salt": '"x"',
        "not_online.blue-s": '["con.view", "use.view"]',
    },
}


def definitions() -> dict[str, Definition]:
    presets = {name: load_preset(name) for name in PRESETS}
    return presets | {name: varied(**settings) for name, settings in AWKWARD.items()}


@pytest.mark.parametrize("name", [*PRESETS, *AWKWARD])
def test_terms_are_whole_sentences_in_both_languages(name: str) -> None:
    for clause in clauses(definitions()[name], "Europe/Berlin"):
        assert clause.title.de != clause.title.en
        assert clause.sentences
        for words in clause.sentences:
            for text in (words.de, words.en):
                assert text[0].isupper() or text[0].isdigit(), text
                assert text.endswith("."), text
                assert not re.search(r"None|[{}_]|\s\s| [.,;]|\b1 [a-z]+s\b", text), text


def test_terms_name_every_activity_and_every_topic_that_never_counts() -> None:
    told = "\n".join(s.de + s.en for c in clauses(load_preset("o2-2017"), "UTC") for s in c.sentences)
    for activity in CATALOGUE.values():
        assert activity.german in told
        assert activity.english in told
    for topic in EXEMPT_TOPICS.values():
        assert topic.german in told
        assert topic.english in told


def test_different_rules_have_different_terms() -> None:
    told = {
        name: tuple(s for c in clauses(definition, "UTC") for s in c.sentences)
        + tuple(str(row) for row in stage_rows(definition))
        for name, definition in definitions().items()
    }
    assert len(set(told.values())) == len(told)


def test_the_table_of_stages_stops_at_the_cap() -> None:
    rows = stage_rows(varied(cap_bytes='"650 MB"'))
    assert [row.total for row in rows] == [
        Words("300 MB", "300 MB"),
        Words("350 MB", "350 MB"),
        Words("0 MB", "0 MB"),
    ]
    assert [(row.observed, row.paid) for row in rows] == [("1–3", "4–6"), ("4–6", "7–9"), ("7–9", "10–12")]

"""The rewards page and the ledger: what a line is told, that it is told of itself only, and how quickly."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from selbsthelfer.portal.pages.rewards import MAX_CREDITS
from selbsthelfer.portal.presenting_contacts import MAX_CONTACTS
from selbsthelfer.programmes.core.wording_stages import STAGE_STATES
from selbsthelfer.programmes.core.wording_status import TRANCHE_STATUSES, TrancheStatus
from tests.portal.life import Life, ago, prepare, recent_life, sign_in, varied
from tests.portal.pages import LANGUAGES, MAX_QUERIES, Page, open_page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing")]

REWARDS = "/rewards"
CREDITS = "/rewards/credits"


def open_rewards(client: Client, subject: str = "line", language: str = "de") -> Page:
    sign_in(client, subject)
    return open_page(client, REWARDS, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_tells_stages_contacts_and_rules(client: Client, language: str) -> None:
    prepare()
    one = recent_life()
    one.called(ago(150), "fault")
    one.called(ago(100), "use.view")
    one.send()
    page = open_rewards(client, language=language)
    de = language == "de"
    for expected in (
        "Stufe 1 bestanden" if de else "Stage 1 passed",
        "Stufe 2 verfehlt" if de else "Stage 2 missed",
        "Störung oder kein Netz" if de else "Fault or no reception",
        "Bei einer Störung dürfen Sie sich immer melden"
        if de
        else "You can always get in touch about a fault",
        "„Verbrauch ansehen“ geht auch online" if de else "“View usage” can also be done online",
        "zählt nicht" if de else "does not count",
        "von höchstens 1,8 GB" if de else "of at most 1.8 GB",
        "Datenguthaben für Selbsthelfer, Fassung 1" if de else "Data credit for self-helpers, version 1",
        "Das stimmt nicht" if de else "This is not right",
    ):
        assert expected in page.text, expected
    assert f"{reverse('programme', args=['o2-2017'])}?version=1" in page.links
    assert len([link for link in page.links if link.startswith(reverse("dispute"))]) == 1


def test_a_stage_leads_to_the_contact_that_it_counts(client: Client) -> None:
    prepare()
    one = recent_life()
    one.called(ago(150), "fault")
    one.called(ago(100), "use.view")
    one.send()
    page = open_rewards(client)
    assert "Warum er zählt: Hotline" in page.text
    (link,) = [link for link in page.links if link.startswith("#contact-")]
    assert link.removeprefix("#") in {tag["id"] for tag in page.named("li") if "id" in tag}
    assert len([tag for tag in page.named("li") if "id" in tag]) == 2


def test_what_a_missed_stage_took_along_does_not_look_like_another_missed_stage(client: Client) -> None:
    """Stage 1 was missed, so that nothing is paid in the periods of stage 2, which itself is open."""
    prepare()
    one = recent_life(days=130)
    one.called(ago(110), "use.view")
    one.send()
    page = open_rewards(client)
    assert set(TRANCHE_STATUSES.values()).isdisjoint(STAGE_STATES.values())
    assert "Stufe 1 verfehlt" in page.text
    assert "Stufe 2 offen" in page.text
    assert "entfällt" in page.text


@pytest.mark.parametrize(("days_since", "is_button"), [(10, True), (1, False)])
def test_the_way_to_the_tasks_is_a_button_only_where_something_is_to_be_done(
    client: Client, days_since: int, is_button: bool
) -> None:
    prepare()
    one = Life("line", timezone="Europe/Berlin")
    one.enrolled(ago(10))
    if not is_button:
        one.did(ago(days_since), "net.diagnose")
    one.send()
    page = open_rewards(client)
    (way,) = [a for a in page.named("a") if a["href"] == reverse("tasks") and "aria-current" not in a][1:]
    assert (way.get("class") == "button") is is_button
    assert ("Erledigen Sie bis zum" in page.text) is is_button


def test_every_state_that_a_tranche_can_have_looks_different(client: Client) -> None:
    """One line shows passed and missed stages with tranches credited, lapsed, waiting and open."""
    prepare()
    one = Life("line", timezone="UTC", billing_day=1)
    one.facts[0]["time"] = ago(500).isoformat()
    one.enrolled(ago(170))
    for day in (165, 100, 75):
        one.did(ago(day), "net.diagnose")
    one.send()
    page = open_rewards(client)
    badges = {
        tag["class"].removeprefix("badge ") for tag in page.named("span") if "badge" in tag.get("class", "")
    }
    assert {"passed", "open", "waiting"} <= badges
    assert badges & {"used", "expired"}
    assert len({words.de for words in TRANCHE_STATUSES.values()}) == len(TrancheStatus)
    assert "liegen bereit" in page.text
    assert "Wenn Sie heute etwas online erledigen" in page.text


def test_the_page_shows_only_the_line_of_whoever_is_signed_in(client: Client) -> None:
    prepare()
    one, other = recent_life("asked"), recent_life("another", days=90)
    one.called(ago(50), "use.view")
    other.called(ago(40), "roam.info")
    one.send()
    alone = open_rewards(client, "asked")
    other.send()
    together = open_page(client, REWARDS)
    hidden = ("csrfmiddlewaretoken",)
    assert [t for t in together.tags if t.attributes.get("name") not in hidden] == [
        t for t in alone.tags if t.attributes.get("name") not in hidden
    ]
    assert "Roaming-Preise" not in together.text
    assert "Roaming-Preise" in open_rewards(client, "another").text


@pytest.mark.parametrize("path", [REWARDS, CREDITS, "/rewards/leave/o2-2017", "/rewards/dispute"])
def test_a_stranger_is_asked_to_sign_in_first(client: Client, path: str) -> None:
    prepare()
    response = client.get(path)
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("sign_in"))


def test_a_control_line_looks_like_one_that_takes_no_part(client: Client) -> None:
    prepare(varied(join='"invitation"'))
    hidden = recent_life("control", variant="control")
    hidden.called(ago(50), "use.view")
    hidden.send()
    outside = Life("outside", timezone="Europe/Berlin", billing_day=3)
    outside.facts[0]["time"] = hidden.facts[0]["time"]
    outside.send()
    for language in LANGUAGES:
        for path in (REWARDS, CREDITS):
            pages = []
            for subject in ("control", "outside"):
                sign_in(client, subject)
                pages.append(open_page(client, path, language))
            assert pages[0].text == pages[1].text
            assert [t.name for t in pages[0].tags] == [t.name for t in pages[1].tags]
            assert pages[0].links == pages[1].links
            for word in ("Stufe", "Stage", "o2-2017", "Datenguthaben für"):
                assert word not in pages[0].text


def test_a_channel_s_name_cannot_break_the_page(client: Client) -> None:
    prepare()
    one = recent_life()
    one.called(ago(50), "<img src=x>", channel='"><script>alert(1)</script>')
    one.send()
    assert '"><script>alert(1)</script>' in open_rewards(client).text


def test_reading_pages_take_no_post(client: Client) -> None:
    prepare()
    recent_life().send()
    sign_in(client, "line")
    for path in (REWARDS, CREDITS):
        assert client.post(path).status_code == 405
        assert client.head(path).status_code == 200


@pytest.mark.parametrize("kind", ["plain", "altered", "control", "suspended", "two programmes", "outside"])
def test_a_page_asks_few_questions(client: Client, queries: list[str], kind: str) -> None:
    prepare()
    prepare(varied(name='"second"', goodwill_contacts="1"))
    one = recent_life(variant="control" if kind == "control" else "treatment")
    one.called(ago(50), "use.view")
    if kind == "altered":
        one.add("subscriber.billing_day_changed", ago(60), {"billing_day": 17})
        one.add("subscriber.changed", ago(55), {"tariff": "blue-m", "included_bytes": 9_000_000_000})
    if kind == "suspended":
        one.add("subscriber.changed", ago(1), {"suspended": True})
    if kind == "two programmes":
        one.enrolled(ago(100), programme="second")
    if kind == "outside":
        one.facts = one.facts[:1]
    one.send()
    sign_in(client, "line")
    for path in (REWARDS, CREDITS):
        queries.clear()
        page = open_page(client, path)
        assert 0 < len(queries) <= MAX_QUERIES, "\n\n".join(queries)
        if path == REWARDS:
            shown = {"two programmes": 2, "control": 0, "outside": 0}.get(kind, 1)
            assert len(page.named("progress")) == shown


def test_a_line_with_very_many_contacts_stays_small(client: Client) -> None:
    prepare()
    one = recent_life(days=300)
    for number in range(300):
        one.called(ago(299 - number * 0.8), ["bill.view", "use.view", "con.view", None][number % 4])
    one.send()
    for language in LANGUAGES:
        page = open_rewards(client, language=language)
        assert len(page.named("time")) == MAX_CONTACTS
    assert "260 more contacts are not listed here" in page.text


def test_the_longest_programme_stays_small(client: Client) -> None:
    stages = "[" + ", ".join(['{ bytes = "10 MB" }'] * 11) + "]"
    prepare(varied(stages=stages, periods_per_stage="5", cap_bytes='"1 TB"'))
    one = recent_life(days=1_700)
    for number in range(100):
        one.called(ago(1_600 - number * 10), "fault")
    one.send()
    for language in LANGUAGES:
        page = open_rewards(client, language=language)
    assert page.text.count("Stage 11") >= 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_ledger_lists_every_grant_once_over_its_pages(client: Client, language: str) -> None:
    stages = "[" + ", ".join(['{ bytes = "10 MB" }'] * 11) + "]"
    prepare(varied(stages=stages, periods_per_stage="3"))
    one = Life("line", timezone="UTC", billing_day=1)
    one.facts[0]["time"] = ago(1_500).isoformat()
    one.enrolled(ago(1_400))
    for day in range(1_395, 0, -15):
        one.did(ago(day), "net.diagnose")
    one.send()
    sign_in(client, "line")
    path, seen, pages = CREDITS, [], 0
    while path:
        page = open_page(client, path, language)
        seen += [a["datetime"] for a in page.named("time")]
        pages += 1
        path = next((link for link in page.links if link.startswith(f"{CREDITS}?before=")), "")
    assert pages == 2
    assert len(seen) == len(set(seen)) > MAX_CREDITS
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    "before", ["x", "2026-01-01~1~o2", "2026-01-01T00:00:00+00:00~one~o2", "~~", "a~b", "9" * 5_000]
)
def test_a_page_of_the_ledger_that_we_did_not_write_is_not_there(client: Client, before: str) -> None:
    prepare()
    recent_life().send()
    sign_in(client, "line")
    assert client.get(CREDITS, {"before": before}).status_code == 404


def test_an_empty_ledger_says_so(client: Client) -> None:
    prepare()
    Life("line").send()
    sign_in(client, "line")
    assert "Bisher wurde nichts gutgeschrieben." in open_page(client, CREDITS).text


def test_the_ledger_names_the_programme_as_people_know_it(client: Client) -> None:
    prepare()
    recent_life().send()
    sign_in(client, "line")
    page = open_page(client, CREDITS)
    assert "Datenguthaben für Selbsthelfer, Fassung 1" in page.text
    assert "o2-2017" not in page.text

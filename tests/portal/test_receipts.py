"""Receipts: what a task brought, what failed, and that nobody reads those of another line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from selbsthelfer.charging.models import CreditOrder
from selbsthelfer.portal.pages.receipts import PAGE_RECEIPTS
from selbsthelfer.portal.successes import success_panel
from selbsthelfer.selfservice.back_end import Confirmation, OutcomeUnknownError
from selbsthelfer.selfservice.back_ends import use_back_end
from selbsthelfer.selfservice.core.orders import BarNumber, Order, SwitchAutomaticTopUp
from selbsthelfer.selfservice.core.results import UNKNOWN, Done
from selbsthelfer.selfservice.embedded.back_end import EmbeddedBackEnd
from selbsthelfer.selfservice.embedded.operations import begin_outage
from selbsthelfer.selfservice.operations import carry_out, report_done, report_failed, report_view
from selbsthelfer.subscribers.core.lines import LineRef
from tests.portal.life import Life, ago, prepare
from tests.portal.pages import MAX_QUERIES
from tests.portal.task_pages import form_with, open_page, page_of, send, sign_in_as, words_of
from tests.selfservice.world import balance_of, new_key, registered

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_word_is_missing")]


def now() -> datetime:
    return datetime.now(UTC)


def taking_part(days: int, *, variant: str = "treatment", has_used: bool = False) -> LineRef:
    """Enrol a line some days ago; where there was time for it, it has passed stage 1 and a tranche waits."""
    prepare()
    life = Life("line", variant=variant, timezone="Europe/Berlin", billing_day=1)
    life.facts[0]["time"] = ago(400).isoformat()
    life.enrolled(ago(days))
    for day in range(days - 1, days - 85, -14):
        if day > 62:
            life.did(ago(day), "net.diagnose")
    if has_used:
        life.add("usage.recorded", ago(0), {"bytes": 1_000})
    life.send()
    return LineRef.of("line")


def signed_in(line: LineRef) -> Client:
    client = Client()
    sign_in_as(client, line)
    return client


def bar(line: LineRef, number: int = 0, *, at: datetime | None = None) -> Done:
    order = BarNumber(number=f"+49221471{number:04d}", barred=True)
    return carry_out(line, order, key=new_key(), now=at or now())


def receipt_page(done: Done) -> str:
    return reverse("receipt", args=[done.receipt])


def test_the_answer_to_a_task_that_releases_volume_says_so_and_the_balance_is_higher() -> None:
    line = taking_part(150)
    before = balance_of(line, at=now())
    client = signed_in(line)
    path = reverse("task", args=["call.block"])
    form = form_with(open_page(client, path), "Nummer sperren")
    response = send(client, path, form, number="0221 4710123")
    shown = open_page(client, response["Location"])
    told = words_of(shown)
    assert re.search(r"Erledigt\. 100 MB gutgeschrieben, nutzbar bis \d+\. \w+ \d{4}\.", told)
    assert "Zählt auch für Stufe 2. Jetzt nutzbar: 5,1 GB" in told
    assert balance_of(line, at=now()) == (before or 0) + 100_000_000
    assert told.index("Erledigt.") < told.index("Ihr Beleg")
    assert "hx-trigger" not in shown.content.decode()


def test_volume_is_never_called_usable_before_it_is_confirmed() -> None:
    line = taking_part(150)
    done = bar(line)
    CreditOrder.objects.filter(subscriber_id=line.subscriber_id).update(
        state="open", confirmed_at=None, due_at=now()
    )
    client = signed_in(line)
    shown = open_page(client, receipt_page(done))
    told, html = words_of(shown), shown.content.decode()
    assert "100 MB werden gerade gebucht" in told
    assert "100 MB gutgeschrieben" not in told
    assert "nutzbar bis" not in told
    assert 'hx-trigger="every 2s"' in html
    assert f'hx-get="{receipt_page(done)}"' in html
    assert "Stand neu laden" in told
    CreditOrder.objects.filter(subscriber_id=line.subscriber_id).update(
        state="confirmed", confirmed_at=now(), due_at=None
    )
    again = open_page(client, receipt_page(done))
    assert "100 MB gutgeschrieben, nutzbar bis" in words_of(again)
    assert "hx-trigger" not in again.content.decode()


def test_an_old_receipt_no_longer_looks_again_by_itself() -> None:
    line = taking_part(150)
    done = bar(line, at=ago(0.01))
    CreditOrder.objects.filter(subscriber_id=line.subscriber_id).update(
        state="open", confirmed_at=None, due_at=now()
    )
    shown = open_page(signed_in(line), receipt_page(done))
    assert "hx-trigger" not in shown.content.decode()
    assert "Stand neu laden" in words_of(shown)


def test_a_newcomer_sees_what_it_was_good_for() -> None:
    line = taking_part(3)
    told = words_of(open_page(signed_in(line), receipt_page(bar(line))))
    assert "Erledigt. Zählt für Stufe 1." in told
    assert "100 MB" in told


@pytest.mark.parametrize("variant", ["control", None])
def test_a_line_without_a_programme_sees_nothing_of_it(variant: str | None) -> None:
    line = taking_part(150, variant=variant) if variant else registered()
    done = bar(line)
    failed = report_failed(line, "acc.address", key="1", now=now())
    client = signed_in(line)
    for shown in (done, failed):
        told = words_of(open_page(client, receipt_page(shown)))
        assert not re.search(r"Stufe|zählt|\d MB|72 Stunden", told)
    assert "Erledigt." in words_of(open_page(client, receipt_page(done)))


def test_a_failure_is_told_plainly_with_what_it_means_for_a_call() -> None:
    line = taking_part(30)
    done = report_failed(line, "acc.address", key="1", now=now())
    told = words_of(open_page(signed_in(line), receipt_page(done)))
    assert "Der Fehler liegt bei uns, nicht bei Ihnen" in told
    assert "innerhalb von 72 Stunden danach an, zählt dieser Anruf nicht" in told
    assert "Mit einem Menschen sprechen" in told
    late = report_failed(line, "acc.address", key="2", now=ago(3.1))
    assert "72 Stunden" not in words_of(open_page(signed_in(line), receipt_page(late)))


def test_a_refused_order_says_why() -> None:
    line = registered()
    bar(line)
    told = words_of(open_page(signed_in(line), receipt_page(bar(line))))
    assert "Diese Nummer ist schon gesperrt." in told
    assert "Es wurde nichts geändert." in told


class SilentBackEnd(EmbeddedBackEnd):
    """Does what is ordered, and does not say so."""

    def carry_out(self, line: LineRef, order: Order, *, key: str, now: datetime) -> Confirmation:
        super().carry_out(line, order, key=key, now=now)
        raise OutcomeUnknownError


def test_an_order_without_an_answer_is_neither_done_nor_failed() -> None:
    line = registered()
    with use_back_end(SilentBackEnd()):
        done = bar(line)
    shown = open_page(signed_in(line), receipt_page(done))
    told = words_of(shown)
    assert "Noch keine Antwort" in told
    assert UNKNOWN.de in told
    assert done.reason == UNKNOWN  # which the PDF prints as it prints every reason
    assert "Erledigt." not in told
    assert "nicht geklappt" not in told
    assert "hx-trigger" in shown.content.decode()


def test_details_effect_and_time_of_the_line_are_told() -> None:
    line = registered(timezone="America/New_York")
    at = datetime(2026, 6, 10, 2, 30, tzinfo=UTC)
    done = carry_out(line, SwitchAutomaticTopUp(on=False), key=new_key(), now=at)
    shown = open_page(signed_in(line), receipt_page(done), language="en")
    told = words_of(shown)
    assert "9 June 2026 at 22:30" in told
    assert "Automatic top-up off" in told
    assert done.receipt in told


@pytest.mark.parametrize("name", ["receipt", "receipt_pdf"])
def test_the_receipt_of_another_line_is_not_found(name: str) -> None:
    mine, other = registered("mine"), registered("other", msisdn="+491713920043")
    done = bar(other)
    client = signed_in(mine)
    assert client.get(reverse(name, args=[done.receipt])).status_code == 404
    assert client.get(reverse(name, args=["Q-0000-0000-0000"])).status_code == 404
    assert client.get(reverse(name, args=["%00' OR 1=1"])).status_code == 404
    assert signed_in(other).get(reverse(name, args=[done.receipt])).status_code == 200
    assert Client().get(reverse(name, args=[done.receipt]))["Location"].startswith(reverse("sign_in"))


def test_a_receipt_is_there_as_pdf() -> None:
    line = registered()
    done = bar(line)
    response = signed_in(line).get(reverse("receipt_pdf", args=[done.receipt.lower()]))
    assert response["Content-Type"] == "application/pdf"
    assert response.content.startswith(b"%PDF-")
    assert done.receipt in response["Content-Disposition"]


def test_receipts_are_listed_page_by_page_newest_first() -> None:
    line = registered()
    made = [bar(line, number, at=ago(2) + timedelta(minutes=number)).receipt for number in range(25)]
    report_view(line, "use.view", now=ago(1))
    client = signed_in(line)
    first = open_page(client, reverse("receipts"))
    assert links_of(first) == made[: -PAGE_RECEIPTS - 1 : -1]
    older = [link["href"] for link in page_of(first).named("a") if "before=" in link["href"]]
    second = open_page(client, older[0])
    assert links_of(second) == made[4::-1]
    assert "Zu den neuesten" in words_of(second)
    assert not [link for link in page_of(second).named("a") if "before=" in link["href"]]


def links_of(response: object) -> list[str]:
    found = [link["href"] for link in page_of(response).named("a")]  # type: ignore[arg-type]
    return [link.rsplit("/", 1)[1] for link in found if re.fullmatch(r"/receipts/Q-[0-9A-Z-]+", link)]


@pytest.mark.parametrize(
    "query", ["before=x&beyond=y", "before=2026-01-01&beyond=Q-0000-0000-0000", "before=%00"]
)
def test_a_place_that_is_none_is_the_beginning(query: str) -> None:
    line = registered()
    done = bar(line)
    assert links_of(open_page(signed_in(line), f"{reverse('receipts')}?{query}")) == [done.receipt]


def test_the_receipt_of_registering_welcomes_and_shows_where_to_begin() -> None:
    line = registered()
    client = signed_in(line)
    done = report_done(line, "acc.register", key="1", now=now())
    page = page_of(open_page(client, receipt_page(done)))
    assert "Willkommen" in page.text
    begin = page.links[page.links.index("#content") :]
    for name in ("home", "rewards", "tasks"):
        assert begin.count(reverse(name)) >= 2
    assert "Welcome" in words_of(open_page(client, receipt_page(done), language="en"))
    other = report_done(line, "acc.lang", key="1", now=now())
    assert "Willkommen" not in words_of(open_page(client, receipt_page(other)))


def test_no_receipts_yet() -> None:
    page = page_of(open_page(signed_in(registered()), reverse("receipts")))
    assert "was Sie in einer App erledigt haben, steht unter Bonus." in page.text
    assert reverse("rewards") in page.links


@pytest.mark.parametrize("language", ["de", "en"])
def test_pages_of_receipts_ask_few_questions(queries: list[str], language: str) -> None:
    line = taking_part(150, has_used=True)
    done = bar(line)
    client = signed_in(line)
    for path in (receipt_page(done), reverse("receipts")):
        open_page(client, path, language=language)
        queries.clear()
        open_page(client, path, language=language)
        assert 0 < len(queries) <= MAX_QUERIES, "\n\n".join(queries)


def test_the_panel_tells_of_successes_only() -> None:
    line = taking_part(150)
    failed = report_failed(line, "acc.address", key="1", now=now())
    assert success_panel(failed, line, now()) is None
    panel = success_panel(report_view(line, "use.view", now=now()), line, now())
    assert panel is not None
    assert panel.credits
    assert panel.balance
    assert not panel.is_waiting


def test_receipts_take_no_post() -> None:
    line = registered()
    done = bar(line)
    client = signed_in(line)
    begin_outage(None, now=ago(1), until=now() + timedelta(hours=1))
    for path in (reverse("receipts"), receipt_page(done), reverse("receipt_pdf", args=[done.receipt])):
        assert client.post(path).status_code == 405
        assert client.get(path).status_code == 200, "a receipt is ours and needs no back end"

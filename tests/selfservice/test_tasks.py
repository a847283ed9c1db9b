"""A task is kept, done once, reported once, and what it releases stands in the same answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction

from selbsthelfer.activities.queries import failed_recently
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Words
from selbsthelfer.outbox.queries import waiting
from selbsthelfer.programmes.queries import standings
from selbsthelfer.selfservice.core.orders import (
    BarNumber,
    BlockSim,
    ChangeAddress,
    ChangeBankAccount,
    ChangeTariff,
    GoPaperless,
)
from selbsthelfer.selfservice.core.records import Address
from selbsthelfer.selfservice.core.results import Detail, Done, Outcome, Receipt
from selbsthelfer.selfservice.embedded.back_end import EmbeddedBackEnd
from selbsthelfer.selfservice.embedded.operations import begin_outage, end_outage
from selbsthelfer.selfservice.operations import (
    ActivityUnknownError,
    LineEndedError,
    LineUnknownError,
    erase_line,
    report_done,
    report_failed,
    report_view,
)
from selbsthelfer.selfservice.queries import (
    export_of_line,
    receipt_key,
    receipt_of_line,
    receipts_of_line,
)
from selbsthelfer.subscribers.core.lines import LineRef
from tests.portal.life import Life
from tests.selfservice.world import (
    IBAN,
    MSISDN,
    NOW,
    balance_of,
    do,
    enrolled,
    facts_of,
    later,
    new_key,
    registered,
    rows,
    succeed,
)

pytestmark = pytest.mark.django_db

ADDRESS = ChangeAddress(Address("Rosenweg", "7a", "50667", "Köln"))
RELEASES = datetime(2026, 5, 20, 10, tzinfo=UTC)
"""In the window that pays for stage 1, before anything was done in that period."""


def receipts(line: LineRef, **page: object) -> list[Receipt]:
    with transaction.atomic():
        return list(receipts_of_line(open_cursor(), line.subscriber_id, **page))  # type: ignore[arg-type]


def receipt(line: LineRef, number: str) -> Receipt | None:
    with transaction.atomic():
        return receipt_of_line(open_cursor(), line.subscriber_id, number)


def test_what_a_task_releases_stands_in_the_same_answer_and_the_balance_is_higher() -> None:
    line = enrolled(stages=1)
    before = balance_of(line, at=RELEASES)
    done = succeed(line, ADDRESS, now=RELEASES)
    (credited,) = done.credited
    assert (credited.programme, credited.bytes, credited.is_confirmed) == ("o2-2017", 100_000_000, True)
    assert credited.usable_until > RELEASES
    assert before is not None
    assert balance_of(line, at=RELEASES) == before + 100_000_000
    again = do(line, GoPaperless(), now=RELEASES + timedelta(minutes=1))
    assert (again.outcome, again.credited) == (Outcome.SUCCEEDED, ())
    assert [r.number for r in receipts(line)] == [again.receipt, done.receipt]
    found = receipt(line, done.receipt)
    assert found is not None
    assert found.done == replace(done, is_new=True)


def test_repeating_a_key_does_nothing_anew_and_tells_the_same() -> None:
    line = enrolled(stages=1)
    key = new_key()
    first = do(line, ADDRESS, now=RELEASES, key=key)
    second = do(line, ADDRESS, now=RELEASES + timedelta(hours=3), key=key)
    assert second == replace(first, is_new=False)
    assert second.credited
    assert facts_of(line) == [("acc.address", True)]
    assert len(receipts(line)) == 1


def test_the_same_key_of_another_line_is_another_task() -> None:
    key = new_key()
    first, second = registered("line-1"), registered("line-2", msisdn="+491713920043")
    one, other = do(first, GoPaperless(), key=key), do(second, GoPaperless(), key=key)
    assert one.is_new
    assert other.is_new
    assert one.receipt != other.receipt


def test_a_receipt_is_readable_by_its_own_line_only() -> None:
    first, second = registered("line-1"), registered("line-2", msisdn="+491713920043")
    done = succeed(first, ADDRESS)
    found = receipt(first, f" {done.receipt.lower().replace('-', ' ')} ")
    assert found is not None
    assert (found.number, found.subscriber_id) == (done.receipt, first.subscriber_id)
    assert Detail(Words("Ort", "Town"), Words("50667 Köln", "50667 Köln")) in found.done.details
    assert receipt(second, done.receipt) is None
    assert receipt(first, done.receipt[:-1] + ("A" if done.receipt[-1] != "A" else "B")) is None
    assert receipt(first, "’; DROP TABLE") is None
    assert receipts(second) == []


def test_a_task_of_our_own_is_reported_once() -> None:
    line = registered()
    details = [Detail(Words("Meldung", "Report"), Words("kein Netz", "no signal"))]
    done = report_done(line, "net.report", key="ticket-1", now=NOW, details=details)
    again = report_done(line, "net.report", key="ticket-1", now=later(days=1))
    assert (done.outcome, done.is_new, done.details) == (Outcome.SUCCEEDED, True, tuple(details))
    assert again == replace(done, is_new=False)
    assert facts_of(line) == [("net.report", True)]


def test_opening_counts_once_in_a_local_day() -> None:
    line = registered()
    evening = datetime(2026, 6, 10, 21, 59, tzinfo=UTC)
    first = report_view(line, "bill.view", now=evening)
    same_day = report_view(line, "bill.view", now=evening + timedelta(seconds=30))
    next_day = report_view(line, "bill.view", now=evening + timedelta(minutes=1))
    other = report_view(line, "con.view", now=evening)
    assert [d.is_new for d in (first, same_day, next_day, other)] == [True, False, True, True]
    assert same_day == replace(first, is_new=False)
    assert sorted(facts_of(line)) == [("bill.view", True), ("bill.view", True), ("con.view", True)]
    assert receipts(line) == []
    assert rows("SELECT count(*) FROM selfservice_task") == [(3,)]


def test_opening_that_releases_tells_it_once() -> None:
    line = enrolled(stages=1)
    first = report_view(line, "use.view", now=RELEASES)
    second = report_view(line, "use.view", now=RELEASES + timedelta(minutes=1))
    assert [credited.bytes for credited in first.credited] == [100_000_000]
    assert (second.is_new, second.credited) == (False, ())


def test_nothing_is_done_for_a_line_that_is_unknown_or_has_ended() -> None:
    stranger = LineRef.of("nobody")
    for attempt in (
        lambda: do(stranger, GoPaperless()),
        lambda: report_view(stranger, "bill.view", now=NOW),
        lambda: report_done(LineRef(registered().subscriber_id, "wrong"), "net.report", key="1", now=NOW),
    ):
        with pytest.raises(LineUnknownError):
            attempt()
    life = Life("gone", timezone="Europe/Berlin")
    life.add("subscriber.ended", "2026-05-01", {})
    life.send()
    with pytest.raises(LineEndedError):
        do(LineRef.of("gone"), GoPaperless())
    assert rows("SELECT count(*) FROM selfservice_task") == [(0,)]


def test_nothing_is_reported_that_the_catalogue_does_not_know() -> None:
    with pytest.raises(ActivityUnknownError):
        report_done(registered(), "acc.nothing", key="1", now=NOW)


def test_an_outage_is_told_kept_as_failed_and_excuses_a_later_call() -> None:
    line = enrolled(stages=0)
    begin_outage("acc.address", now=NOW, until=later(hours=2))
    done = do(line, ADDRESS)
    assert (done.outcome, done.credited) == (Outcome.FAILED, ())
    assert done.reason is not None
    assert "nichts geändert" in done.reason.de
    assert facts_of(line) == [("acc.address", False)]
    with transaction.atomic():
        failed = failed_recently(open_cursor(), line.subscriber_id, since=later(hours=-1))
    assert [(f.activity, f.happened_at) for f in failed] == [("acc.address", NOW)]

    call = Life("line-1")
    call.facts.clear()
    call.called(later(hours=5), "acc.address")
    call.facts[0]["id"] = "call-1"
    call.send()
    with transaction.atomic():
        standing = standings(open_cursor(), [line.subscriber_id], now=later(days=20))
    assert [(contact.id, contact.code) for contact in standing.contacts] == [("call-1", "selfservice_failed")]


def test_a_failure_that_was_made_good_is_no_news() -> None:
    line = registered()
    begin_outage(None, now=NOW, until=later(hours=2))
    failed = do(line, ADDRESS)
    assert failed.outcome is Outcome.FAILED
    end_outage(None)
    succeed(line, ADDRESS, now=later(minutes=10))
    with transaction.atomic():
        assert failed_recently(open_cursor(), line.subscriber_id, since=later(hours=-1)) == []
    assert [r.done.outcome for r in receipts(line)] == [Outcome.SUCCEEDED, Outcome.FAILED]
    assert facts_of(line) == [("acc.address", False), ("acc.address", True)]


def test_a_page_that_could_not_be_shown_is_a_failed_attempt() -> None:
    line = registered()
    done = report_failed(line, "bill.view", key="2026-06-10T09", now=NOW)
    again = report_failed(line, "bill.view", key="2026-06-10T09", now=later(minutes=5))
    assert (done.outcome, done.is_new, again.is_new) == (Outcome.FAILED, True, False)
    assert done.reason is not None
    assert facts_of(line) == [("bill.view", False)]
    assert [r.done.outcome for r in receipts(line)] == [Outcome.FAILED]


def test_a_refusal_is_neither_a_success_nor_a_failed_attempt() -> None:
    line = registered()
    done = do(line, ChangeBankAccount("DE00", "Lena Vogel"))
    assert (done.outcome, done.field, done.fact_id) == (Outcome.REFUSED, "iban", None)
    assert facts_of(line) == []
    with transaction.atomic():
        assert failed_recently(open_cursor(), line.subscriber_id, since=later(days=-1)) == []


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        (ADDRESS, "address_changed"),
        (ChangeBankAccount(IBAN, "Lena Vogel"), "bank_account_changed"),
        (BlockSim(), "sim_blocked"),
    ],
)
def test_what_somebody_else_might_have_done_is_told_at_every_address_of_the_line(
    order: ChangeAddress | ChangeBankAccount | BlockSim, kind: str
) -> None:
    """By e-mail too, because a text message to a SIM that is blocked reaches nobody."""
    line = registered()
    get_user_model().objects.create(
        name="u", subscriber_id=line.subscriber_id, subject=line.subject, email="zoe@example.org"
    )
    do(line, order)
    found = rows("SELECT kind, subscriber_id, address, content::text FROM outbox_message ORDER BY address")
    assert [row[:3] for row in found] == [
        (kind, line.subscriber_id, MSISDN),
        (kind, line.subscriber_id, "zoe@example.org"),
    ]
    assert IBAN not in str(found)


def test_a_line_without_any_address_reads_it_in_its_inbox() -> None:
    line = registered(msisdn=None)
    do(line, BlockSim())
    assert rows("SELECT kind, address FROM outbox_message") == [("sim_blocked", None)]


def test_other_tasks_write_no_message() -> None:
    succeed(registered(), GoPaperless())
    with transaction.atomic():
        assert waiting(open_cursor()).messages == 0


def test_receipts_are_paged_newest_first() -> None:
    line = registered()
    for number in range(7):
        succeed(line, BarNumber(f"+49221471{number:04d}", barred=True), now=later(minutes=number // 2))
    pages, before = [], None
    while page := receipts(line, limit=3, before=before):
        pages.append([r.number for r in page])
        before = receipt_key(page[-1])
    assert [len(page) for page in pages] == [3, 3, 1]
    numbers = [number for page in pages for number in page]
    assert len(set(numbers)) == 7
    times = [r.started_at for r in receipts(line)]
    assert times == sorted(times, reverse=True)


def test_no_iban_is_kept_once_the_back_end_has_answered() -> None:
    line = registered()
    succeed(line, ChangeBankAccount(IBAN, "Lena Vogel"))
    (kept,) = rows("SELECT t::text FROM selfservice_task t")
    assert IBAN not in kept[0]
    assert "DE89 •••• 3000" in kept[0]


def test_erasing_keeps_number_activity_and_instant() -> None:
    line = registered()
    done = succeed(line, ADDRESS)
    with transaction.atomic():
        exported = export_of_line(open_cursor(), line.subscriber_id)
        assert "Rosenweg" in str(exported)
        assert erase_line(open_cursor(), line.subscriber_id, now=later(days=1)) == 1
        assert "Rosenweg" not in str(export_of_line(open_cursor(), line.subscriber_id))
    found = receipt(line, done.receipt)
    assert found is not None
    assert found.done.details == ()
    assert (found.done.activity, found.done.finished_at) == ("acc.address", NOW)


def test_the_embedded_back_end_and_the_answer_agree_on_the_day_of_effect() -> None:
    line = registered()
    done: Done = succeed(line, ChangeTariff("musterfunk-s"))
    assert done.effective == Words("Gilt ab 1. Juli 2026.", "Takes effect on 1 July 2026.")
    assert EmbeddedBackEnd().contract(line, now=NOW).next_tariff_from == date(2026, 7, 1)

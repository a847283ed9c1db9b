"""Written cases: opened once, with a receipt at once, read by nobody else, answered and closed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connections, transaction

from selbsthelfer.conversations import queries
from selbsthelfer.conversations.core.cases import (
    MAX_NAME_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    CaseKind,
    CaseRefusedError,
    CaseState,
)
from selbsthelfer.conversations.core.declarations import DeclarationError
from selbsthelfer.conversations.operations import (
    AddressUnusableError,
    CaseClosedError,
    KeyTakenError,
    TooManyMessagesError,
    TooManyOpenError,
    UnknownCaseError,
    add_message,
    answer,
    close,
    open_case,
)
from selbsthelfer.conversations.queries import MAX_MESSAGES
from selbsthelfer.conversations.recording import MAX_OPEN_OF_LINE
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Language
from selbsthelfer.outbox.core.messages import Channel
from tests.conversations.test_declarations import CANCELLATION, WITHDRAWAL
from tests.conversations.writing import LINE, NOW, OTHER, read, register, texts, told, write

pytestmark = pytest.mark.django_db

PROMISED = datetime(2026, 11, 23, 17, tzinfo=UTC)


def test_a_case_is_there_at_once_with_number_promise_and_receipt() -> None:
    register()
    case = write(topic="bill.view", to="erika@example.org", name="  Erika   Muster ")
    assert (case.state, case.kind, case.topic) == (CaseState.OPEN, CaseKind.MESSAGE, "bill.view")
    assert (case.promised_at, case.name) == (PROMISED, "Erika Muster")
    assert texts(case) == [("subscriber", None, "Warum ist meine Rechnung höher?")]
    (receipt,) = told(subscriber_id=LINE)
    assert (receipt.kind, receipt.channel, receipt.to) == (
        "case_received",
        Channel.EMAIL,
        "erika@example.org",
    )
    assert receipt.text == (
        f"Ihr Anliegen ist angekommen: {case.number}. Wir antworten bis zum 23. November 2026 um 18:00 Uhr."
    )
    assert receipt.path == f"/cases/{case.number}"


def test_without_an_address_the_receipt_goes_to_the_number_of_the_line() -> None:
    register()
    write(language=Language.ENGLISH)
    (receipt,) = told(subscriber_id=LINE)
    assert (receipt.channel, receipt.to) == (Channel.SMS, "+4915112345678")
    assert receipt.text.startswith("We have received your request")


def test_the_same_form_sent_twice_opens_one_case_and_sends_one_receipt() -> None:
    key = uuid4()
    first, second = write(key=key), write(key=key, now=NOW + timedelta(minutes=1))
    assert first == second
    assert len(texts(first)) == len(told(subscriber_id=LINE)) == 1


def test_a_key_of_somebody_else_opens_nothing_and_shows_nothing() -> None:
    key = uuid4()
    write(key=key)
    with pytest.raises(KeyTakenError):
        write(key=key, line=OTHER)
    with pytest.raises(KeyTakenError):
        write(key=key, line=None, to="eve@example.org")


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_the_same_instant_opens_one_case() -> None:
    key, started = uuid4(), threading.Barrier(2)
    numbers: list[str] = []

    def run() -> None:
        started.wait(timeout=10)
        numbers.append(write(key=key).number)
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 2
    assert len(set(numbers)) == 1
    assert len(texts(read(numbers[0]))) == 1


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"text": " \r\n "}, "text_missing"),
        ({"text": "x" * (MAX_TEXT_CHARACTERS + 1)}, "text_too_long"),
        ({"name": "x" * (MAX_NAME_CHARACTERS + 1)}, "name_too_long"),
        ({"topic": "no.such"}, "topic_unknown"),
        ({"to": "sofa"}, "address_unusable"),
        ({"line": None}, "address_unusable"),
        ({"kind": CaseKind.OBJECTION}, "declaration"),
        ({"kind": CaseKind.CANCELLATION, "details": WITHDRAWAL}, "declaration"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_code_and_leaves_nothing(
    more: dict[str, object], code: str
) -> None:
    with pytest.raises(CaseRefusedError) as refused:
        write(**more)  # type: ignore[arg-type]
    assert refused.value.code == code
    with transaction.atomic():
        assert queries.waiting_cases(open_cursor()) == []


def test_a_sensitive_topic_is_kept_as_its_neutral_code() -> None:
    assert write(topic="hardship").topic == "exempt"


def test_a_line_has_only_so_many_open_cases_but_can_always_cancel() -> None:
    for _ in range(MAX_OPEN_OF_LINE):
        write()
    with pytest.raises(TooManyOpenError):
        write()
    write("", kind=CaseKind.CANCELLATION, details=CANCELLATION)
    write(line=OTHER)


def test_a_case_is_read_by_its_line_and_by_nobody_else() -> None:
    case = write()
    with transaction.atomic():
        cursor = open_cursor()
        assert queries.case_of_line(cursor, case.number.lower(), LINE) == case
        assert queries.case_of_line(cursor, case.number, OTHER) is None
        assert queries.cases_of_line(cursor, OTHER) == []
        assert queries.case_by_number(cursor, "F-0000-0001") is None
    for number, line in ((case.number, OTHER), ("F-0000-0000", LINE), ("sofa", LINE)):
        with pytest.raises(UnknownCaseError):
            add_message(line=line, number=number, text="Hallo", key=uuid4(), now=NOW)


def test_a_case_without_sign_in_belongs_to_no_line() -> None:
    case = write(line=None, to="erika@example.org")
    with transaction.atomic():
        assert queries.case_of_line(open_cursor(), case.number, LINE) is None
    (receipt,) = told(to="erika@example.org")
    assert receipt.path is None


def test_cases_of_a_line_come_newest_first_and_staff_see_first_what_is_promised_first() -> None:
    late = write(now=NOW + timedelta(hours=2))
    early = write()
    other = write(line=OTHER, now=NOW + timedelta(hours=1))
    with transaction.atomic():
        cursor = open_cursor()
        assert queries.cases_of_line(cursor, LINE) == [late, early]
        assert queries.cases_of_line(cursor, LINE, limit=1) == [late]
        assert queries.waiting_cases(cursor) == [early, other, late]
        assert queries.waiting_cases(cursor, 1) == [early]


def test_an_answer_is_kept_and_told_once_and_the_case_waits_no_longer() -> None:
    register()
    case, key = write(to="erika@example.org"), uuid4()
    at = NOW + timedelta(hours=1)
    for now in (at, at + timedelta(hours=1)):
        answered = answer(number=case.number, text="Wegen der Gebühr.", by="Frau Kern", now=now, key=key)
    assert (answered.state, answered.answered_at) == (CaseState.ANSWERED, at)
    assert texts(case)[1:] == [("staff", "Frau Kern", "Wegen der Gebühr.")]
    assert [m.kind for m in told(subscriber_id=LINE)] == ["case_received", "case_answered"]
    assert "Kern" not in "".join(m.letter for m in told(subscriber_id=LINE))
    with transaction.atomic():
        assert queries.waiting_cases(open_cursor()) == []


def test_who_did_not_sign_in_gets_the_answer_itself() -> None:
    case = write(line=None, to="erika@example.org")
    answer(number=case.number, text="Wegen der Gebühr.", by="Frau Kern", now=NOW)
    last = told(to="erika@example.org")[-1]
    assert "Wegen der Gebühr." in last.letter
    assert last.path is None


def test_an_answered_case_opens_again_with_a_new_promise_when_the_person_writes() -> None:
    case = write()
    answer(number=case.number, text="Wegen der Gebühr.", by="Frau Kern", now=NOW)
    key, later = uuid4(), NOW + timedelta(days=1)
    for _ in range(2):
        again = add_message(line=LINE, number=case.number, text="Welche?", key=key, now=later)
    assert (again.state, again.promised_at) == (CaseState.OPEN, PROMISED + timedelta(days=1))
    assert again.answered_at == NOW
    assert [text for _, _, text in texts(case)][2:] == ["Welche?"]


def test_writing_more_into_an_open_case_does_not_put_off_the_promise() -> None:
    case = write()
    again = add_message(
        line=LINE, number=case.number, text="Noch etwas", key=uuid4(), now=NOW + timedelta(hours=6)
    )
    assert again.promised_at == PROMISED


def test_nothing_is_written_into_a_closed_case() -> None:
    case = write()
    closed = close(number=case.number, now=NOW + timedelta(days=1))
    assert close(number=case.number, now=NOW + timedelta(days=2)) == closed
    assert (closed.state, closed.closed_at) == (CaseState.CLOSED, NOW + timedelta(days=1))
    with pytest.raises(CaseClosedError):
        add_message(line=LINE, number=case.number, text="Hallo", key=uuid4(), now=NOW)
    with pytest.raises(CaseClosedError):
        answer(number=case.number, text="Hallo", by="Frau Kern", now=NOW)


def test_a_subscriber_writes_only_so_much_into_a_case_and_staff_can_always_answer() -> None:
    case = write()
    answer(number=case.number, text="Gern.", by="Frau Kern", now=NOW)
    keys = [uuid4() for _ in range(MAX_MESSAGES - 1)]
    for key in keys:
        add_message(line=LINE, number=case.number, text="Hallo", key=key, now=NOW)
    with pytest.raises(TooManyMessagesError):
        add_message(line=LINE, number=case.number, text="Hallo", key=uuid4(), now=NOW)
    answered = answer(number=case.number, text="Bitte rufen Sie an.", by="Frau Kern", now=NOW)
    assert answered.state is CaseState.ANSWERED
    assert texts(case)[-1] == ("staff", "Frau Kern", "Bitte rufen Sie an.")
    assert len(texts(case)) == MAX_MESSAGES + 2


def test_the_same_form_again_is_taken_however_much_was_written() -> None:
    case = write()
    keys = [uuid4() for _ in range(MAX_MESSAGES - 1)]
    for key in keys:
        add_message(line=LINE, number=case.number, text="Hallo", key=key, now=NOW)
    again = add_message(line=LINE, number=case.number, text="Hallo", key=keys[-1], now=NOW)
    assert again.number == case.number
    assert len(texts(case)) == MAX_MESSAGES


@pytest.mark.parametrize("by", ["", " ", "x" * 101])
def test_staff_answer_under_a_name(by: str) -> None:
    case = write()
    with pytest.raises(CaseRefusedError) as refused:
        answer(number=case.number, text="Hallo", by=by, now=NOW)
    assert refused.value.code == "staff_name"


def test_a_cancellation_needs_no_sign_in_and_its_receipt_repeats_what_was_declared() -> None:
    case = open_case(kind=CaseKind.CANCELLATION, text="", key=uuid4(), now=NOW, details=CANCELLATION)
    assert (case.line, case.name, case.to) == (None, "Erika Muster", "erika@example.org")
    assert texts(case) == []
    (receipt,) = told(to="erika@example.org")
    assert receipt.text == (
        f"Ihre Kündigung {case.number} ist am 23. November 2026 um 10:00 Uhr bei uns eingegangen."
    )
    assert (
        "Vertrag: K-4711\nArt der Kündigung: ordentlich\nVertragsende: zum nächstmöglichen" in receipt.letter
    )


def test_a_withdrawal_by_post_is_taken_without_any_other_address() -> None:
    case = open_case(kind=CaseKind.WITHDRAWAL, text="", key=uuid4(), now=NOW, details=WITHDRAWAL)
    assert case.to is None
    (receipt,) = told()
    assert (receipt.kind, receipt.channel) == ("withdrawal_received", Channel.INBOX)


def test_wrong_use_is_not_mistaken_for_what_a_person_wrote() -> None:
    with pytest.raises(ValueError, match="use dispute"):
        write(kind=CaseKind.DISPUTE)
    with pytest.raises(ValueError, match="no details"):
        write(details=CANCELLATION)
    assert issubclass(DeclarationError, CaseRefusedError)
    assert issubclass(AddressUnusableError, CaseRefusedError)


def test_numbers_cannot_be_told_from_each_other() -> None:
    numbers = {write(line=UUID(int=n)).number for n in range(30)}
    assert len({number[2:6] for number in numbers}) == 30

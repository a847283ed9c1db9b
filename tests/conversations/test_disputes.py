"""A counted contact is disputed, and staff decide: with all that follows, or with nothing at all."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connections, transaction

from selbsthelfer.conversations import queries
from selbsthelfer.conversations.core.cases import (
    AboutContact,
    Case,
    CaseKind,
    CaseRefusedError,
    CaseState,
    Decision,
)
from selbsthelfer.conversations.operations import (
    AlreadyReinstatedError,
    CaseClosedError,
    NotADisputeError,
    ReinstatementFailedError,
    UnknownCaseError,
    UnknownContactError,
    add_message,
    answer,
    close,
    dispute,
    reinstate,
    uphold,
)
from selbsthelfer.conversations.queries import MAX_MESSAGES
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Language
from selbsthelfer.programmes.queries import standings
from tests.conversations.writing import LINE, OTHER, read, register, texts, told, write
from tests.portal.life import SOURCE, Life, prepare

pytestmark = pytest.mark.django_db

NOW = datetime(2025, 4, 20, 8, tzinfo=UTC)


def missed_by_one_call() -> str:
    """Let a call on 20 February spoil the first stage; return its id."""
    prepare()
    life = Life("tel-1", msisdn="+4915112345678")
    life.enrolled()
    life.active_monthly(1, 4)
    contact = life.called("2025-02-20T10:00", "bill.view")
    life.send()
    return contact


def disputed(
    contact: str, text: str = "Das war wegen der Störung.", key: UUID | None = None, now: datetime = NOW
) -> Case:
    return dispute(
        line=LINE, contact_source=SOURCE, contact_id=contact, text=text, key=key or uuid4(), now=now
    )


def stage_states(now: datetime) -> list[str]:
    with transaction.atomic():
        return [stage.state for stage in standings(open_cursor(), [LINE], now=now).stages]


def reclassifications() -> list[tuple[object, ...]]:
    with transaction.atomic():
        rows = open_cursor().execute(
            "SELECT contact_source, contact_id, counts, by, reason, id, source FROM contacts_reclassification"
        )
        return rows.fetchall()


def test_a_dispute_is_a_case_about_that_contact() -> None:
    contact = missed_by_one_call()
    case = dispute(
        line=LINE,
        contact_source=SOURCE,
        contact_id=contact,
        text="",
        key=uuid4(),
        now=NOW,
        programme="o2-2017",
        language=Language.ENGLISH,
    )
    assert (case.kind, case.about) == (CaseKind.DISPUTE, AboutContact(SOURCE, contact))
    assert (case.details, case.language, texts(case)) == ({"programme": "o2-2017"}, Language.ENGLISH, [])
    assert [m.kind for m in told(subscriber_id=LINE)] == ["case_received"]
    with transaction.atomic():
        assert queries.disputes_of_line(open_cursor(), LINE) == {AboutContact(SOURCE, contact): case}
        assert queries.disputes_of_line(open_cursor(), OTHER) == {}


def test_a_contact_is_disputed_once_and_what_is_said_more_is_kept() -> None:
    contact = missed_by_one_call()
    first = disputed(contact)
    assert disputed(contact).number == disputed(contact, "").number == first.number
    assert disputed(contact, "Ich habe Zeugen.").number == first.number
    assert [text for _, _, text in texts(first)] == ["Das war wegen der Störung.", "Ich habe Zeugen."]
    assert len(told(subscriber_id=LINE)) == 1


def test_a_contact_may_be_disputed_again_when_the_dispute_is_closed() -> None:
    contact = missed_by_one_call()
    first = disputed(contact)
    close(number=first.number, now=NOW)
    second = disputed(contact, now=NOW + timedelta(hours=1))
    assert second.number != first.number
    with transaction.atomic():
        assert queries.disputes_of_line(open_cursor(), LINE) == {AboutContact(SOURCE, contact): second}


@pytest.mark.django_db(transaction=True)
def test_two_disputes_about_one_contact_at_the_same_instant_are_one() -> None:
    contact, started = missed_by_one_call(), threading.Barrier(2)
    numbers: list[str] = []

    def run() -> None:
        started.wait(timeout=10)
        numbers.append(disputed(contact).number)
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 2
    assert len(set(numbers)) == 1


def test_a_contact_of_somebody_else_cannot_be_disputed() -> None:
    contact = missed_by_one_call()
    register("tel-2")
    for line, id_ in ((OTHER, contact), (LINE, "no-such")):
        with pytest.raises(UnknownContactError):
            dispute(line=line, contact_source=SOURCE, contact_id=id_, text="", key=uuid4(), now=NOW)


def test_a_contact_reinstated_passes_the_stage_and_releases_the_tranche_at_once() -> None:
    contact = missed_by_one_call()
    assert stage_states(NOW)[0] == "missed"
    case = disputed(contact)
    done = reinstate(number=case.number, by="Frau Kern", reason="Es gab eine Störung.", now=NOW)
    assert done.released == 1
    assert (done.case.state, done.case.decision) == (CaseState.ANSWERED, Decision.REINSTATED)
    assert stage_states(NOW)[0] == "passed"
    assert reclassifications() == [
        (
            SOURCE,
            contact,
            False,
            "Frau Kern",
            "Es gab eine Störung.",
            f"{case.number}/reinstated",
            "/conversations",
        )
    ]
    assert texts(case)[-1] == (
        "staff",
        "Frau Kern",
        "Sie haben recht: Dieser Kontakt zählt nicht mehr gegen Sie.\n\nEs gab eine Störung.",
    )
    assert [m.kind for m in told(subscriber_id=LINE)] == ["case_received", "case_answered"]


def test_reinstating_again_changes_nothing() -> None:
    case = disputed(missed_by_one_call())
    first = reinstate(number=case.number, by="Frau Kern", reason="Es gab eine Störung.", now=NOW)
    again = reinstate(number=case.number, by="Herr Lau", reason="Anders.", now=NOW + timedelta(hours=1))
    assert (again.case, again.released) == (first.case, 0)
    assert len(texts(case)) == 2
    assert len(told(subscriber_id=LINE)) == 2


def test_what_is_upheld_is_answered_and_goes_on_counting() -> None:
    case, key = disputed(missed_by_one_call()), uuid4()
    for _ in range(2):
        decided = uphold(number=case.number, by="Frau Kern", text="Es gab keine Störung.", now=NOW, key=key)
    assert (decided.state, decided.decision) == (CaseState.ANSWERED, Decision.UPHELD)
    assert texts(case)[1:] == [("staff", "Frau Kern", "Es gab keine Störung.")]
    assert (stage_states(NOW)[0], reclassifications()) == ("missed", [])


def test_a_decision_may_be_corrected_for_the_customer_and_never_against() -> None:
    case = disputed(missed_by_one_call())
    uphold(number=case.number, by="Frau Kern", text="Es gab keine Störung.", now=NOW)
    assert reinstate(number=case.number, by="Herr Lau", reason="Doch.", now=NOW).released == 1
    with pytest.raises(AlreadyReinstatedError):
        uphold(number=case.number, by="Frau Kern", text="Nein.", now=NOW)
    assert read(case.number).decision is Decision.REINSTATED


def test_staff_can_decide_however_much_was_written() -> None:
    case = disputed(missed_by_one_call())
    for _ in range(MAX_MESSAGES - 1):
        add_message(line=LINE, number=case.number, text="Hallo?", key=uuid4(), now=NOW)
    uphold(number=case.number, by="Frau Kern", text="Es gab keine Störung.", now=NOW)
    assert reinstate(number=case.number, by="Herr Lau", reason="Doch.", now=NOW).released == 1
    assert [author for author, _, _ in texts(case)[-2:]] == ["staff", "staff"]


def test_an_answer_alone_decides_nothing() -> None:
    case = disputed(missed_by_one_call())
    answer(number=case.number, text="Wir prüfen das.", by="Frau Kern", now=NOW)
    assert read(case.number).decision is None
    assert reinstate(number=case.number, by="Frau Kern", reason="Stimmt.", now=NOW).released == 1


def test_a_disputed_and_answered_contact_opens_its_case_again() -> None:
    contact = missed_by_one_call()
    case = disputed(contact)
    uphold(number=case.number, by="Frau Kern", text="Es gab keine Störung.", now=NOW)
    assert disputed(contact, "Doch, seit dem Morgen.").state is CaseState.OPEN


def test_only_disputes_can_be_decided_and_only_while_they_are_not_closed() -> None:
    case = disputed(missed_by_one_call())
    other = write()
    close(number=case.number, now=NOW)
    with pytest.raises(CaseClosedError):
        reinstate(number=case.number, by="Frau Kern", reason="Stimmt.", now=NOW)
    with pytest.raises(CaseClosedError):
        uphold(number=case.number, by="Frau Kern", text="Nein.", now=NOW)
    for number, error in ((other.number, NotADisputeError), ("sofa", UnknownCaseError)):
        with pytest.raises(error):
            reinstate(number=number, by="Frau Kern", reason="Stimmt.", now=NOW)
        with pytest.raises(error):
            uphold(number=number, by="Frau Kern", text="Nein.", now=NOW)
    assert reclassifications() == []


@pytest.mark.parametrize(("by", "reason"), [("", "Stimmt."), ("Frau Kern", " "), ("Frau Kern", "x" * 2_001)])
def test_a_decision_has_a_name_and_a_reason(by: str, reason: str) -> None:
    case = disputed(missed_by_one_call())
    with pytest.raises(CaseRefusedError):
        reinstate(number=case.number, by=by, reason=reason, now=NOW)


def test_what_intake_does_not_take_leaves_the_case_as_it_was() -> None:
    case = disputed(missed_by_one_call())
    with transaction.atomic():
        open_cursor().execute("DELETE FROM intake_line WHERE subscriber_id = %s", [LINE])
    with pytest.raises(ReinstatementFailedError):
        reinstate(number=case.number, by="Frau Kern", reason="Stimmt.", now=NOW)
    assert read(case.number) == case
    assert len(texts(case)) == len(told(subscriber_id=LINE)) == 1

"""Of each contact one sentence says why it counts or not, and what that means for its stage."""

from __future__ import annotations

import re

from hypothesis import given

from selbsthelfer.programmes.core.wording_consequences import contact_outcome
from selbsthelfer.programmes.core.wording_contacts import contact_sentence
from selbsthelfer.programmes.core.wording_facts import ToldEnrolment
from selbsthelfer.programmes.core.wording_stages import next_step
from tests.effort import tries
from tests.programmes.deciding import participant
from tests.programmes.events import BERLIN, Line
from tests.programmes.histories import histories_of
from tests.programmes.plots import Plot, plots
from tests.programmes.test_success import tell, told


def sentences(enrolment: ToldEnrolment, language: str = "de") -> list[str]:
    return [
        getattr(
            contact_outcome(
                contact_sentence(contact.ground, contact.channel, BERLIN), contact, enrolment, BERLIN
            ),
            language,
        )
        for contact in enrolment.contacts
    ]


def called(topic: str, now: str, *, active_in: tuple[int, ...] = (1,)) -> list[str]:
    line: Line = participant(active_in=list(active_in))
    line.calls("2025-02-10T09:00", topic=topic)
    return sentences(told(line, now))


def test_a_call_that_counts_says_what_it_costs_and_what_comes_next() -> None:
    (told_now,) = called("bill.explain", "2025-02-20")
    assert "geht auch online, deshalb zählt dieser Anruf; Stufe 1 wird damit verfehlt" in told_now
    assert told_now.endswith("ab dem 1. April 2025 läuft Stufe 2.")
    (later,) = called("bill.explain", "2025-04-20")
    assert later.endswith("Stufe 1 wurde damit verfehlt, seit dem 1. April 2025 läuft Stufe 2.")


def test_a_call_that_does_not_count_says_that_the_stage_stays_on_course() -> None:
    (told_now,) = called("fault", "2025-02-20")
    assert told_now == (
        "Bei einer Störung dürfen Sie sich immer melden, das zählt nie; Stufe 1 bleibt auf gutem Weg und ist "
        "bestanden, wenn bis zum 31. März 2025 kein Anruf zählt."
    )
    (passed,) = called("fault", "2025-04-20")
    assert passed.endswith("; Stufe 1 ist bestanden.")
    (idle,) = called("fault", "2025-02-20", active_in=())
    assert idle.endswith("; Stufe 1 braucht bis zum 31. März 2025 nur noch, dass Sie etwas online erledigen.")


def test_where_a_stage_is_lost_the_next_step_says_what_can_still_be_had() -> None:
    line = participant(active_in=[1, 4, 5])
    line.calls("2025-05-25T09:00", topic="bill.explain")
    step = next_step(told(line, "2025-05-26"), BERLIN).de
    assert step == (
        "Stufe 2 ist nur noch zu schaffen, wenn ein Anruf neu bewertet wird. "
        "Ab dem 1. Juni 2025 liegen 100 MB für Sie bereit."
    )


@tries(60)
@given(plots())
def test_every_contact_has_one_whole_sentence(plot: Plot) -> None:
    by_name = {definition.name: definition for definition in plot.definitions}
    for (_, name), history in histories_of(plot.known, plot.now).items():
        enrolment = tell(history, by_name[name], plot.now)
        for sentence in (*sentences(enrolment, "de"), *sentences(enrolment, "en")):
            assert sentence.endswith(".")
            assert not re.search(r"  |\.\.|\.;|None", sentence)

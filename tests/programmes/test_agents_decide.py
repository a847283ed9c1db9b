"""What agents say of a contact: its topic, and whether it counts.

The contact ends on 10 February 2025 at nine in the morning in Berlin, in window 1, whose end is 1 April 2025
at midnight.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.programmes.deciding import Decide, participant
from tests.programmes.events import Event, Line, instant

pytestmark = pytest.mark.django_db

AT = instant("2025-02-10T09:00")
WINDOW_ENDS = instant("2025-04-01")
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)

Told = dict[str, Any]


Reclassifying = Callable[[Line, Event], object]


@pytest.mark.parametrize(
    ("told", "reclassify", "code"),
    [
        pytest.param(
            {},
            lambda line, contact: line.reclassified(AT + DAY, contact, counts=False),
            "reclassified",
            id="to does not count",
        ),
        pytest.param(
            {"channel": "shop", "topic": "fault"},
            lambda line, contact: line.reclassified(AT + DAY, contact, counts=True),
            None,
            id="to counts, whatever else",
        ),
        pytest.param(
            {},
            lambda line, contact: line.reclassified(AT + DAY, contact, counts=False, received="2025-09-09"),
            "reclassified",
            id="to does not count, learned of much later",
        ),
        pytest.param(
            {"topic": "fault"},
            lambda line, contact: line.reclassified(
                AT + DAY, contact, counts=True, received=WINDOW_ENDS + DAY
            ),
            "fault",
            id="to counts, when the window has settled: no effect",
        ),
        pytest.param(
            {"received": WINDOW_ENDS + DAY},
            lambda line, contact: line.reclassified(AT + DAY, contact, counts=True),
            "late",
            id="to counts, of a late contact: no effect",
        ),
        pytest.param(
            {"received": WINDOW_ENDS + DAY},
            lambda line, contact: line.reclassified(AT + DAY, contact, counts=False),
            "reclassified",
            id="before the contact is known",
        ),
        pytest.param(
            {},
            lambda line, contact: line.reclassified("2025-01-15T11:59:59", contact, counts=False),
            None,
            id="from before the enrolment: no effect",
        ),
        pytest.param(
            {},
            lambda line, contact: (
                line.reclassified(AT + 2 * DAY, contact, counts=True, received=AT + 2 * DAY),
                line.reclassified(AT + DAY, contact, counts=False, received=AT + 9 * DAY),
            ),
            None,
            id="twice: the newest by time holds, not the last to arrive",
        ),
        pytest.param(
            {},
            lambda line, contact: (
                line.reclassified(AT + DAY, contact, counts=False),
                line.reclassified(AT + 2 * DAY, contact, counts=True, received=WINDOW_ENDS + DAY),
            ),
            "reclassified",
            id="twice: where the newest has no effect the older stays in force",
        ),
    ],
)
def test_an_agent_may_reclassify_a_contact(
    told: Told, reclassify: Reclassifying, code: str | None, decide: Decide
) -> None:
    line = participant()
    contact = line.calls(AT, **told)
    reclassify(line, contact)
    assert decide.line(line).codes[contact.id] == code


def test_a_reclassified_contact_uses_up_no_goodwill(decide: Decide) -> None:
    line = participant()
    first, second, third = (line.calls(f"2025-03-{day:02}") for day in (1, 10, 20))
    line.reclassified("2025-03-21", first, counts=False)
    codes = decide.line(line, goodwill_contacts=1).codes
    assert codes == {first.id: "reclassified", second.id: "goodwill", third.id: None}


@pytest.mark.parametrize(
    ("codings", "code"),
    [
        pytest.param([(AT + DAY, AT + DAY, "fault")], "fault", id="coded"),
        pytest.param([(AT + DAY, WINDOW_ENDS + DAY - TICK, "fault")], "fault", id="coded just in time"),
        pytest.param([(AT + DAY, WINDOW_ENDS + DAY, "fault")], None, id="coded too late"),
        pytest.param(
            [(AT + 2 * DAY, AT + 2 * DAY, "loss"), (AT + DAY, AT + 9 * DAY, "fault")],
            "loss",
            id="coded twice: the newest by time holds",
        ),
        pytest.param(
            [(AT + DAY, AT + DAY, "loss"), (AT + 2 * DAY, WINDOW_ENDS + DAY, "fault")],
            "loss",
            id="coded again too late: the older holds",
        ),
        pytest.param([(AT + DAY, AT + DAY, "no.such")], "unclassified", id="coded with an unknown topic"),
    ],
)
def test_the_newest_coding_received_in_time_gives_the_topic(
    codings: list[tuple[datetime, datetime, str]], code: str | None, decide: Decide
) -> None:
    line = participant()
    contact = line.calls(AT)
    for at, received, topic in codings:
        line.coded(at, contact, topic, received=received)
    assert decide.line(line).codes[contact.id] == code


def test_what_agents_say_after_a_withdrawal_has_no_effect(decide: Decide) -> None:
    line = participant()
    coded, reclassified = line.calls(AT), line.calls(AT, "use.view")
    line.withdraws("2025-02-11", "o2-2017")
    line.coded("2025-02-11", coded, "fault")
    line.reclassified("2025-02-11", reclassified, counts=False)
    assert decide.line(line).codes == {coded.id: None, reclassified.id: None}

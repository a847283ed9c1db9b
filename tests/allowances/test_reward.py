"""The reward burns before what was paid for: a whole programme by facts alone."""

from __future__ import annotations

import pytest

from selbsthelfer.programmes.core.definition import load_preset
from selbsthelfer.programmes.operations import publish
from tests.allowances.world import MB, Line, on, take

pytestmark = pytest.mark.django_db


def test_released_volume_burns_before_the_included_volume_of_its_period() -> None:
    publish(load_preset("o2-2017"), now=on(1, 1))
    line = Line(included_bytes=500 * MB)
    take(
        line.fact("programme.enrolled", on(1, 1), {"programme": "o2-2017", "variant": "treatment"}),
        *(
            line.fact(
                "selfservice.finished",
                on(month, 5),
                {"activity": "bill.view", "outcome": "succeeded"},
            )
            for month in (1, 2, 3, 4)
        ),
        line.usage(on(4, 4), 30 * MB),
        line.usage(on(4, 6), 150 * MB),
        now=on(4, 10),
    )
    assert line.burned()[0] == ("included", 30 * MB)
    assert sorted(line.burned()[1:]) == [("bonus", 100 * MB), ("included", 50 * MB)]
    assert [(b.kind, b.left_bytes) for b in line.buckets(on(4, 10))] == [("bonus", 0), ("included", 420 * MB)]

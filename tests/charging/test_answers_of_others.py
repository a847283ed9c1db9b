"""A refusal for good that may be the answer to another request is no refusal."""

from __future__ import annotations

from contextlib import closing

import pytest

from selbsthelfer.charging.core.port import Credited, NotCredited, Unknown
from selbsthelfer.charging.simulator import make_simulator
from tests.charging.playing import SIGNED_IN, adapter, credit_of, soon


@pytest.mark.parametrize("profile", ["tmf654", "sigscale"])
def test_a_refusal_for_good_is_believed_only_as_the_first_answer_of_a_connection(profile: str) -> None:
    unknown = NotCredited("recipient_unknown", is_permanent=True)
    with (
        make_simulator(profile, authorization=SIGNED_IN[profile], accounts=["line-1"]) as played,
        closing(adapter(profile, played.url)) as system,
    ):
        stranger = credit_of(1, recipient="line-2")
        assert system.credit(stranger, deadline=soon()) == unknown
        assert isinstance(system.credit(credit_of(2), deadline=soon()), Credited)
        assert system.credit(stranger, deadline=soon()) == Unknown("of_another")
        assert system.credit(stranger, deadline=soon()) == unknown

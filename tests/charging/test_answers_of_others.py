"""A refusal that may be the answer to another request is no refusal, and no answer may drip for ever."""

from __future__ import annotations

from contextlib import closing, suppress
from threading import Event
from time import monotonic

import pytest

from selbsthelfer.charging.core.port import Credited, NotCredited, Unknown, UnreadableError
from selbsthelfer.charging.simulator import make_simulator
from selbsthelfer.charging.simulator.wire import Connection, Reply, Request, Server, as_json
from tests.charging.playing import SIGNED_IN, adapter, answering, credit_of, soon


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


STALE = [
    (Reply(401), "unauthorised"),
    (Reply(404, b"not found"), "address_wrong"),
    (Reply(429), "busy"),
    (Reply(503, b"", {"retry-after": "1"}), "busy"),
]


@pytest.mark.parametrize(("stale", "code"), STALE)
@pytest.mark.parametrize("profile", ["tmf654", "sigscale"])
def test_a_refusal_for_now_is_believed_only_as_the_first_answer_too(
    profile: str, stale: Reply, code: str
) -> None:
    credited = {
        "tmf654": {"id": "t", "description": "", "bucket": {"id": "b"}, "status": "completed"},
        "sigscale": {"id": "b", "name": "", "remainedAmount": {"amount": "1b", "units": "octets"}},
    }[profile]
    first = {key: str(credit_of(1).credit_id) if value == "" else value for key, value in credited.items()}
    with (
        answering(Reply(201, as_json(first)).encoded(), stale.encoded()) as (url, asked),
        closing(adapter(profile, url)) as system,
    ):
        assert system.credit(credit_of(1), deadline=soon()) == Credited("b")
        assert system.credit(credit_of(2), deadline=soon()) == Unknown("of_another")
        assert system.credit(credit_of(2), deadline=soon()) == NotCredited(code, is_permanent=False)
        assert len(asked) == 3


@pytest.mark.parametrize("profile", ["tmf654", "sigscale", "cgrates"])
def test_headers_that_drip_hold_nobody_longer_than_said(profile: str) -> None:
    stop = Event()

    def serve(connection: Connection, request: Request) -> None:
        with suppress(OSError):
            connection.write(b"HTTP/1.1 201 Created\r\nx-drip: ")
            while not stop.wait(0.05):
                connection.write(b"x")

    server = Server(serve, 0)
    server.start()
    with (
        closing(server),
        closing(adapter(profile, f"http://127.0.0.1:{server.port}", timeout_seconds=0.3)) as system,
    ):
        began = monotonic()
        outcome = system.credit(credit_of(1), deadline=soon())
        with pytest.raises(UnreadableError, match="timed_out"):
            system.read_back("line-1")
        took = monotonic() - began
        stop.set()
    assert took < 2.5
    expected = NotCredited("timed_out", is_permanent=False) if profile == "cgrates" else Unknown("timed_out")
    assert outcome == expected, "with CGRateS it is the look before that drips"

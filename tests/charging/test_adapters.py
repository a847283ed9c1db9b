"""The adapters against played systems and against servers that lie: what each answer means."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from selbsthelfer.charging.adapters.calling import MAX_ANSWER_BYTES, SystemAddressError
from selbsthelfer.charging.adapters.cgrates import CgratesSystem
from selbsthelfer.charging.adapters.sigscale import SigscaleSystem
from selbsthelfer.charging.adapters.tmf654 import Tmf654System
from selbsthelfer.charging.core.port import (
    ChargingSystem,
    Credited,
    NotCredited,
    Outcome,
    Unknown,
    UnreadableError,
)
from selbsthelfer.charging.simulator import PROFILES, Simulator, make_simulator
from selbsthelfer.charging.simulator.sigscale import Sigscale
from selbsthelfer.charging.simulator.wire import Connection, Reply, Request, Server, as_json
from tests.charging.playing import (
    MB,
    NOW,
    PASSWORD,
    SIGNED_IN,
    TOKEN,
    adapter,
    answering,
    credit_of,
    soon,
)

ACCOUNTS = ["line-1", "line-2"]


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def played(profile: str) -> Iterator[Simulator]:
    with make_simulator(profile, accounts=ACCOUNTS, authorization=SIGNED_IN[profile]) as simulator:
        yield simulator


@pytest.fixture
def system(profile: str, played: Simulator) -> Iterator[ChargingSystem]:
    made = adapter(profile, played.url)
    yield made
    made.close()


def test_a_credit_arrives_once_whole_and_is_found_again(system: ChargingSystem, played: Simulator) -> None:
    credit = credit_of(1)
    outcome = system.credit(credit, deadline=soon())
    assert isinstance(outcome, Credited)
    [there] = played.credits()
    assert (there.key, there.bytes, there.valid_until) == (
        str(credit.credit_id),
        credit.bytes,
        credit.valid_until,
    )
    assert system.name == "cgrates" or there.valid_from == credit.valid_from
    [found] = system.read_back("line-1")
    assert found.credit_id == credit.credit_id
    assert found.place == outcome.place
    assert found.remaining_bytes == credit.bytes
    assert found.bytes in {None, credit.bytes}
    assert found.valid_until == credit.valid_until
    assert system.read_back("line-2") == ()


def test_each_credit_has_a_bucket_of_its_own(system: ChargingSystem, played: Simulator) -> None:
    for number in range(3):
        system.credit(credit_of(number, volume=(number + 1) * MB), deadline=soon())
    assert sorted(bucket.remaining_bytes for bucket in played.buckets("line-1")) == [MB, 2 * MB, 3 * MB]
    assert {found.remaining_bytes for found in system.read_back("line-1")} == {MB, 2 * MB, 3 * MB}


def test_no_ghost_is_credited(system: ChargingSystem, played: Simulator) -> None:
    outcome = system.credit(credit_of(1, recipient="nobody"), deadline=soon())
    assert outcome == NotCredited("recipient_unknown", is_permanent=True)
    assert played.credits() == []
    assert played.ghosts() == []
    assert system.read_back("nobody") == ()


def test_a_wrong_password_is_the_operators_fault(profile: str, played: Simulator) -> None:
    system = adapter(profile, played.url, password="wrong")  # noqa: S106
    assert system.credit(credit_of(1), deadline=soon()) == NotCredited("unauthorised", is_permanent=False)
    with pytest.raises(UnreadableError) as caught:
        system.read_back("line-1")
    assert caught.value.code == "status_401"
    assert played.credits() == []
    system.close()


def test_nothing_is_sent_after_the_deadline(profile: str) -> None:
    with answering(Reply(201).encoded()) as (url, asked):
        system = adapter(profile, url)
        outcome = system.credit(credit_of(1), deadline=time.monotonic() - 0.001)
        assert outcome == NotCredited("deadline_passed", is_permanent=False)
        assert asked == []
        system.close()


def test_where_nobody_listens_nothing_was_credited(profile: str) -> None:
    with answering(b"") as (url, _):
        pass
    system = adapter(profile, url)
    assert system.credit(credit_of(1), deadline=soon()) == NotCredited("not_reached", is_permanent=False)
    with pytest.raises(UnreadableError, match="not_reached"):
        system.read_back("line-1")
    system.close()


REFUSALS = [
    (400, {}, NotCredited("refused_400", is_permanent=True)),
    (401, {}, NotCredited("unauthorised", is_permanent=False)),
    (403, {}, NotCredited("unauthorised", is_permanent=False)),
    (404, {}, NotCredited("address_wrong", is_permanent=False)),
    (405, {}, NotCredited("address_wrong", is_permanent=False)),
    (408, {}, Unknown("status_408")),
    (409, {}, Unknown("status_409")),
    (413, {}, NotCredited("refused_413", is_permanent=True)),
    (422, {}, NotCredited("refused_422", is_permanent=True)),
    (425, {}, NotCredited("busy", is_permanent=False)),
    (429, {}, NotCredited("busy", is_permanent=False)),
    (303, {"location": "/"}, Unknown("status_303")),
    (302, {"location": "/"}, Unknown("status_302")),
    (307, {"location": "/"}, NotCredited("address_wrong", is_permanent=False)),
    (500, {}, Unknown("status_500")),
    (502, {}, Unknown("status_502")),
    (503, {}, Unknown("status_503")),
    (503, {"retry-after": "1"}, NotCredited("busy", is_permanent=False)),
    (504, {}, Unknown("status_504")),
]


@pytest.mark.parametrize(("status", "headers", "outcome"), REFUSALS)
@pytest.mark.parametrize("name", ["tmf654", "sigscale"])
def test_what_a_status_says(name: str, status: int, headers: dict[str, str], outcome: Outcome) -> None:
    with answering(Reply(status, b"", headers).encoded()) as (url, asked):
        system = adapter(name, url)
        assert system.credit(credit_of(1), deadline=soon()) == outcome
        assert len(asked) == 1, "no redirect is followed and nothing is sent again"
        with pytest.raises(UnreadableError, match=f"status_{status}"):
            system.read_back("line-1")
        system.close()


@pytest.mark.parametrize(("status", "headers", "outcome"), REFUSALS)
def test_what_a_status_says_of_json_rpc(status: int, headers: dict[str, str], outcome: Outcome) -> None:
    """The status may come to the question before: then nothing was sent that could credit."""
    with answering(Reply(status, b"", headers).encoded()) as (url, asked):
        system = adapter("cgrates", url)
        found = system.credit(credit_of(1), deadline=soon())
        not_looked = NotCredited("check_failed", is_permanent=False)
        assert found == (not_looked if isinstance(outcome, Unknown) else outcome)
        assert len(asked) == 1
        system.close()


@pytest.mark.parametrize(("status", "headers", "outcome"), REFUSALS)
def test_what_a_status_says_of_the_credit_itself(
    status: int, headers: dict[str, str], outcome: Outcome
) -> None:
    """The account is there, and only the credit is answered so."""
    found = {"ID": "cgrates.org:line-1", "BalanceMap": None}

    def serve(connection: Connection, request: Request) -> None:
        if request.json["method"] == "APIerSv2.GetAccount":
            reply = Reply(200, as_json({"id": request.json["id"], "result": found, "error": None}))
        else:
            reply = Reply(status, b"", headers)
        connection.write(reply.encoded())

    server = Server(serve, 0)
    server.start()
    system = adapter("cgrates", f"http://127.0.0.1:{server.port}")
    expected = Unknown("of_another") if isinstance(outcome, NotCredited) else outcome
    assert system.credit(credit_of(1), deadline=soon()) == expected, "it was not the first answer there"
    system.close()
    server.close()


BUCKET = {
    "id": "b1",
    "name": str(credit_of(1).credit_id),
    "remainedAmount": {"amount": "1b", "units": "octets"},
}
TOPUP = {
    "id": "t1",
    "description": str(credit_of(1).credit_id),
    "bucket": {"id": "b1"},
    "status": "completed",
}
LIES: list[tuple[str, Reply, Outcome]] = [
    ("sigscale", Reply(201, as_json(BUCKET)), Credited("b1")),  # no Location
    ("sigscale", Reply(201, as_json({**BUCKET, "name": "another"})), Unknown("of_another")),
    ("sigscale", Reply(201, b"", {"location": "/balanceManagement/v1/bucket/b1"}), Unknown("not_readable")),
    ("sigscale", Reply(201, b"[]"), Unknown("not_readable")),
    ("sigscale", Reply(200, as_json(BUCKET)), Unknown("status_200")),
    ("sigscale", Reply(204), Unknown("status_204")),
    ("sigscale", Reply(201, b"[" * 100_000), Unknown("not_readable")),
    (
        "sigscale",
        Reply(404, b'{"title": "Not Found", "detail": "No resource"}'),
        NotCredited("address_wrong", False),
    ),
    ("sigscale", Reply(201, b"x" * (MAX_ANSWER_BYTES + 1)), Unknown("answer_too_large")),
    ("tmf654", Reply(201, as_json(TOPUP)), Credited("b1")),
    ("tmf654", Reply(201, as_json({**TOPUP, "status": "failed"})), NotCredited("topup_failed", True)),
    ("tmf654", Reply(201, as_json({**TOPUP, "status": "odd"})), Unknown("status_odd")),
    ("tmf654", Reply(201, as_json({**TOPUP, "description": "another"})), Unknown("of_another")),
    ("tmf654", Reply(201, b"\xff\xfe"), Unknown("not_readable")),
    ("tmf654", Reply(404, b'{"code": "x", "reason": "y"}'), NotCredited("recipient_unknown", True)),
    ("tmf654", Reply(201, b"x" * (MAX_ANSWER_BYTES + 1)), Unknown("answer_too_large")),
    ("cgrates", Reply(200, b'{"id": 1, "result": "OK", "error": null}'), NotCredited("of_another", False)),
    ("cgrates", Reply(200, b'{"id": "1"}'), NotCredited("not_readable", False)),
    ("cgrates", Reply(200, b"x" * (MAX_ANSWER_BYTES + 1)), NotCredited("answer_too_large", False)),
]


@pytest.mark.parametrize(("name", "reply", "outcome"), LIES)
def test_an_answer_that_lies_is_not_believed(name: str, reply: Reply, outcome: Outcome) -> None:
    with answering(reply.encoded()) as (url, _):
        system = adapter(name, url)
        assert system.credit(credit_of(1), deadline=soon()) == outcome
        with pytest.raises(UnreadableError):
            system.read_back("line-1")
        system.close()


def test_a_top_up_under_way_is_looked_at_until_it_is_done() -> None:
    under_way = Reply(201, as_json({**TOPUP, "status": "created"})).encoded()
    done = Reply(200, as_json(TOPUP)).encoded()
    with answering(under_way, done) as (url, asked):
        system = Tmf654System(url, sleep=lambda _: None)
        assert system.credit(credit_of(1), deadline=soon()) == Credited("b1")
        assert [request.method for request in asked] == ["POST", "GET"]
        system.close()
    with answering(under_way, Reply(200, as_json({**TOPUP, "status": "created"})).encoded()) as (url, _):
        system = Tmf654System(url, sleep=lambda _: None)
        assert system.credit(credit_of(1), deadline=soon()) == Unknown("under_way")
        assert system.credit(credit_of(1), deadline=soon(0.1)) == Unknown("under_way")
        system.close()


def test_a_list_that_passes_over_the_filter_or_ends_early_is_unreadable() -> None:
    other = [{"id": "t1", "status": "completed", "partyAccount": {"id": "line-2"}}]
    ours = [{"id": "t1", "status": "completed", "partyAccount": {"id": "line-1"}}]
    for replies, code in [
        ([Reply(200, as_json(other))], "of_another"),
        ([Reply(200, as_json(ours))], "list_changed"),  # offset is passed over: the same page for ever
        (
            [Reply(200, as_json(ours), {"x-total-count": "3"}), Reply(200, b"[]", {"x-total-count": "3"})],
            "list_changed",
        ),
        ([Reply(200, as_json(ours), {"x-total-count": "0"})], "list_changed"),
    ]:
        with answering(*(reply.encoded() for reply in replies)) as (url, _):
            system = Tmf654System(url)
            with pytest.raises(UnreadableError, match=code):
                system.read_back("line-1")
            system.close()


@pytest.mark.parametrize("recipient", ["", ".", "..", "a/b", "a\\b", "a\nb"])
def test_a_recipient_that_would_lead_elsewhere_is_never_sent(recipient: str) -> None:
    with answering(Reply(204).encoded()) as (url, asked):
        system = adapter("sigscale", url)
        outcome = system.credit(credit_of(1, recipient=recipient), deadline=soon())
        assert outcome == NotCredited("recipient_unusable", is_permanent=True)
        with pytest.raises(UnreadableError):
            system.read_back(recipient)
        assert asked == []
        system.close()


@pytest.mark.parametrize("recipient", ["+49 151 1234567", "a?b=c#d", "ünïcode", "50%25"])
def test_any_other_recipient_arrives_as_it_is(profile: str, recipient: str) -> None:
    with make_simulator(profile, accounts=[recipient], authorization=SIGNED_IN[profile]) as simulator:
        system = adapter(profile, simulator.url)
        assert isinstance(system.credit(credit_of(1, recipient=recipient), deadline=soon()), Credited)
        [found] = system.read_back(recipient)
        assert found.credit_id == credit_of(1).credit_id
        system.close()


def test_more_bytes_than_can_be_told_apart_are_refused(system: ChargingSystem, played: Simulator) -> None:
    outcome = system.credit(credit_of(1, volume=10**18), deadline=soon())
    assert outcome == NotCredited("amount_unusable", is_permanent=True)
    assert isinstance(system.credit(credit_of(2, volume=2**53), deadline=soon()), Credited)
    assert [credit.bytes for credit in played.credits()] == [2**53]
    assert [found.remaining_bytes for found in system.read_back("line-1")] == [2**53]


def test_a_double_is_taken_out_again(profile: str, system: ChargingSystem, played: Simulator) -> None:
    system.credit(credit_of(1), deadline=soon())
    if profile != "cgrates":  # which is asked before, and so cannot be credited twice in a row
        system.credit(credit_of(1), deadline=soon())
    found = system.read_back("line-1")
    assert len(found) == (1 if profile == "cgrates" else 2)
    assert system.capabilities.reverse == (profile != "tmf654"), "there both are in one bucket"
    expected = Credited if system.capabilities.reverse else NotCredited
    assert isinstance(system.reverse("line-1", found[-1]), expected)
    left = sum(bucket.remaining_bytes for bucket in played.buckets("line-1"))
    assert left == {"tmf654": 200 * MB, "sigscale": 100 * MB, "cgrates": 0}[profile]
    assert isinstance(system.reverse("line-1", found[-1]), expected | Unknown), "it is gone already"


def test_what_is_used_up_is_told_as_the_capabilities_say(system: ChargingSystem, played: Simulator) -> None:
    system.credit(credit_of(1), deadline=soon())
    assert played.burn("line-1", 40 * MB) == 40 * MB
    assert [found.remaining_bytes for found in system.read_back("line-1")] == [60 * MB]
    assert played.burn("line-1", 100 * MB) == 60 * MB
    found = system.read_back("line-1")
    assert [each.credit_id for each in found] == (
        [credit_of(1).credit_id] if system.capabilities.keeps_used_up else []
    )
    assert all(each.remaining_bytes == 0 for each in found)


def test_long_lists_are_read_to_their_end() -> None:
    with make_simulator("sigscale", authorization=SIGNED_IN["sigscale"]) as simulator:
        assert isinstance(simulator.profile, Sigscale)
        simulator.profile.page_size = 3
        system = adapter("sigscale", simulator.url)
        for number in range(7):
            system.credit(credit_of(number), deadline=soon())
        assert {found.credit_id for found in system.read_back("line-1")} == {
            credit_of(number).credit_id for number in range(7)
        }
        simulator.profile.page_size = 7
        assert len(system.read_back("line-1")) == 7
        system.close()
    with make_simulator("tmf654", authorization=SIGNED_IN["tmf654"]) as simulator:
        system = adapter("tmf654", simulator.url)
        for number in range(201):
            system.credit(credit_of(number), deadline=soon())
        assert len(system.read_back("line-1")) == 201
        system.close()


def test_a_balance_without_start_waits_for_its_start() -> None:
    with make_simulator("cgrates") as simulator:
        clock = [NOW]
        system = CgratesSystem(simulator.url, tenant="cgrates.org", clock=lambda: clock[0])
        credit = replace(credit_of(1), valid_from=NOW + timedelta(days=2))
        assert system.credit(credit, deadline=soon()) == NotCredited("too_early", is_permanent=False)
        clock[0] += timedelta(days=2)
        assert isinstance(system.credit(credit, deadline=soon()), Credited)
        system.close()


def test_sessions_are_altered_without_a_sound(profile: str, system: ChargingSystem) -> None:
    system.reauthorise("line-1")
    system.reauthorise("a|b")


def test_nothing_secret_or_personal_is_shown(profile: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), make_simulator(profile, authorization="x") as simulator:
        system = adapter(profile, simulator.url, timeout_seconds=0.2)
        system.credit(credit_of(1, recipient="4915112345678"), deadline=soon())
        simulator.close()
        system.credit(credit_of(1, recipient="4915112345678"), deadline=soon())
        shown = caplog.text + repr(system) + str(vars(system))
        system.close()
    assert "charging system failed" in caplog.text
    for secret in (PASSWORD, TOKEN, SIGNED_IN[profile], "4915112345678", str(credit_of(1).credit_id)):
        assert secret not in shown


@pytest.mark.parametrize(
    "url", ["", "ftp://host", "http://host.example", "https://user:secret@host", "https://host?a=b", "//host"]
)
def test_an_address_that_would_give_away_secrets_is_refused(profile: str, url: str) -> None:
    with pytest.raises(SystemAddressError) as caught:
        adapter(profile, url)
    assert "secret" not in str(caught.value)


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(SystemAddressError):
        SigscaleSystem("https://host", user="a:b", password="c")  # noqa: S106
    with pytest.raises(SystemAddressError):
        SigscaleSystem("https://host", user="a", password="c", settle_seconds=-1)  # noqa: S106
    with pytest.raises(SystemAddressError):
        Tmf654System("https://host", token="a\nb")  # noqa: S106
    with pytest.raises(SystemAddressError):
        Tmf654System("https://host", timeout_seconds=0)

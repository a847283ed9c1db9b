"""The adapter asks a real server for all there is to read, and has all done that can be ordered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any, get_args

import httpx
import pytest

from selbsthelfer.kit.wording import Words
from selbsthelfer.selfservice.back_end import (
    BackEnd,
    BackEndUnavailableError,
    OrderRefusedError,
    OutcomeUnknownError,
)
from selbsthelfer.selfservice.core.orders import (
    ActivateSim,
    BarNumber,
    BlockSim,
    BlockThirdParties,
    ChangeAddress,
    ChangeBankAccount,
    ChangeOption,
    ChangeTariff,
    GoPaperless,
    Order,
    OrderReplacementSim,
    SetForwarding,
    SetVoicemail,
    SwitchAutomaticTopUp,
    SwitchRoaming,
    UnblockSim,
)
from selbsthelfer.selfservice.core.records import (
    Address,
    ConnectionRecord,
    Contract,
    Customer,
    ForwardWhen,
    LineSettings,
    Sim,
    SimState,
    Voicemail,
)
from selbsthelfer.selfservice.tmf import orders
from selbsthelfer.selfservice.tmf.adapter import TmfBackEnd
from selbsthelfer.selfservice.tmf.calling import BackEndAddressError, Patience
from selbsthelfer.selfservice.tmf.shapes import PRODUCTS, ErrorShape
from selbsthelfer.subscribers.core.lines import LineRef
from tests.selfservice.tmf_world import (
    LARGE,
    LINE,
    NOW,
    OTHER,
    QUICK,
    TOKEN,
    WAITING_SIM,
    World,
    a_world,
)

NEW_HOME = Address("Am Markt", "3", "20095", "Hamburg")


@pytest.fixture
def world() -> Iterator[World]:
    with a_world() as made:
        yield made


def test_the_adapter_and_the_memory_are_back_ends(world: World) -> None:
    both: tuple[BackEnd, ...] = (world.adapter, world.back_end)
    assert [each.name for each in both] == ["tmf", "memory"]


READS: dict[str, Callable[[BackEnd, LineRef], Any]] = {
    "customer": lambda asked, line: asked.customer(line, now=NOW),
    "contract": lambda asked, line: asked.contract(line, now=NOW),
    "tariffs": lambda asked, line: list(asked.tariffs(line, now=NOW)),
    "options": lambda asked, line: list(asked.options(line, now=NOW)),
    "bills": lambda asked, line: list(asked.bills(line, now=NOW)),
    "cost_so_far": lambda asked, line: asked.cost_so_far(line, now=NOW),
    "records": lambda asked, line: list(asked.records(line, asked.bills(line, now=NOW)[-1], now=NOW)),
    "sims": lambda asked, line: list(asked.sims(line, now=NOW)),
    "sim_secrets": lambda asked, line: list(asked.sim_secrets(line, now=NOW)),
    "settings": lambda asked, line: asked.settings(line, now=NOW),
    "roaming_prices": lambda asked, _: list(asked.roaming_prices()),
    "faults_at": lambda asked, _: list(asked.faults_at("10623", now=NOW)),
    "pending": lambda asked, line: dict(asked.pending(line, now=NOW)),
    "is_customer_code": lambda asked, line: [
        asked.is_customer_code(line, code) for code in ("geheim-77", "geheim-78", "", "ü' OR 1=1")
    ],
}


@pytest.mark.parametrize("line", [LINE, OTHER], ids=["line", "other"])
@pytest.mark.parametrize("name", READS)
def test_every_reading_is_what_the_back_end_knows(world: World, name: str, line: LineRef) -> None:
    known = READS[name](world.back_end, line)
    assert READS[name](world.adapter, line) == known
    assert known


def test_every_method_of_the_port_is_tried() -> None:
    methods = {name for name, value in vars(BackEnd).items() if callable(value) and name[0] != "_"}
    assert methods == {*READS, "carry_out"}


def test_a_long_record_comes_in_pages(world: World) -> None:
    bill = world.adapter.bills(LINE, now=NOW)[-1]
    records = world.adapter.records(LINE, bill, now=NOW)
    assert len(records) == 250
    assert list(records) == sorted(records, key=lambda record: record.started_at)


def test_a_record_is_cut_at_its_limit(world: World) -> None:
    first: ConnectionRecord = world.line.records["R-1-1"][0]
    world.line.records["R-1-1"] = [replace(first, seconds=second) for second in range(700)]
    assert len(world.adapter.records(LINE, world.back_end.bills(LINE, now=NOW)[-1], now=NOW)) == 500


def customer(world: World) -> Customer:
    return world.adapter.customer(LINE, now=NOW)


def contract(world: World) -> Contract:
    return world.adapter.contract(LINE, now=NOW)


def settings(world: World) -> LineSettings:
    return world.adapter.settings(LINE, now=NOW)


def states(world: World) -> list[SimState]:
    return [sim.state for sim in world.adapter.sims(LINE, now=NOW)]


DOING: list[tuple[Order, Callable[[World], Any], Any]] = [
    (ChangeAddress(NEW_HOME), lambda w: customer(w).address, NEW_HOME),
    (GoPaperless(), lambda w: customer(w).is_paperless, True),
    (
        ChangeBankAccount("DE89370400440532013000", "Karl Muster"),
        lambda w: (customer(w).iban, customer(w).account_holder),
        ("DE89…3000", "Karl Muster"),
    ),
    (BlockThirdParties(True), lambda w: settings(w).is_third_party_blocked, True),
    (SwitchAutomaticTopUp(False), lambda w: settings(w).is_automatic_top_up_on, False),
    (
        ChangeTariff("large"),
        lambda w: (contract(w).next_tariff, contract(w).next_tariff_from),
        (LARGE, date(2026, 4, 1)),
    ),
    (
        ChangeOption("world", True),
        lambda w: [option.id for option in contract(w).options],
        ["music", "world"],
    ),
    (ChangeOption("music", False), lambda w: contract(w).options, ()),
    (ActivateSim(WAITING_SIM, "4711"), states, [SimState.REPLACED, SimState.ACTIVE]),
    (BlockSim(), states, [SimState.BLOCKED, SimState.ORDERED]),
    (OrderReplacementSim(True), lambda w: len(w.adapter.sims(LINE, now=NOW)), 3),
    (
        SetForwarding(ForwardWhen.UNREACHABLE, "+4940123"),
        lambda w: settings(w).forwarding,
        {ForwardWhen.BUSY: "+49301234", ForwardWhen.UNREACHABLE: "+4940123"},
    ),
    (SetForwarding(ForwardWhen.BUSY, None), lambda w: settings(w).forwarding, {}),
    (SetVoicemail(False, 30, True), lambda w: settings(w).voicemail, Voicemail(False, 30, True)),
    (
        BarNumber("+49111", True),
        lambda w: settings(w).barred_numbers,
        ("+4930999", "+49111"),
    ),
    (BarNumber("+4930999", False), lambda w: settings(w).barred_numbers, ()),
    (SwitchRoaming(True), lambda w: settings(w).is_roaming_on, True),
]


@pytest.mark.parametrize(("order", "look", "wanted"), DOING, ids=lambda value: type(value).__name__)
def test_every_order_is_done_and_shown(
    world: World, order: Order, look: Callable[[World], Any], wanted: Any
) -> None:
    other = READS["settings"](world.adapter, OTHER), READS["contract"](world.adapter, OTHER)
    assert look(world) != wanted
    confirmed = world.adapter.carry_out(LINE, order, key="k1", now=NOW)
    assert look(world) == wanted
    assert confirmed.reference
    assert confirmed.effective_on == (date(2026, 4, 1) if isinstance(order, ChangeTariff) else None)
    assert world.back_end.done == [(LINE.subject, "k1", order)]
    assert other == (READS["settings"](world.adapter, OTHER), READS["contract"](world.adapter, OTHER))


def test_a_blocked_sim_is_unblocked(world: World) -> None:
    world.adapter.carry_out(LINE, BlockSim(), key="k1", now=NOW)
    assert states(world)[0] is SimState.BLOCKED
    world.adapter.carry_out(LINE, UnblockSim(), key="k2", now=NOW)
    assert states(world)[0] is SimState.ACTIVE


def test_every_order_there_is_was_tried() -> None:
    assert {type(order) for order, _, _ in DOING} | {UnblockSim} == set(get_args(Order))


def test_asked_again_with_its_key_an_order_is_answered_alike_and_not_done_again(world: World) -> None:
    order = ChangeTariff("large")
    answers = {world.adapter.carry_out(LINE, order, key="k1", now=NOW) for _ in range(3)}
    assert len(answers) == 1
    assert len(world.back_end.done) == 1


def test_what_was_ordered_is_told_until_it_is_there(world: World) -> None:
    assert set(world.adapter.pending(LINE, now=NOW)) == {"sim.replace"}
    world.adapter.carry_out(LINE, ChangeTariff("large"), key="k1", now=NOW)
    assert world.adapter.pending(LINE, now=NOW)["con.change"] == Words(
        "Gilt ab 1. April 2026", "Valid from 1 April 2026"
    )


@pytest.mark.parametrize("by_state", [False, True], ids=["by status", "by state"])
def test_a_refusal_is_told_in_both_languages_with_its_field(by_state: bool) -> None:
    with a_world(refuses_by_state=by_state) as world:
        for _ in range(2):
            with pytest.raises(OrderRefusedError) as refused:
                world.adapter.carry_out(LINE, ActivateSim(WAITING_SIM, "1"), key="k1", now=NOW)
            assert refused.value.reason == Words(
                "Der Code passt nicht zu dieser SIM.", "The code does not belong to this SIM."
            )
            assert refused.value.field == "code"
        assert world.back_end.done == []
        assert states(world)[1] is SimState.ORDERED


def test_a_refusal_is_told_by_its_code_or_in_general() -> None:
    known = orders.refusal(ErrorShape(code="invalidIban", reason="IBAN_CHECK_17"))
    assert (known.field, known.reason) == ("iban", orders.REFUSALS["invalidIban"][0])
    for error in (None, ErrorShape(code="E-4711", reason="ORA-00001")):
        unknown = orders.refusal(error)
        assert (unknown.field, unknown.reason) == (None, orders.REFUSED_FOR_NO_REASON)


def test_an_order_under_way_is_waited_for(world: World) -> None:
    with a_world(looks_until_done=3) as slow:
        assert slow.adapter.carry_out(LINE, BlockSim(), key="k1", now=NOW).effective_on is None
        assert slow.sleeps == [0.0] * 3


def test_an_order_that_does_not_end_in_time_is_unknown_until_it_does() -> None:
    with a_world(looks_until_done=6) as world:
        with pytest.raises(OutcomeUnknownError):
            world.adapter.carry_out(LINE, BlockSim(), key="k1", now=NOW)
        assert len(world.sleeps) == len(QUICK.poll_seconds)
        assert world.adapter.carry_out(LINE, BlockSim(), key="k1", now=NOW)
        assert len(world.back_end.done) == 1


def test_no_order_is_waited_for_longer_than_six_seconds() -> None:
    assert sum(Patience().poll_seconds) <= 6
    assert (Patience().connect_seconds, Patience().read_seconds) == (3.0, 8.0)


def test_a_wrong_token_opens_nothing(world: World) -> None:
    stranger = TmfBackEnd(world.url, "another-token", patience=QUICK)
    with pytest.raises(BackEndUnavailableError, match="status_401"):
        stranger.customer(LINE, now=NOW)
    with pytest.raises(BackEndUnavailableError, match="status_401"):
        stranger.carry_out(LINE, BlockSim(), key="k1", now=NOW)
    assert httpx.get(f"{world.url}{PRODUCTS}/{OTHER.subject}").status_code == 401
    assert world.back_end.done == []
    stranger.close()


def test_a_line_that_the_back_end_does_not_know_is_unavailable(world: World) -> None:
    for name in ("customer", "bills", "sims", "settings", "pending"):
        with pytest.raises(BackEndUnavailableError):
            READS[name](world.adapter, LineRef.of("nobody"))


@pytest.mark.parametrize("subject", ["", ".", "..", "../product/line-2", "line-2?x=", "line-2#", "a\r\nb"])
def test_no_id_of_a_line_leads_to_another(world: World, subject: str) -> None:
    for name in READS.keys() - {"roaming_prices", "faults_at", "is_customer_code"}:
        with pytest.raises(BackEndUnavailableError):
            READS[name](world.adapter, LineRef.of(subject))


@pytest.mark.parametrize(
    "url",
    [
        "http://back-end.example",
        "ftp://localhost",
        "",
        "back-end.example",
        "https://u:p@x.example",
        "https:///x",
    ],
)
def test_only_an_encrypted_address_or_this_machine_is_taken(url: str) -> None:
    with pytest.raises(BackEndAddressError):
        TmfBackEnd(url, TOKEN)


@pytest.mark.parametrize("token", ["", "two words", "ümlaut", "line\nbreak"])
def test_a_token_that_cannot_be_sent_is_refused(token: str) -> None:
    with pytest.raises(BackEndAddressError):
        TmfBackEnd("https://back-end.example", token)


def test_the_environment_names_the_server(world: World) -> None:
    environment = {"SELBSTHELFER_BACK_END_URL": world.url, "SELBSTHELFER_BACK_END_TOKEN": TOKEN}
    adapter = TmfBackEnd.from_environment(environment)
    assert adapter.contract(LINE, now=NOW) == contract(world)
    adapter.close()
    with pytest.raises(BackEndAddressError):
        TmfBackEnd.from_environment({})


def test_an_address_may_have_a_path_of_its_own() -> None:
    """Operators put their interfaces behind a gateway that has a path in front."""
    with a_world() as world:
        answered = TmfBackEnd(f"{world.url}/", TOKEN, patience=QUICK)
        assert answered.contract(LINE, now=NOW).number == "V-1"
        answered.close()
        with pytest.raises(BackEndUnavailableError, match="status_404"):
            TmfBackEnd(f"{world.url}/gateway", TOKEN, patience=QUICK).contract(LINE, now=NOW)


def test_nothing_of_a_customer_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    world.adapter.carry_out(LINE, ChangeAddress(NEW_HOME), key="k1", now=NOW)
    world.adapter.is_customer_code(LINE, "geheim-77")
    with pytest.raises(BackEndUnavailableError):
        world.adapter.customer(LineRef.of("nobody-4711"), now=NOW)
    assert "back end failed at" in caplog.text
    for secret in ("nobody-4711", LINE.subject, "geheim", "Hamburg", TOKEN, "line%2F1"):
        assert secret not in caplog.text


def test_a_sim_is_one_of_those_of_its_line(world: World) -> None:
    sims: list[Sim] = list(world.adapter.sims(LINE, now=NOW))
    assert [sim.iccid for sim in sims][1] == WAITING_SIM

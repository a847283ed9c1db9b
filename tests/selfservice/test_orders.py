"""Every order is carried out by the embedded back end to its changed state, and what is wrong is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import get_args

import pytest

from selbsthelfer.selfservice.core import orders
from selbsthelfer.selfservice.core.checking import MAX_BARRED
from selbsthelfer.selfservice.core.orders import Order
from selbsthelfer.selfservice.core.records import Address, ForwardWhen, SimState
from selbsthelfer.selfservice.core.results import Outcome
from selbsthelfer.selfservice.embedded.back_end import EmbeddedBackEnd
from selbsthelfer.selfservice.embedded.operations import tell_new_tariffs
from selbsthelfer.selfservice.embedded.queries import letters_of_line
from selbsthelfer.subscribers.core.lines import LineRef
from tests.selfservice.world import IBAN, MSISDN, NOW, do, facts_of, later, registered, rows, succeed

pytestmark = pytest.mark.django_db

BACK_END = EmbeddedBackEnd()
ADDRESS = Address("Rosenweg", "7a", "50667", "Köln", "c/o Lindner")
OTHER = "+492214710123"


def settings(line: LineRef, *, now: datetime = NOW):  # type: ignore[no-untyped-def]
    return BACK_END.settings(line, now=now)


def customer(line: LineRef):  # type: ignore[no-untyped-def]
    return BACK_END.customer(line, now=NOW)


SIMPLE: list[tuple[Order, Callable[[LineRef], object], object]] = [
    (orders.ChangeAddress(ADDRESS), lambda line: customer(line).address, ADDRESS),
    (orders.GoPaperless(), lambda line: customer(line).is_paperless, True),
    (
        orders.ChangeBankAccount(IBAN, "Lena Vogel"),
        lambda line: (customer(line).iban, customer(line).account_holder),
        ("DE89 •••• 3000", "Lena Vogel"),
    ),
    (orders.BlockThirdParties(blocked=True), lambda line: settings(line).is_third_party_blocked, True),
    (orders.SwitchAutomaticTopUp(on=False), lambda line: settings(line).is_automatic_top_up_on, False),
    (
        orders.ChangeTariff("musterfunk-l"),
        lambda line: (
            BACK_END.contract(line, now=NOW).tariff.id,
            BACK_END.contract(line, now=NOW).next_tariff_from,
            BACK_END.contract(line, now=later(days=30)).tariff.id,
        ),
        ("musterfunk-m", date(2026, 7, 1), "musterfunk-l"),
    ),
    (
        orders.ChangeOption("handyschutz", booked=True),
        lambda line: [option.id for option in BACK_END.contract(line, now=NOW).options],
        ["handyschutz"],
    ),
    (
        orders.BlockSim(),
        lambda line: [sim.state for sim in BACK_END.sims(line, now=NOW)],
        [SimState.BLOCKED],
    ),
    (
        orders.OrderReplacementSim(esim=True),
        lambda line: [(sim.state, sim.is_esim) for sim in BACK_END.sims(line, now=NOW)],
        [(SimState.ORDERED, True), (SimState.ACTIVE, False)],
    ),
    (
        orders.SetForwarding(ForwardWhen.BUSY, OTHER),
        lambda line: settings(line).forwarding,
        {ForwardWhen.BUSY: OTHER},
    ),
    (
        orders.SetVoicemail(on=True, seconds=30, tells_by_text=False),
        lambda line: (settings(line).voicemail.seconds, settings(line).voicemail.tells_by_text),
        (30, False),
    ),
    (orders.BarNumber(OTHER, barred=True), lambda line: settings(line).barred_numbers, (OTHER,)),
    (orders.SwitchRoaming(on=False), lambda line: settings(line).is_roaming_on, False),
]


def kind(case: object) -> str:
    return type(case).__name__


@pytest.mark.parametrize(("order", "read", "expected"), SIMPLE, ids=kind)
def test_an_order_is_done_and_shown_and_reported(
    order: Order, read: Callable[[LineRef], object], expected: object
) -> None:
    line = line_that_can(order)
    assert read(line) != expected
    done = succeed(line, order)
    assert read(line) == expected
    assert (done.activity, done.is_new, done.reason) == (order.activity, True, None)
    assert done.details
    assert facts_of(line) == [(order.activity, True)]


@pytest.mark.parametrize(("order", "read", "expected"), SIMPLE, ids=kind)
def test_ordering_it_again_is_refused_and_is_no_attempt(
    order: Order, read: Callable[[LineRef], object], expected: object
) -> None:
    """But blocking a SIM, which somebody in distress may do twice."""
    line = line_that_can(order)
    succeed(line, order)
    again = do(line, order, now=later(minutes=5))
    if isinstance(order, orders.BlockSim):
        assert again.outcome is Outcome.SUCCEEDED
        return
    assert again.outcome is Outcome.REFUSED
    assert again.reason is not None
    assert again.reason.de != again.reason.en
    assert read(line) == expected
    assert facts_of(line) == [(order.activity, True)]


def test_every_kind_of_order_is_tried() -> None:
    tried = {type(order) for order, _, _ in SIMPLE} | {orders.ActivateSim, orders.UnblockSim}
    assert tried == set(get_args(Order))


def line_that_can(order: Order) -> LineRef:
    """Register a line whose roaming is on, as nine in ten have it."""
    line = registered()
    if isinstance(order, orders.SwitchRoaming) and not settings(line).is_roaming_on:
        succeed(line, orders.SwitchRoaming(on=True), now=later(minutes=-5))
    return line


def test_a_sim_that_was_blocked_is_unblocked() -> None:
    line = registered()
    assert do(line, orders.UnblockSim()).outcome is Outcome.REFUSED
    succeed(line, orders.BlockSim())
    succeed(line, orders.UnblockSim(), now=later(minutes=1))
    assert [sim.state for sim in BACK_END.sims(line, now=NOW)] == [SimState.ACTIVE]
    assert facts_of(line) == [("sim.block", True), ("sim.unblock", True)]


def test_a_replacement_sim_is_activated_with_the_code_of_its_letter() -> None:
    line = registered()
    succeed(line, orders.OrderReplacementSim(esim=False))
    assert "sim.replace" in BACK_END.pending(line, now=NOW)
    (letter,) = letters_of_line(line)
    wrong_code = str((int(letter.code) + 1) % 1_000_000).zfill(6)
    wrong = do(line, orders.ActivateSim(letter.iccid, wrong_code))
    assert (wrong.outcome, wrong.field) == (Outcome.REFUSED, "code")
    other = do(line, orders.ActivateSim("8949020000000000009", letter.code))
    assert (other.outcome, other.field) == (Outcome.REFUSED, "iccid")
    succeed(line, orders.ActivateSim(letter.iccid, letter.code))
    states = {sim.iccid: sim.state for sim in BACK_END.sims(line, now=NOW)}
    assert states.pop(letter.iccid) is SimState.ACTIVE
    assert list(states.values()) == [SimState.REPLACED]
    assert BACK_END.pending(line, now=NOW) == {}
    assert letters_of_line(line) == []
    assert [secret.iccid for secret in BACK_END.sim_secrets(line, now=NOW)] == [letter.iccid]
    assert sorted(facts_of(line)) == [("sim.activate", True), ("sim.replace", True)]


def test_a_tariff_that_is_to_follow_can_be_taken_back() -> None:
    line = registered()
    succeed(line, orders.ChangeTariff("musterfunk-xl"))
    assert set(BACK_END.pending(line, now=NOW)) == {"con.change"}
    succeed(line, orders.ChangeTariff("musterfunk-m"))
    contract = BACK_END.contract(line, now=later(days=40))
    assert (contract.tariff.id, contract.next_tariff) == ("musterfunk-m", None)


def test_a_new_tariff_is_told_to_intake_when_it_begins() -> None:
    line = registered()
    succeed(line, orders.ChangeTariff("musterfunk-xl"))
    BACK_END.contract(line, now=later(days=10))
    told = "SELECT tariff, included_bytes FROM subscribers_subscriber WHERE subscriber_id = %s"
    assert rows(told, line.subscriber_id) == [("musterfunk-m", 5_000_000_000)]
    BACK_END.contract(line, now=later(days=30))
    assert rows(told, line.subscriber_id) == [("musterfunk-xl", 12_000_000_000)]
    assert tell_new_tariffs(now=later(days=31)) == 0


def test_a_new_tariff_is_told_though_nobody_looks() -> None:
    line = registered()
    succeed(line, orders.ChangeTariff("musterfunk-xl"))
    assert [tell_new_tariffs(now=later(days=days)) for days in (10, 30, 31)] == [0, 1, 0]
    told = "SELECT tariff FROM subscribers_subscriber WHERE subscriber_id = %s"
    assert rows(told, line.subscriber_id) == [("musterfunk-xl",)]


def test_an_option_is_removed_and_billed_for_the_period_in_which_it_was_booked() -> None:
    line = registered()
    succeed(line, orders.ChangeOption("zusatzkarte", booked=True))
    succeed(line, orders.ChangeOption("zusatzkarte", booked=False), now=later(days=3))
    assert not any(option.is_booked for option in BACK_END.options(line, now=later(days=4)))
    june, july = (
        [charged.name.de for charged in BACK_END.bills(line, now=later(days=days))[0].lines]
        for days in (30, 60)
    )
    assert "Zusatzkarte" in june
    assert "Zusatzkarte" not in july


def test_forwarding_ends_when_no_number_is_named() -> None:
    line = registered()
    succeed(line, orders.SetForwarding(ForwardWhen.ALWAYS, "0221 4710123"))
    succeed(line, orders.SetForwarding(ForwardWhen.NO_ANSWER, OTHER))
    succeed(line, orders.SetForwarding(ForwardWhen.ALWAYS, None))
    assert settings(line).forwarding == {ForwardWhen.NO_ANSWER: OTHER}


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (orders.ChangeAddress(replace(ADDRESS, postcode="5066")), "postcode"),
        (orders.ChangeAddress(replace(ADDRESS, house_number="sieben")), "house_number"),
        (orders.ChangeBankAccount("DE89370400440532013001", "Lena Vogel"), "iban"),
        (orders.ChangeBankAccount(IBAN, " "), "account_holder"),
        (orders.ChangeTariff("musterfunk-karte-m"), "tariff"),
        (orders.ChangeTariff("gratis"), "tariff"),
        (orders.ChangeTariff("musterfunk-m"), "tariff"),
        (orders.ChangeOption("gratis", booked=True), "option"),
        (orders.ActivateSim("8949020000000000001", "123456"), "iccid"),
        (orders.SetForwarding(ForwardWhen.ALWAYS, MSISDN), "to"),
        (orders.SetForwarding(ForwardWhen.ALWAYS, "0900 1234567"), "to"),
        (orders.SetForwarding(ForwardWhen.ALWAYS, "12"), "to"),
        (orders.SetVoicemail(on=True, seconds=7, tells_by_text=True), "seconds"),
        (orders.BarNumber(MSISDN, barred=True), "number"),
        (orders.BarNumber("110", barred=True), "number"),
        (orders.BarNumber("116116", barred=True), "number"),
        (orders.BarNumber(OTHER, barred=False), "number"),
    ],
    ids=repr,
)
def test_what_is_wrong_is_refused_with_the_field_and_a_sentence(order: Order, field: str) -> None:
    line = registered()
    before = (customer(line), settings(line), BACK_END.contract(line, now=NOW))
    done = do(line, order)
    assert (done.outcome, done.field, done.effective) == (Outcome.REFUSED, field, None)
    assert done.reason is not None
    assert done.reason.de
    assert done.reason.de != done.reason.en
    assert before == (customer(line), settings(line), BACK_END.contract(line, now=NOW))
    assert facts_of(line) == []


def test_no_more_than_the_limit_of_numbers_is_barred() -> None:
    line = registered()
    for number in range(MAX_BARRED):
        succeed(line, orders.BarNumber(f"+49221471{number:04d}", barred=True))
    assert do(line, orders.BarNumber(OTHER, barred=True)).field == "number"
    assert len(settings(line).barred_numbers) == MAX_BARRED

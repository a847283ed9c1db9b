"""What is written as TM Forum's JSON is read as what it was, whatever it holds."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.kit.wording import Words
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
    Bill,
    BillLine,
    BillLineKind,
    ConnectionKind,
    ConnectionRecord,
    Contract,
    CostSoFar,
    Customer,
    FaultState,
    ForwardWhen,
    LineSettings,
    NetworkFault,
    OptionOffer,
    RoamingPrice,
    Sim,
    SimSecrets,
    SimState,
    TariffOffer,
    Voicemail,
)
from selbsthelfer.selfservice.tmf import orders, reading, writing
from selbsthelfer.selfservice.tmf.plain import OddAnswerError
from selbsthelfer.selfservice.tmf.shapes import (
    BillShape,
    CustomerShape,
    MediumCharacteristic,
    Offering,
    OrderShape,
    Problem,
    Product,
    Rate,
    Resource,
    Service,
    Usage,
    encode,
)

S = TypeVar("S")
LINE = "line-1"

TEXTS = st.text(max_size=30)
FILLED = st.text(min_size=1, max_size=30)
WORDS = st.builds(Words, TEXTS, TEXTS)
MANY_WORDS = st.lists(WORDS, max_size=3).map(tuple)
CENTS = st.integers(-100_000_000, 100_000_000)
COUNTS = st.integers(0, 2**60)
DAYS = st.dates(date(1990, 1, 1), date(2200, 12, 31))
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ADDRESSES = st.builds(Address, TEXTS, TEXTS, FILLED, FILLED, TEXTS)
CUSTOMERS = st.builds(Customer, FILLED, FILLED, ADDRESSES, TEXTS, TEXTS, st.booleans())
TARIFFS = st.builds(TariffOffer, FILLED, WORDS, st.none() | COUNTS, CENTS, MANY_WORDS)
OPTIONS = st.builds(OptionOffer, FILLED, WORDS, CENTS, MANY_WORDS, st.just(True))
CONTRACTS = st.builds(
    Contract, FILLED, TARIFFS, st.lists(OPTIONS, max_size=3).map(tuple), DAYS, DAYS, st.integers(0, 999)
)
BILL_LINES = st.builds(BillLine, st.sampled_from(BillLineKind), WORDS, TEXTS, CENTS, WORDS)
BILLS = st.builds(Bill, FILLED, DAYS, DAYS, DAYS, DAYS, st.lists(BILL_LINES, max_size=4).map(tuple))
RECORDS = st.builds(ConnectionRecord, INSTANTS, st.sampled_from(ConnectionKind), TEXTS, COUNTS, COUNTS, CENTS)
SIMS = st.builds(Sim, FILLED, st.booleans(), st.sampled_from(SimState), INSTANTS)
SETTINGS = st.builds(
    LineSettings,
    st.dictionaries(st.sampled_from(ForwardWhen), TEXTS),
    st.builds(Voicemail, st.booleans(), COUNTS, st.booleans()),
    st.lists(TEXTS, max_size=4).map(tuple),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
ROAMING = st.builds(RoamingPrice, WORDS, MANY_WORDS, CENTS, CENTS, CENTS, WORDS)
FAULTS = st.builds(
    NetworkFault, FILLED, FILLED, WORDS, st.sampled_from(FaultState), INSTANTS, st.none() | INSTANTS
)
ORDERS: st.SearchStrategy[Order] = st.one_of(
    st.builds(ChangeAddress, ADDRESSES),
    st.builds(GoPaperless),
    st.builds(ChangeBankAccount, TEXTS, TEXTS),
    st.builds(BlockThirdParties, st.booleans()),
    st.builds(SwitchAutomaticTopUp, st.booleans()),
    st.builds(ChangeTariff, TEXTS),
    st.builds(ChangeOption, TEXTS, st.booleans()),
    st.builds(ActivateSim, TEXTS, TEXTS),
    st.builds(BlockSim),
    st.builds(UnblockSim),
    st.builds(OrderReplacementSim, st.booleans()),
    st.builds(SetForwarding, st.sampled_from(ForwardWhen), st.none() | TEXTS),
    st.builds(SetVoicemail, st.booleans(), COUNTS, st.booleans()),
    st.builds(BarNumber, TEXTS, st.booleans()),
    st.builds(SwitchRoaming, st.booleans()),
)


def sent(shape: S) -> S:
    """Send a shape over the wire."""
    return msgspec.json.decode(encode(shape), type=type(shape))


@given(CUSTOMERS)
def test_customers(value: Customer) -> None:
    assert reading.customer(sent(writing.customer(value, id_=LINE))) == value


@given(CONTRACTS, st.none() | st.tuples(TARIFFS, DAYS))
def test_contracts(value: Contract, following: tuple[TariffOffer, date] | None) -> None:
    if following is not None:
        value = replace(value, next_tariff=following[0], next_tariff_from=following[1])
    shape = sent(writing.contract(value, id_=LINE))
    assert reading.contract(shape) == value
    assert reading.booked(shape) == {option.id for option in value.options}
    assert (reading.customer_id(shape), reading.account_id(shape)) == (LINE, LINE)


@given(TARIFFS, OPTIONS, st.booleans(), ROAMING)
def test_offers(tariff: TariffOffer, option: OptionOffer, is_booked: bool, zone: RoamingPrice) -> None:
    assert reading.tariff(sent(writing.tariff(tariff))) == tariff
    option = replace(option, is_booked=is_booked)
    booked = frozenset([option.id] if is_booked else [])
    assert reading.option(sent(writing.option(option)), booked=booked) == option
    assert reading.roaming(sent(writing.roaming(zone, id_="r"))) == zone


@given(BILLS, BILLS)
def test_bills_take_their_own_lines_only(value: Bill, other: Bill) -> None:
    other = replace(other, number=value.number + "x")
    rates = [sent(rate) for bill in (other, value) for rate in writing.rates(bill, account=LINE)]
    assert reading.bill(sent(writing.bill(value, account=LINE)), rates) == value


@given(CENTS, INSTANTS)
def test_cost_so_far(cents: int, at: datetime) -> None:
    value = CostSoFar(cents, at)
    shape = sent(writing.running_bill(value, account=LINE))
    assert reading.is_running(shape)
    assert reading.cost_so_far(shape) == value


@given(RECORDS, SIMS, FILLED, TEXTS, TEXTS)
def test_records_and_sims(record: ConnectionRecord, sim: Sim, iccid: str, pin: str, puk: str) -> None:
    assert reading.record(sent(writing.usage(record, line=LINE))) == record
    assert reading.sim(sent(writing.sim(sim, line=LINE))) == sim
    secrets = SimSecrets(iccid, pin, puk)
    assert reading.sim_secrets(sent(writing.sim_secrets(secrets, line=LINE))) == secrets


@given(SETTINGS, FAULTS)
def test_settings_and_faults(settings: LineSettings, fault: NetworkFault) -> None:
    assert reading.settings(sent(writing.settings(settings, line=LINE))) == settings
    assert reading.fault(sent(writing.problem(fault, postcode="1"))) == fault


@given(ORDERS, FILLED, FILLED)
def test_orders(order: Order, line: str, key: str) -> None:
    shape = sent(orders.request(order, line=line, key=key))
    assert orders.order_of(shape) == order
    assert orders.line_of(shape) == line
    assert shape.external_id == key


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
EXAMPLES = {
    CustomerShape: (CUSTOMERS.map(lambda v: writing.customer(v, id_=LINE)), reading.customer),
    Product: (CONTRACTS.map(lambda v: writing.contract(v, id_=LINE)), reading.contract),
    Offering: (TARIFFS.map(writing.tariff), reading.tariff),
    BillShape: (BILLS.map(lambda v: writing.bill(v, account=LINE)), lambda shape: reading.bill(shape, [])),
    Rate: (
        BILLS.filter(lambda v: len(v.lines) > 0).map(lambda v: writing.rates(v, account=LINE)[0]),
        lambda shape: reading._bill_line(shape),
    ),
    Usage: (RECORDS.map(lambda v: writing.usage(v, line=LINE)), reading.record),
    Resource: (SIMS.map(lambda v: writing.sim(v, line=LINE)), reading.sim),
    Service: (SETTINGS.map(lambda v: writing.settings(v, line=LINE)), reading.settings),
    Problem: (FAULTS.map(lambda v: writing.problem(v, postcode="1")), reading.fault),
    OrderShape: (ORDERS.map(lambda v: orders.request(v, line=LINE, key="k")), orders.order_of),
}


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
@given(st.data())
def test_what_is_missing_or_odd_is_told_and_never_crashes(kind: type, data: st.DataObject) -> None:
    """Spoil one member anywhere: shape or reader tells that it is odd, or it did not matter."""
    strategy, reader = EXAMPLES[kind]
    spoiled = msgspec.json.decode(encode(data.draw(strategy)))
    place = spoiled
    while True:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        at = data.draw(st.sampled_from(keys))
        if isinstance(place[at], dict | list) and place[at] and data.draw(st.booleans()):
            place = place[at]
            continue
        if data.draw(st.booleans()):
            del place[at]
        else:
            place[at] = data.draw(ANYTHING)
        break
    with suppress(OddAnswerError, msgspec.DecodeError):
        reader(msgspec.json.decode(msgspec.json.encode(spoiled), type=kind))


@pytest.mark.parametrize(
    ("written", "street", "number"),
    [
        ("Hauptstraße 5", "Hauptstraße", "5"),
        ("Straße des 17. Juni 135", "Straße des 17. Juni", "135"),
        ("Am Markt 12 a", "Am Markt", "12 a"),
        ("Ringweg 3-5", "Ringweg", "3-5"),
    ],
)
def test_street_and_number_are_parted_where_the_back_end_does_not(
    written: str, street: str, number: str
) -> None:
    address = reading.address(MediumCharacteristic(street1=written, post_code="1", city="B"))
    assert (address.street, address.house_number) == (street, number)


def test_amounts_more_exact_than_a_cent_are_rounded_and_huge_ones_refused() -> None:
    def cost(value: str) -> int:
        text = '{"id":"b","state":"new","lastUpdate":"2026-01-01T00:00:00Z","taxIncludedAmount":{"value":%s}}'
        return reading.cost_so_far(msgspec.json.decode(text % value, type=BillShape)).cents

    assert [cost("1.005"), cost("-0.005"), cost("0.0049")] == [101, -1, 0]
    for huge in ("1e9", "1e999999", "-1e999999"):
        with pytest.raises((OddAnswerError, msgspec.DecodeError)):
            cost(huge)

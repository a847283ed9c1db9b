"""The embedded back end is an operator one can believe: households, bills, records, faults and outages."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from schwifty import IBAN

from selbsthelfer.demo.core.parameters import CONTRACT_TARIFFS, PREPAID_TARIFFS, UNLIMITED_TARIFF
from selbsthelfer.intake.core.facts import BillingDayChanged, SubscriberBillingDayChanged
from selbsthelfer.intake.operations import Terms, accept
from selbsthelfer.kit.wording import Words
from selbsthelfer.selfservice.back_end import BackEnd, BackEndUnavailableError
from selbsthelfer.selfservice.core.checking import checked_iccid, checked_postcode
from selbsthelfer.selfservice.core.orders import BlockThirdParties, ChangeTariff
from selbsthelfer.selfservice.core.records import BillLineKind, ConnectionKind, FaultState
from selbsthelfer.selfservice.embedded.back_end import EmbeddedBackEnd
from selbsthelfer.selfservice.embedded.households import household_of, made_sim
from selbsthelfer.selfservice.embedded.offers import offers
from selbsthelfer.selfservice.embedded.operations import (
    UnknownToBackEndError,
    begin_fault,
    begin_outage,
    end_outage,
    repair_fault,
)
from selbsthelfer.selfservice.embedded.queries import customer_code_of
from selbsthelfer.selfservice.embedded.using import MAX_PERIOD_RECORDS, MIN_RECORDS
from selbsthelfer.subscribers.core.lines import LineRef
from tests.selfservice.world import NOW, later, registered, rows, succeed

pytestmark = pytest.mark.django_db

BACK_END: BackEnd = EmbeddedBackEnd()
LINES = [uuid5(UUID(int=1), str(number)) for number in range(300)]


def test_households_are_the_same_for_ever_and_nobodys() -> None:
    for line in LINES:
        home = household_of(line, registered_on=NOW.date())
        assert home == household_of(line, registered_on=NOW.date())
        assert IBAN(home.iban).country_code == "DE"
        assert home.iban[4] == "9"
        assert checked_postcode(home.postcode) == home.postcode
        assert checked_iccid(made_sim(line, 1).iccid)
    assert len({household_of(line, registered_on=NOW.date()).customer_number for line in LINES}) == 300
    assert len({made_sim(line, ordinal).iccid for line in LINES for ordinal in (1, 2)}) == 600


def test_a_line_that_is_not_registered_is_not_made_up() -> None:
    with pytest.raises(UnknownToBackEndError):
        BACK_END.customer(LineRef.of("nobody"), now=NOW)
    assert BACK_END.is_customer_code(LineRef.of("nobody"), "0000") is False


def test_every_tariff_of_the_made_up_operator_is_on_offer_with_its_volume() -> None:
    for tariff in (*CONTRACT_TARIFFS, *PREPAID_TARIFFS, UNLIMITED_TARIFF):
        assert offers().tariffs[tariff.id].included_bytes == tariff.included_bytes


@pytest.mark.parametrize(
    ("registered_tariff", "included_bytes", "expected"),
    [
        ("musterfunk-karte-l", 3_000_000_000, "musterfunk-karte-l"),
        ("Allnet Flat", 6_000_000_000, "musterfunk-l"),
        ("Allnet Flat", 1, "musterfunk-m"),
    ],
)
def test_a_line_has_the_tariff_under_which_it_is_registered(
    registered_tariff: str, included_bytes: int, expected: str
) -> None:
    line = registered(tariff=registered_tariff, included_bytes=included_bytes)
    assert BACK_END.contract(line, now=NOW).tariff.id == expected
    kinds = {tariff.id.startswith("musterfunk-karte") for tariff in BACK_END.tariffs(line, now=NOW)}
    assert kinds == {expected.startswith("musterfunk-karte")}


def test_bills_follow_the_billing_periods_without_gap_and_never_change() -> None:
    line = registered(billing_day=17)
    bills = BACK_END.bills(line, now=NOW)
    assert len(bills) == 14
    assert bills[0].last_on.isoformat() == "2026-05-16"
    for newer, older in pairwise(bills):
        assert older.last_on + timedelta(days=1) == newer.first_on
    assert all(bill.issued_on == bill.last_on + timedelta(days=1) < bill.due_on for bill in bills)
    assert all(bill.lines[0].kind is BillLineKind.BASE for bill in bills)
    assert len({bill.number for bill in bills}) == 14
    succeed(line, ChangeTariff("musterfunk-xl"))
    succeed(line, BlockThirdParties(blocked=True))
    later_bills = BACK_END.bills(line, now=later(days=70))
    assert [bill.lines[0].amount_cents for bill in later_bills[:-14]] == [2499, 2499, 1299]
    assert later_bills[-14:] == bills


def test_the_bill_of_a_period_appears_when_it_has_ended_in_the_zone_of_the_line() -> None:
    line = registered()
    midnight = NOW.replace(month=7, day=1, hour=0, minute=0, tzinfo=ZoneInfo("Europe/Berlin"))
    before = BACK_END.bills(line, now=midnight - timedelta(seconds=1))
    after = BACK_END.bills(line, now=midnight)
    assert before[0].last_on.isoformat() == "2026-05-31"
    assert after[0].last_on.isoformat() == "2026-06-30"
    assert after[1] == before[0]


def test_a_new_billing_day_makes_one_long_period_and_no_gap() -> None:
    line = registered()
    BACK_END.bills(line, now=NOW)
    fact = SubscriberBillingDayChanged(
        id="b", source="/t", time=later(days=1), subject=line.subject, data=BillingDayChanged(20)
    )
    accept([fact], terms=Terms(now=later(days=1)))
    bills = BACK_END.bills(line, now=later(days=75))
    assert [(b.first_on.isoformat(), b.last_on.isoformat()) for b in bills[:2]] == [
        ("2026-07-20", "2026-08-19"),
        ("2026-06-01", "2026-07-19"),
    ]


def test_what_a_bill_charges_beyond_the_tariff_is_in_its_records() -> None:
    kinds = set()
    for number in range(25):
        line = registered(f"line-{number}", msisdn=f"+4922147100{number:02d}")
        for bill in BACK_END.bills(line, now=NOW):
            records = BACK_END.records(line, bill, now=NOW)
            charged = [r for r in bill.lines if r.kind in (BillLineKind.USE, BillLineKind.ROAMING)]
            assert sum(r.amount_cents for r in records) == sum(c.amount_cents for c in charged)
            kinds |= {charge.kind for charge in bill.lines}
    assert kinds >= {BillLineKind.BASE, BillLineKind.USE, BillLineKind.ROAMING, BillLineKind.THIRD_PARTY}


def test_records_lie_in_their_period_and_show_no_whole_number() -> None:
    line = registered()
    zone = ZoneInfo("Europe/Berlin")
    for bill in BACK_END.bills(line, now=NOW)[:5]:
        records = BACK_END.records(line, bill, now=NOW)
        assert MIN_RECORDS <= len(records) <= MAX_PERIOD_RECORDS
        assert list(records) == sorted(records, key=lambda record: record.started_at)
        for record in records:
            assert bill.first_on <= record.started_at.astimezone(zone).date() <= bill.last_on
            assert (record.other == "") == (record.kind is ConnectionKind.DATA)
            assert record.other == "" or record.other.endswith("xxx")
            assert (record.seconds > 0) == (record.kind is ConnectionKind.CALL)


def test_records_of_another_line_are_not_told() -> None:
    mine, other = registered("line-1"), registered("line-2", msisdn="+491713920043")
    (bill, *_) = BACK_END.bills(mine, now=NOW)
    assert BACK_END.records(other, bill, now=NOW) == []


def test_cost_so_far_grows_to_what_the_bill_says() -> None:
    line = registered()
    costs = [BACK_END.cost_so_far(line, now=later(days=day)) for day in range(20)]
    assert [cost.cents for cost in costs] == sorted(cost.cents for cost in costs)
    assert all(later(days=day - 1) < cost.counted_at <= later(days=day) for day, cost in enumerate(costs))
    end = NOW.replace(month=7, day=1, hour=0, minute=0, tzinfo=ZoneInfo("Europe/Berlin"))
    last = BACK_END.cost_so_far(line, now=end - timedelta(seconds=1))
    bill = BACK_END.bills(line, now=end)[0]
    assert 0 <= bill.total_cents - last.cents <= 100


def test_third_parties_that_are_blocked_are_not_charged_any_more() -> None:
    for number in range(40):
        line = registered(f"line-{number}", msisdn=f"+4922147100{number:02d}")
        if charges(line, NOW):
            break
    before = charges(line, NOW)
    succeed(line, BlockThirdParties(blocked=True))
    assert len(BACK_END.bills(line, now=later(days=250))) == 22
    assert charges(line, later(days=250)) == before


def charges(line: LineRef, now) -> list[str]:  # type: ignore[no-untyped-def]
    return [
        bill.number
        for bill in BACK_END.bills(line, now=now)
        for charged in bill.lines
        if charged.kind is BillLineKind.THIRD_PARTY
    ]


def test_a_prepaid_line_is_billed_by_its_own_periods() -> None:
    line = registered(
        billing_day=None, period_days=28, period_anchor="2026-01-01", tariff="musterfunk-karte-m"
    )
    bills = BACK_END.bills(line, now=NOW)
    assert {(bill.last_on - bill.first_on).days for bill in bills} == {27}
    assert bills[0].lines[0].amount_cents == 799


def test_the_code_of_a_customer_is_theirs_alone() -> None:
    line = registered()
    code = customer_code_of(line, now=NOW)
    assert BACK_END.is_customer_code(line, f" {code} ")
    wrong = [f"{number:04d}" for number in range(10_000) if f"{number:04d}" != code]
    assert not any(BACK_END.is_customer_code(line, text) for text in [*wrong[::500], "", code + "0", "ä"])


def test_faults_are_known_where_they_are_until_two_days_after_their_repair() -> None:
    begin_fault(
        "N-1",
        postcode_start="5066",
        place="Köln",
        what=Words("Mast ohne Strom", "Mast without power"),
        now=NOW,
    )
    assert BACK_END.faults_at("50667", now=later(hours=-1)) == []
    assert BACK_END.faults_at("50767", now=later(hours=1)) == []
    (fault,) = BACK_END.faults_at("50667", now=later(hours=1))
    assert (fault.state, fault.what.en) == (FaultState.KNOWN, "Mast without power")
    repair_fault("N-1", now=later(hours=5))
    (fault,) = BACK_END.faults_at("50667", now=later(hours=6))
    assert fault.state is FaultState.REPAIRED
    assert BACK_END.faults_at("50667", now=later(days=3)) == []


def test_an_outage_of_one_activity_leaves_the_others_alone() -> None:
    line = registered()
    begin_outage("bill.view", now=NOW, until=later(hours=1))
    with pytest.raises(BackEndUnavailableError):
        BACK_END.bills(line, now=NOW)
    assert BACK_END.contract(line, now=NOW)
    assert BACK_END.bills(line, now=later(hours=1))
    assert BACK_END.bills(line, now=later(seconds=-1))


def test_an_outage_of_everything_ends_when_it_is_ended() -> None:
    line = registered()
    begin_outage(None, now=NOW, until=later(hours=1))
    for read in (
        BACK_END.customer,
        BACK_END.contract,
        BACK_END.settings,
        BACK_END.sims,
        BACK_END.cost_so_far,
    ):
        with pytest.raises(BackEndUnavailableError):
            read(line, now=NOW)
    end_outage(None)
    assert BACK_END.customer(line, now=NOW)


def test_offers_are_told_in_both_languages() -> None:
    told = [words for zone in BACK_END.roaming_prices() for words in (zone.zone, zone.note, *zone.countries)]
    for offer in (*offers().tariffs.values(), *offers().options.values()):
        told += [offer.name, *offer.facts]
    assert len(told) > 40
    assert all(words.de and words.en for words in told)


def test_numbers_that_a_household_called_are_fictional() -> None:
    line = registered()
    shown = {
        record.other
        for bill in BACK_END.bills(line, now=NOW)
        for record in BACK_END.records(line, bill, now=NOW)
        if record.other
    }
    whole = [phonenumbers.parse(number.replace("xxx", "123")) for number in shown]
    assert {number.country_code for number in whole} <= {49, 44}
    assert len(shown) > 10


def test_reading_a_line_that_is_known_writes_nothing() -> None:
    line = registered()
    BACK_END.bills(line, now=NOW)
    written = "SELECT xmin::text FROM selfservice_embeddedline WHERE subscriber_id = %s"
    before = rows(written, line.subscriber_id)
    for read in (
        BACK_END.customer,
        BACK_END.contract,
        BACK_END.bills,
        BACK_END.cost_so_far,
        BACK_END.pending,
    ):
        read(line, now=later(hours=1))
    assert rows(written, line.subscriber_id) == before

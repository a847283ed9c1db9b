"""The reference back end: it really keeps tariffs, bills, SIMs, switches, orders and faults in our tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

import msgspec
from django.db import transaction
from django.db.models import QuerySet

from selbsthelfer.kit.wording import Words, day
from selbsthelfer.selfservice.back_end import (
    MAX_BILLS,
    MAX_RECORDS,
    BackEndUnavailableError,
    Confirmation,
)
from selbsthelfer.selfservice.core.checking import masked_iban
from selbsthelfer.selfservice.core.orders import Order
from selbsthelfer.selfservice.core.records import (
    Bill,
    BillLine,
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
from selbsthelfer.selfservice.embedded.meeting import Met, met_line
from selbsthelfer.selfservice.embedded.models import (
    EmbeddedBill,
    EmbeddedFault,
    EmbeddedLine,
    EmbeddedOrder,
    EmbeddedOutage,
    EmbeddedSim,
)
from selbsthelfer.selfservice.embedded.offers import offers
from selbsthelfer.selfservice.embedded.operations import (
    EVERYTHING,
    UnknownToBackEndError,
    billing_of,
    coming_tariff,
    ensure_line,
    options_within,
    tariff_at,
    tell_new_tariff,
    terms_of_period,
    write_bills,
)
from selbsthelfer.selfservice.embedded.ordering import Ordering, address_of, perform
from selbsthelfer.selfservice.embedded.using import bill_lines, connections
from selbsthelfer.subscribers.core.billing import period_bounds
from selbsthelfer.subscribers.core.lines import LineRef

MAX_FAULTS: Final = 20
"""Faults told for one place."""
NOTICE_DAYS: Final = 30
_REPAIRED_FOR: Final = timedelta(days=2)
"""How long a fault that is over is still told."""
_COUNTED_EVERY: Final = timedelta(minutes=15)
_INSTANT: Final = timedelta(microseconds=1)
_OUT_OF_REACH: Final = "the operator’s systems cannot be reached"
_SHOWN_SIMS: Final = (SimState.ACTIVE, SimState.BLOCKED)


class EmbeddedBackEnd:
    """Satisfies `BackEnd` with tables of this database; each order is one short transaction of its own."""

    name: ClassVar[str] = "embedded"

    def customer(self, line: LineRef, *, now: datetime) -> Customer:
        row = self._row(line, None, now)
        return Customer(
            name=row.name,
            customer_number=row.customer_number,
            address=address_of(row),
            iban=masked_iban(row.iban),
            account_holder=row.account_holder,
            is_paperless=row.is_paperless,
        )

    def contract(self, line: LineRef, *, now: datetime) -> Contract:
        row, calendar, _ = self._met(line, "con.view", now)
        coming = coming_tariff(row, now)
        zone = ZoneInfo(calendar.timezone)
        return Contract(
            number=row.contract_number,
            tariff=tariff_at(row, now),
            options=tuple(replace(o, is_booked=True) for o in options_within(row, now, now + _INSTANT)),
            began_on=row.began_on,
            may_end_on=now.astimezone(zone).date() + timedelta(days=NOTICE_DAYS),
            notice_days=NOTICE_DAYS,
            next_tariff=coming[0] if coming else None,
            next_tariff_from=coming[1].astimezone(zone).date() if coming else None,
        )

    def tariffs(self, line: LineRef, *, now: datetime) -> Sequence[TariffOffer]:
        kinds = offers().kinds
        kind = kinds[tariff_at(self._row(line, None, now), now).id]
        return [tariff for id_, tariff in offers().tariffs.items() if kinds[id_] == kind]

    def options(self, line: LineRef, *, now: datetime) -> Sequence[OptionOffer]:
        row = self._row(line, None, now)
        booked = {offer.id for offer in options_within(row, now, now + _INSTANT)}
        return [replace(offer, is_booked=id_ in booked) for id_, offer in offers().options.items()]

    def bills(self, line: LineRef, *, now: datetime) -> Sequence[Bill]:
        row = self._row(line, "bill.view", now)
        if row.next_bill_at is None or row.next_bill_at <= now:
            write_bills(line, now=now)
        rows = EmbeddedBill.objects.filter(subscriber_id=line.subscriber_id).defer("records")
        today = now.astimezone(ZoneInfo("UTC")).date() + timedelta(days=1)
        return [_bill(row) for row in rows.filter(issued_on__lte=today).order_by("-issued_on")[:MAX_BILLS]]

    def cost_so_far(self, line: LineRef, *, now: datetime) -> CostSoFar:
        row, calendar, _ = self._met(line, None, now)
        start, end = period_bounds(calendar, containing=now, until=now)[:2]
        terms = terms_of_period(row, start, end)
        counted_at = max(start, now - (now - start) % _COUNTED_EVERY)
        used = connections(line.subscriber_id, start, end, terms, until=counted_at)
        lines = bill_lines(line.subscriber_id, start, terms, used)
        return CostSoFar(sum(charged.amount_cents for charged in lines), counted_at)

    def records(self, line: LineRef, bill: Bill, *, now: datetime) -> Sequence[ConnectionRecord]:
        self._row(line, "bill.itemised", now)
        row = EmbeddedBill.objects.filter(subscriber_id=line.subscriber_id, number=bill.number).first()
        return msgspec.convert(row.records if row else [], list[ConnectionRecord])[:MAX_RECORDS]

    def sims(self, line: LineRef, *, now: datetime) -> Sequence[Sim]:
        self._row(line, None, now)
        return [
            Sim(row.iccid, row.is_esim, SimState(row.state), row.since)
            for row in EmbeddedSim.objects.filter(subscriber_id=line.subscriber_id).order_by("-ordinal")
        ]

    def sim_secrets(self, line: LineRef, *, now: datetime) -> Sequence[SimSecrets]:
        self._row(line, "sim.puk", now)
        rows = EmbeddedSim.objects.filter(subscriber_id=line.subscriber_id, state__in=_SHOWN_SIMS)
        return [SimSecrets(row.iccid, row.pin, row.puk) for row in rows.order_by("-ordinal")]

    def settings(self, line: LineRef, *, now: datetime) -> LineSettings:
        row = self._row(line, None, now)
        return LineSettings(
            forwarding={ForwardWhen(when): to for when, to in row.forwarding.items()},
            voicemail=Voicemail(row.voicemail_on, row.voicemail_seconds, row.voicemail_tells_by_text),
            barred_numbers=tuple(row.barred_numbers),
            is_roaming_on=row.is_roaming_on,
            is_automatic_top_up_on=row.is_automatic_top_up_on,
            is_third_party_blocked=row.is_third_party_blocked,
        )

    def roaming_prices(self) -> Sequence[RoamingPrice]:
        return offers().roaming

    def faults_at(self, postcode: str, *, now: datetime) -> Sequence[NetworkFault]:
        _raise_in_outage("net.status", now)
        starts = [postcode[:length] for length in range(1, len(postcode) + 1)]
        rows = EmbeddedFault.objects.filter(postcode_start__in=starts, began_at__lte=now)
        return [
            _fault(row, now)
            for row in rows.order_by("-began_at")[:MAX_FAULTS]
            if not row.repaired_at or now < row.repaired_at + _REPAIRED_FOR
        ]

    def is_customer_code(self, line: LineRef, code: str) -> bool:
        try:
            row = ensure_line(line, now=datetime.now(tz=ZoneInfo("UTC")))
        except UnknownToBackEndError:
            return False
        return compare_digest(row.customer_code.encode(), code.strip().encode())

    def carry_out(self, line: LineRef, order: Order, *, key: str, now: datetime) -> Confirmation:
        self._row(line, order.activity, now)
        with transaction.atomic():
            row = EmbeddedLine.objects.select_for_update().get(pk=line.subscriber_id)
            done = EmbeddedOrder.objects.filter(subscriber_id=line.subscriber_id, key=key).first()
            if done is not None:
                return Confirmation(done.reference, done.effective_on)
            # What has ended is billed as it was before anything changes.
            if row.next_bill_at is None or row.next_bill_at <= now:
                row = write_bills(line, now=now)
            effective_on = perform(Ordering(line, row, now), order)
            reference = f"{order.activity}/{key}"
            EmbeddedOrder.objects.create(
                subscriber_id=line.subscriber_id,
                key=key,
                activity=order.activity,
                reference=reference,
                effective_on=effective_on,
                done_at=now,
            )
        return Confirmation(reference, effective_on)

    def pending(self, line: LineRef, *, now: datetime) -> Mapping[str, Words]:
        row, calendar, _ = self._met(line, None, now)
        coming = coming_tariff(row, now)
        ordered = list(EmbeddedSim.objects.filter(subscriber_id=line.subscriber_id, state=SimState.ORDERED))
        told: dict[str, Words] = {}
        if not coming and not ordered:
            return told
        zone = calendar.timezone
        if coming:
            tariff, begins = coming[0].name, day(coming[1], zone)
            told["con.change"] = Words(
                f"Ab {begins.de} gilt Ihr neuer Tarif {tariff.de}.",
                f"Your new tariff {tariff.en} begins on {begins.en}.",
            )
        for sim in ordered:
            told["sim.replace"] = _sim_under_way(sim, zone)
        return told

    def _row(self, line: LineRef, activity: str | None, now: datetime) -> EmbeddedLine:
        return self._met(line, activity, now).row

    def _met(self, line: LineRef, activity: str | None, now: datetime) -> Met:
        """Read a line, unless the back end is out of reach; tell a tariff that has begun since."""
        met = met_line(line, _asked(activity), now=now)
        if met is None:
            _raise_in_outage(activity, now)
            return Met(ensure_line(line, now=now), billing_of(line).calendar)
        if met.is_out_of_reach:
            raise BackEndUnavailableError(_OUT_OF_REACH)
        row = met.row
        if row.tariff_to_tell_at is not None and row.tariff_to_tell_at <= now:
            write_bills(line, now=now)
            tell_new_tariff(line, now=now)
            row.refresh_from_db()
        return met


def _asked(activity: str | None) -> list[str]:
    """List the outages that matter to an activity."""
    return [EVERYTHING] if activity is None else [EVERYTHING, activity]


def _outages(activity: str | None, now: datetime) -> QuerySet[EmbeddedOutage]:
    return EmbeddedOutage.objects.filter(activity__in=_asked(activity), began_at__lte=now, until_at__gt=now)


def _raise_in_outage(activity: str | None, now: datetime) -> None:
    if _outages(activity, now).exists():
        raise BackEndUnavailableError(_OUT_OF_REACH)


def _bill(row: EmbeddedBill) -> Bill:
    return Bill(
        number=row.number,
        issued_on=row.issued_on,
        first_on=row.first_on,
        last_on=row.last_on,
        due_on=row.due_on,
        lines=msgspec.convert(row.lines, tuple[BillLine, ...]),
    )


def _fault(row: EmbeddedFault, now: datetime) -> NetworkFault:
    is_over = row.repaired_at is not None and row.repaired_at <= now
    return NetworkFault(
        number=row.number,
        place=row.place,
        what=Words(row.what_de, row.what_en),
        state=FaultState.REPAIRED if is_over else FaultState.KNOWN,
        began_at=row.began_at,
        expected_at=row.expected_at,
    )


def _sim_under_way(sim: EmbeddedSim, zone: str) -> Words:
    since = day(sim.since, zone)
    if sim.is_esim:
        return Words(
            f"eSIM bestellt am {since.de}. Der Brief mit dem Aktivierungscode ist unterwegs.",
            f"eSIM ordered on {since.en}. The letter with the activation code is on its way.",
        )
    return Words(
        f"Ersatz-SIM bestellt am {since.de}. Sie kommt mit der Post.",
        f"Replacement SIM ordered on {since.en}. It comes by post.",
    )

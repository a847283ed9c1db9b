"""What the embedded back end does with each kind of order, inside one transaction of a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hmac import compare_digest
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from selbsthelfer.kit.wording import Words
from selbsthelfer.selfservice.back_end import OrderRefusedError
from selbsthelfer.selfservice.core import orders
from selbsthelfer.selfservice.core.checking import (
    MAX_BARRED,
    VOICEMAIL_SECONDS,
    WrongInputError,
    checked_activation_code,
    checked_address,
    checked_iban,
    checked_iccid,
    checked_name,
    checked_phone,
    is_costly,
)
from selbsthelfer.selfservice.core.orders import Order
from selbsthelfer.selfservice.core.records import Address, SimState
from selbsthelfer.selfservice.embedded.models import EmbeddedLine, EmbeddedSim
from selbsthelfer.selfservice.embedded.offers import offers
from selbsthelfer.selfservice.embedded.operations import (
    billing_of,
    coming_tariff,
    facts_of_line,
    order_sim,
    tariff_at,
)
from selbsthelfer.subscribers.core.billing import period_end
from selbsthelfer.subscribers.core.lines import LineRef


@dataclass(frozen=True, slots=True)
class Ordering:
    """A line whose row is locked, and when it ordered."""

    line: LineRef
    row: EmbeddedLine
    now: datetime


def perform(ordering: Ordering, order: Order) -> date | None:
    """Do what is ordered; return the day on which it takes effect if that is later.

    Raises `OrderRefusedError`; then nothing was done.
    """
    try:
        effective_on = _PERFORMERS[type(order)](ordering, order)
    except WrongInputError as error:
        raise OrderRefusedError(error.reason, field=error.field) from error
    ordering.row.save()
    return effective_on


def _refusal(german: str, english: str, field: str | None = None) -> OrderRefusedError:
    return OrderRefusedError(Words(german, english), field=field)


def _unchanged(field: str | None = None) -> OrderRefusedError:
    return _refusal(
        "Das ist schon so eingestellt. Es gibt nichts zu ändern.",
        "It is set like this already. There is nothing to change.",
        field,
    )


def address_of(row: EmbeddedLine) -> Address:
    return Address(row.street, row.house_number, row.postcode, row.city, row.addition)


def _change_address(ordering: Ordering, order: orders.ChangeAddress) -> None:
    wished = order.address
    address = checked_address(
        street=wished.street,
        house_number=wished.house_number,
        postcode=wished.postcode,
        city=wished.city,
        addition=wished.addition,
    )
    row = ordering.row
    if address == address_of(row):
        raise _refusal("Diese Anschrift haben wir schon.", "We have this address already.", "street")
    row.street, row.house_number, row.addition = address.street, address.house_number, address.addition
    row.postcode, row.city = address.postcode, address.city


def _go_paperless(ordering: Ordering, _: orders.GoPaperless) -> None:
    if ordering.row.is_paperless:
        raise _refusal("Sie bekommen Ihre Rechnungen schon ohne Papier.", "Your bills are paperless already.")
    ordering.row.is_paperless = True


def _change_bank_account(ordering: Ordering, order: orders.ChangeBankAccount) -> None:
    iban, holder = checked_iban(order.iban), checked_name(order.account_holder)
    row = ordering.row
    if (iban, holder) == (row.iban, row.account_holder):
        raise _refusal("Dieses Konto haben wir schon.", "We have this account already.", "iban")
    row.iban, row.account_holder = iban, holder


def _block_third_parties(ordering: Ordering, order: orders.BlockThirdParties) -> None:
    if ordering.row.is_third_party_blocked == order.blocked:
        raise _unchanged("blocked")
    ordering.row.is_third_party_blocked = order.blocked


def _switch_top_up(ordering: Ordering, order: orders.SwitchAutomaticTopUp) -> None:
    if ordering.row.is_automatic_top_up_on == order.on:
        raise _unchanged("on")
    ordering.row.is_automatic_top_up_on = order.on


def _switch_roaming(ordering: Ordering, order: orders.SwitchRoaming) -> None:
    if ordering.row.is_roaming_on == order.on:
        raise _unchanged("on")
    ordering.row.is_roaming_on = order.on


def _change_tariff(ordering: Ordering, order: orders.ChangeTariff) -> date | None:
    """Note the tariff that follows, in place of another that was to follow; the present one may be kept."""
    row, now = ordering.row, ordering.now
    present, coming = tariff_at(row, now), coming_tariff(row, now)
    kinds = offers().kinds
    if kinds.get(order.tariff) != kinds[present.id]:
        raise _refusal(
            "Diesen Tarif können Sie mit Ihrem Vertrag nicht wählen.",
            "You cannot choose this tariff with your contract.",
            "tariff",
        )
    if order.tariff == (coming[0].id if coming else present.id):
        raise _refusal(
            "Diesen Tarif haben Sie schon gewählt.", "You have chosen this tariff already.", "tariff"
        )
    if coming:
        row.tariffs = row.tariffs[:-1]
        row.tariff_to_tell_at = None
    if order.tariff == present.id:
        return None
    billing = billing_of(ordering.line)
    begins_at = period_end(billing.calendar, now)
    row.tariffs = [*row.tariffs, [order.tariff, begins_at.isoformat()]]
    row.tariff_to_tell_at = begins_at
    return begins_at.astimezone(ZoneInfo(billing.timezone)).date()


def _change_option(ordering: Ordering, order: orders.ChangeOption) -> None:
    row, now = ordering.row, ordering.now.isoformat()
    if order.option not in offers().options:
        raise _refusal("Diese Option gibt es nicht.", "There is no such option.", "option")
    booked = [entry for entry in row.options if entry[0] == order.option and entry[2] is None]
    if order.booked:
        if booked:
            raise _refusal("Diese Option haben Sie schon.", "You have this option already.", "option")
        row.options = [*row.options, [order.option, now, None]]
        return
    if not booked:
        raise _refusal("Diese Option haben Sie nicht gebucht.", "You do not have this option.", "option")
    row.options = [[id_, at, now if [id_, at, until] in booked else until] for id_, at, until in row.options]


def _sims(ordering: Ordering, *states: SimState) -> list[EmbeddedSim]:
    return list(
        EmbeddedSim.objects.filter(subscriber_id=ordering.line.subscriber_id, state__in=states).order_by(
            "ordinal"
        )
    )


def _put(sims: list[EmbeddedSim], state: SimState, now: datetime) -> None:
    for sim in sims:
        sim.state, sim.since = state.value, now
        sim.save(update_fields=["state", "since"])


def _activate_sim(ordering: Ordering, order: orders.ActivateSim) -> None:
    iccid, code = checked_iccid(order.iccid), checked_activation_code(order.code)
    sent = [sim for sim in _sims(ordering, SimState.ORDERED) if sim.iccid == iccid]
    if not sent:
        raise _refusal(
            "Diese SIM gehört nicht zu einer Bestellung von Ihnen. Bitte vergleichen Sie die Nummer mit der "
            "Karte.",
            "This SIM is not one that you ordered. Please compare the number with the card.",
            "iccid",
        )
    if not compare_digest(sent[0].code, code):
        raise _refusal(
            "Dieser Aktivierungscode passt nicht zur SIM. Er steht im Brief zu Ihrer SIM.",
            "This activation code does not match the SIM. It is in the letter that came with it.",
            "code",
        )
    _put(_sims(ordering, SimState.ACTIVE, SimState.BLOCKED), SimState.REPLACED, ordering.now)
    _put(sent, SimState.ACTIVE, ordering.now)


def _block_sim(ordering: Ordering, _: orders.BlockSim) -> None:
    """Block what is in use; somebody in distress who asks twice is not refused."""
    _put(_sims(ordering, SimState.ACTIVE), SimState.BLOCKED, ordering.now)


def _unblock_sim(ordering: Ordering, _: orders.UnblockSim) -> None:
    blocked = _sims(ordering, SimState.BLOCKED)
    if not blocked:
        raise _refusal("Ihre SIM ist nicht gesperrt.", "Your SIM is not blocked.")
    _put(blocked, SimState.ACTIVE, ordering.now)


def _order_replacement(ordering: Ordering, order: orders.OrderReplacementSim) -> None:
    if _sims(ordering, SimState.ORDERED):
        raise _refusal(
            "Eine Ersatz-SIM ist schon unterwegs. Sie brauchen keine zweite zu bestellen.",
            "A replacement SIM is on its way already. You do not need to order another one.",
        )
    order_sim(ordering.line, is_esim=order.esim, now=ordering.now)


def _set_forwarding(ordering: Ordering, order: orders.SetForwarding) -> None:
    row = ordering.row
    to = None if order.to is None else checked_phone(order.to)
    if to == row.forwarding.get(order.when.value):
        raise _unchanged("to")
    if to is not None and to == facts_of_line(ordering.line).msisdn:
        raise _refusal(
            "Das ist Ihre eigene Nummer. Bitte geben Sie eine andere an.",
            "This is your own number. Please give another one.",
            "to",
        )
    if to is not None and is_costly(to):
        raise _refusal(
            "Zu dieser teuren Sondernummer leiten wir nicht um.",
            "We do not forward calls to this costly special number.",
            "to",
        )
    kept = {when: number for when, number in row.forwarding.items() if when != order.when.value}
    row.forwarding = kept if to is None else {**kept, order.when.value: to}


def _set_voicemail(ordering: Ordering, order: orders.SetVoicemail) -> None:
    row = ordering.row
    if order.seconds not in VOICEMAIL_SECONDS:
        raise _refusal(
            "Möglich sind 5, 10, 15, 20, 25 oder 30 Sekunden.",
            "Possible are 5, 10, 15, 20, 25 or 30 seconds.",
            "seconds",
        )
    wished = (order.on, order.seconds, order.tells_by_text)
    if wished == (row.voicemail_on, row.voicemail_seconds, row.voicemail_tells_by_text):
        raise _unchanged("on")
    row.voicemail_on, row.voicemail_seconds, row.voicemail_tells_by_text = wished


def _bar_number(ordering: Ordering, order: orders.BarNumber) -> None:
    row = ordering.row
    number = checked_phone(order.number, field="number")
    if not order.barred:
        if number not in row.barred_numbers:
            raise _refusal("Diese Nummer ist nicht gesperrt.", "This number is not barred.", "number")
        row.barred_numbers = [barred for barred in row.barred_numbers if barred != number]
        return
    if number in row.barred_numbers:
        raise _refusal("Diese Nummer ist schon gesperrt.", "This number is barred already.", "number")
    if number == facts_of_line(ordering.line).msisdn:
        raise _refusal(
            "Das ist Ihre eigene Nummer. Sie lässt sich nicht sperren.",
            "This is your own number. It cannot be barred.",
            "number",
        )
    if len(row.barred_numbers) >= MAX_BARRED:
        raise _refusal(
            f"Mehr als {MAX_BARRED} Nummern lassen sich nicht sperren. Bitte geben Sie zuerst eine frei.",
            f"No more than {MAX_BARRED} numbers can be barred. Please let one through first.",
            "number",
        )
    row.barred_numbers = [*row.barred_numbers, number]


_PERFORMERS: Final[Mapping[type, Callable[[Ordering, Any], date | None]]] = MappingProxyType(
    {
        orders.ChangeAddress: _change_address,
        orders.GoPaperless: _go_paperless,
        orders.ChangeBankAccount: _change_bank_account,
        orders.BlockThirdParties: _block_third_parties,
        orders.SwitchAutomaticTopUp: _switch_top_up,
        orders.ChangeTariff: _change_tariff,
        orders.ChangeOption: _change_option,
        orders.ActivateSim: _activate_sim,
        orders.BlockSim: _block_sim,
        orders.UnblockSim: _unblock_sim,
        orders.OrderReplacementSim: _order_replacement,
        orders.SetForwarding: _set_forwarding,
        orders.SetVoicemail: _set_voicemail,
        orders.BarNumber: _bar_number,
        orders.SwitchRoaming: _switch_roaming,
    }
)

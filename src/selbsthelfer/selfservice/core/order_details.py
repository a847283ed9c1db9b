"""An order as its receipt shows it: what was ordered in the customer's words, without secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from selbsthelfer.kit.wording import Words
from selbsthelfer.selfservice.core import orders
from selbsthelfer.selfservice.core.checking import masked_iban, shown_phone
from selbsthelfer.selfservice.core.orders import Order
from selbsthelfer.selfservice.core.records import ForwardWhen
from selbsthelfer.selfservice.core.results import Detail

FORWARD_WHEN: Final[Mapping[ForwardWhen, Words]] = MappingProxyType(
    {
        ForwardWhen.ALWAYS: Words("immer", "always"),
        ForwardWhen.BUSY: Words("wenn besetzt ist", "when the line is busy"),
        ForwardWhen.NO_ANSWER: Words("wenn niemand abnimmt", "when nobody answers"),
        ForwardWhen.UNREACHABLE: Words("wenn Sie nicht erreichbar sind", "when you cannot be reached"),
    }
)
"""When calls are forwarded, as it follows on “Calls are forwarded”."""

_ON, _OFF = Words("eingeschaltet", "on"), Words("ausgeschaltet", "off")
_BLOCKED, _OPEN = Words("gesperrt", "blocked"), Words("nicht gesperrt", "not blocked")


def details_of(order: Order) -> tuple[Detail, ...]:
    """Tell what an order is about, line by line; an IBAN is masked, a code is left out."""
    return tuple(Detail(name, value) for name, value in _TELLERS[type(order)](order))


_Pairs = list[tuple[Words, Words]]


def _plain(text: str) -> Words:
    return Words(text, text)


def _address(order: orders.ChangeAddress) -> _Pairs:
    address = order.address
    street = f"{address.street} {address.house_number}"
    pairs = [(Words("Straße", "Street"), _plain(street))]
    if address.addition:
        pairs.append((Words("Zusatz", "Addition"), _plain(address.addition)))
    return [*pairs, (Words("Ort", "Town"), _plain(f"{address.postcode} {address.city}"))]


def _paperless(_: orders.GoPaperless) -> _Pairs:
    return [(Words("Rechnung", "Bill"), Words("nur noch online", "online only"))]


def _bank_account(order: orders.ChangeBankAccount) -> _Pairs:
    return [
        (Words("Kontoinhaber", "Account holder"), _plain(order.account_holder)),
        (Words("IBAN", "IBAN"), _plain(masked_iban(order.iban))),
    ]


def _third_parties(order: orders.BlockThirdParties) -> _Pairs:
    return [(Words("Drittanbieter", "Third-party billing"), _BLOCKED if order.blocked else _OPEN)]


def _automatic_top_up(order: orders.SwitchAutomaticTopUp) -> _Pairs:
    return [(Words("Datenautomatik", "Automatic top-up"), _ON if order.on else _OFF)]


def _tariff(order: orders.ChangeTariff) -> _Pairs:
    return [(Words("Neuer Tarif", "New tariff"), _plain(order.tariff))]


def _option(order: orders.ChangeOption) -> _Pairs:
    told = Words("gebucht", "added") if order.booked else Words("abbestellt", "removed")
    return [(Words("Option", "Option"), _plain(order.option)), (Words("Auftrag", "Order"), told)]


def _activation(order: orders.ActivateSim) -> _Pairs:
    return [(Words("SIM-Kartennummer", "SIM number"), _plain(order.iccid))]


def _block(_: orders.BlockSim) -> _Pairs:
    return [(Words("SIM", "SIM"), _BLOCKED)]


def _unblock(_: orders.UnblockSim) -> _Pairs:
    return [(Words("SIM", "SIM"), Words("entsperrt", "unblocked"))]


def _replacement(order: orders.OrderReplacementSim) -> _Pairs:
    kind = Words("eSIM", "eSIM") if order.esim else Words("SIM-Karte", "SIM card")
    return [(Words("Bestellt", "Ordered"), kind)]


def _forwarding(order: orders.SetForwarding) -> _Pairs:
    to = Words("keine", "none") if order.to is None else _plain(shown_phone(order.to))
    return [
        (Words("Rufumleitung", "Call forwarding"), FORWARD_WHEN[order.when]),
        (Words("Ziel", "To"), to),
    ]


def _voicemail(order: orders.SetVoicemail) -> _Pairs:
    pairs = [(Words("Mailbox", "Voicemail"), _ON if order.on else _OFF)]
    if order.on:
        wait = Words(f"nach {order.seconds} Sekunden", f"after {order.seconds} seconds")
        told = Words("ja", "yes") if order.tells_by_text else Words("nein", "no")
        pairs += [(Words("Nimmt ab", "Answers"), wait), (Words("Hinweis per SMS", "Text message"), told)]
    return pairs


def _barring(order: orders.BarNumber) -> _Pairs:
    return [(_plain(shown_phone(order.number)), _BLOCKED if order.barred else _OPEN)]


def _roaming(order: orders.SwitchRoaming) -> _Pairs:
    return [(Words("Datenroaming", "Data roaming"), _ON if order.on else _OFF)]


_TELLERS: Final[Mapping[type, Callable[[Any], _Pairs]]] = MappingProxyType(
    {
        orders.ChangeAddress: _address,
        orders.GoPaperless: _paperless,
        orders.ChangeBankAccount: _bank_account,
        orders.BlockThirdParties: _third_parties,
        orders.SwitchAutomaticTopUp: _automatic_top_up,
        orders.ChangeTariff: _tariff,
        orders.ChangeOption: _option,
        orders.ActivateSim: _activation,
        orders.BlockSim: _block,
        orders.UnblockSim: _unblock,
        orders.OrderReplacementSim: _replacement,
        orders.SetForwarding: _forwarding,
        orders.SetVoicemail: _voicemail,
        orders.BarNumber: _barring,
        orders.SwitchRoaming: _roaming,
    }
)

"""Orders as TM Forum's service and product orders, both ways, and what became of one.

Tariff and option are product orders (TMF622), everything else is a service order (TMF641) whose
characteristics have the names of the switches in the service inventory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from selbsthelfer.kit.wording import Words, day
from selbsthelfer.selfservice.back_end import OrderRefusedError
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
from selbsthelfer.selfservice.core.records import Address
from selbsthelfer.selfservice.tmf.plain import (
    MAX_TEXT,
    ZONE,
    OddAnswerError,
    characteristics_of,
    day_of,
    instant_of,
    needed,
    text_of,
    values_of,
)
from selbsthelfer.selfservice.tmf.shapes import (
    PRODUCT_ORDERS,
    SERVICE_ORDERS,
    ErrorShape,
    Note,
    OrderItem,
    OrderShape,
    Reason,
    Ref,
    Service,
)
from selbsthelfer.selfservice.tmf.writing import FORWARDING

PRODUCT_ACTIVITIES: Final = frozenset({ChangeTariff.activity, ChangeOption.activity})
UNDER_WAY: Final = frozenset({"acknowledged", "pending", "held", "inProgress"})
REFUSED: Final = frozenset({"rejected", "failed", "cancelled"})
DONE: Final = "completed"

REFUSED_FOR_NO_REASON: Final = Words(
    "Der Auftrag wurde nicht angenommen. Es wurde nichts geändert.",
    "The order was not accepted. Nothing was changed.",
)
REFUSALS: Final[Mapping[str, tuple[Words, str | None]]] = {
    "unknownLine": (
        Words("Zu dieser Rufnummer gibt es keinen Vertrag.", "There is no contract for this number."),
        None,
    ),
    "invalidAddress": (
        Words(
            "Diese Anschrift kennen wir nicht. Bitte prüfen Sie Straße, Hausnummer und Postleitzahl.",
            "We do not know this address. Please check street, house number and postcode.",
        ),
        "postcode",
    ),
    "invalidIban": (
        Words(
            "Diese IBAN wurde nicht angenommen. Bitte prüfen Sie sie.",
            "This IBAN was not accepted. Please check it.",
        ),
        "iban",
    ),
    "offeringNotAvailable": (
        Words(
            "Das ist für Ihren Vertrag zurzeit nicht zu haben.",
            "This is not available for your contract at present.",
        ),
        None,
    ),
    "alreadyOrdered": (
        Words(
            "Das ist bereits bestellt und noch in Arbeit.",
            "This has been ordered already and is being worked on.",
        ),
        None,
    ),
    "invalidActivationCode": (
        Words(
            "Nummer und Code gehören zu keiner SIM-Karte, die auf Sie wartet.",
            "Number and code do not belong to a SIM that waits for you.",
        ),
        "code",
    ),
    "simNotBlocked": (Words("Ihre SIM ist nicht gesperrt.", "Your SIM is not blocked."), None),
    "invalidNumber": (
        Words("Diese Rufnummer geht hier nicht.", "This number cannot be used here."),
        "number",
    ),
}
"""Codes of refusals that are known, with what the customer reads and the field of the form it is about."""

_UNDER_WAY_WORDS: Final = Words("In Arbeit", "Being worked on")


def collection_of(activity: str) -> str:
    """Tell to which path an order of an activity is sent."""
    return PRODUCT_ORDERS if activity in PRODUCT_ACTIVITIES else SERVICE_ORDERS


def request(order: Order, *, line: str, key: str) -> OrderShape:
    """Write an order; `external_id` is its key, by which it can be found again."""
    match order:
        case ChangeTariff(tariff=offering):
            action = "modify"
        case ChangeOption(option=offering, booked=booked):
            action = "add" if booked else "delete"
        case _:
            service = Service(id=line, service_characteristic=characteristics_of(_wanted(order)))
            item = OrderItem(id="1", action="modify", service=service)
            return OrderShape(external_id=key, category=order.activity, service_order_item=[item])
    item = OrderItem(id="1", action=action, product=Ref(id=line), product_offering=Ref(id=offering))
    return OrderShape(external_id=key, category=order.activity, product_order_item=[item])


def _wanted(order: Order) -> dict[str, Any]:
    match order:
        case ChangeAddress(address=at):
            return {"address": _address_written(at)}
        case ChangeBankAccount(iban=iban, account_holder=holder):
            return {"iban": iban, "accountHolder": holder}
        case ActivateSim(iccid=iccid, code=code):
            return {"iccid": iccid, "activationCode": code}
        case SetForwarding(when=when, to=to):
            return {FORWARDING[when]: to}
        case SetVoicemail(on=on, seconds=seconds, tells_by_text=tells):
            return {"voicemail.on": on, "voicemail.seconds": seconds, "voicemail.tellsByText": tells}
        case BarNumber(number=number, barred=barred):
            return {"barredNumber": number, "barred": barred}
        case _:
            return _switched(order)


def _switched(order: Order) -> dict[str, Any]:
    match order:
        case BlockThirdParties(blocked=blocked):
            return {"thirdParties.blocked": blocked}
        case SwitchAutomaticTopUp(on=on):
            return {"automaticTopUp.on": on}
        case SwitchRoaming(on=on):
            return {"roaming.on": on}
        case OrderReplacementSim(esim=esim):
            return {"esim": esim}
        case BlockSim() | UnblockSim():
            return {"sim.blocked": isinstance(order, BlockSim)}
        case GoPaperless():
            return {"paperless.on": True}
        case _:
            raise TypeError(type(order).__name__)


def line_of(shape: OrderShape) -> str:
    """Read for which line an order is."""
    for item in (*shape.service_order_item, *shape.product_order_item):
        about = item.service or item.product
        if about is not None:
            return about.id
    raise OddAnswerError("orderItem")


def order_of(shape: OrderShape) -> Order:
    """Read an order as it was requested."""
    activity = text_of(shape.category, "category")
    if activity in PRODUCT_ACTIVITIES:
        return _product_order(activity, shape)
    if activity not in _READERS or not shape.service_order_item:
        raise OddAnswerError("category")
    service = shape.service_order_item[0].service
    if service is None:
        raise OddAnswerError("service")
    return _READERS[activity](values_of(service.service_characteristic))


def _product_order(activity: str, shape: OrderShape) -> Order:
    item = shape.product_order_item[0] if shape.product_order_item else None
    if item is None or item.product_offering is None:
        raise OddAnswerError("productOffering")
    if activity == ChangeTariff.activity:
        return ChangeTariff(item.product_offering.id)
    if item.action not in {"add", "delete"}:
        raise OddAnswerError("action")
    return ChangeOption(item.product_offering.id, booked=item.action == "add")


def _address_written(at: Address) -> dict[str, str]:
    written = {
        "streetName": at.street,
        "streetNr": at.house_number,
        "postcode": at.postcode,
        "city": at.city,
        "country": "DE",
    }
    return written | ({"addition": at.addition} if at.addition else {})


def _address_read(values: Mapping[str, Any]) -> ChangeAddress:
    at = values.get("address")
    if not isinstance(at, dict):
        raise OddAnswerError("address")
    street, number, postcode, city = (
        needed(at, name, str) for name in ("streetName", "streetNr", "postcode", "city")
    )
    return ChangeAddress(Address(street, number, postcode, city, str(at.get("addition", ""))))


def _forwarding_read(values: Mapping[str, Any]) -> SetForwarding:
    for when, name in FORWARDING.items():
        if name in values:
            return SetForwarding(when, None if values[name] is None else needed(values, name, str))
    raise OddAnswerError("forwarding")


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Order]]] = {
    ChangeAddress.activity: _address_read,
    GoPaperless.activity: lambda _: GoPaperless(),
    ChangeBankAccount.activity: lambda values: ChangeBankAccount(
        needed(values, "iban", str), needed(values, "accountHolder", str)
    ),
    BlockThirdParties.activity: lambda values: BlockThirdParties(
        needed(values, "thirdParties.blocked", bool)
    ),
    SwitchAutomaticTopUp.activity: lambda values: SwitchAutomaticTopUp(
        needed(values, "automaticTopUp.on", bool)
    ),
    ActivateSim.activity: lambda values: ActivateSim(
        needed(values, "iccid", str), needed(values, "activationCode", str)
    ),
    BlockSim.activity: lambda _: BlockSim(),
    UnblockSim.activity: lambda _: UnblockSim(),
    OrderReplacementSim.activity: lambda values: OrderReplacementSim(needed(values, "esim", bool)),
    SetForwarding.activity: _forwarding_read,
    SetVoicemail.activity: lambda values: SetVoicemail(
        needed(values, "voicemail.on", bool),
        needed(values, "voicemail.seconds", int),
        needed(values, "voicemail.tellsByText", bool),
    ),
    BarNumber.activity: lambda values: BarNumber(
        needed(values, "barredNumber", str), needed(values, "barred", bool)
    ),
    SwitchRoaming.activity: lambda values: SwitchRoaming(needed(values, "roaming.on", bool)),
}


def refusal(error: ErrorShape | None) -> OrderRefusedError:
    """Read why an order was refused: in the back end's own two languages, by its code, or in general."""
    if error is None:
        return OrderRefusedError(REFUSED_FOR_NO_REASON)
    words, field = REFUSALS.get(error.code or "", (REFUSED_FOR_NO_REASON, None))
    if error.reasons is not None and 0 < len(error.reasons.de) + len(error.reasons.en) <= 2 * MAX_TEXT:
        words = Words(error.reasons.de, error.reasons.en)
    return OrderRefusedError(words, field=error.at_field or field)


def error_of(refused: OrderRefusedError) -> ErrorShape:
    """Write why an order was refused."""
    return ErrorShape(
        code=refused.code,
        reason=refused.reason.en,
        reasons=Reason(de=refused.reason.de, en=refused.reason.en),
        at_field=refused.field,
    )


def expected_on(shape: OrderShape) -> date | None:
    """Read on which day an order that is under way shall be done."""
    if shape.expected_completion_date is None:
        return None
    return day_of(shape.expected_completion_date, "expectedCompletionDate")


def under_way(shape: OrderShape) -> Words:
    """Read how an order that is under way is told: by its notes, by the day it is due, or in general."""
    told = {note.id: note.text for note in shape.note if note.text and len(note.text) <= MAX_TEXT}
    if "de" in told and "en" in told:
        return Words(told["de"], told["en"])
    if shape.expected_completion_date is None:
        return _UNDER_WAY_WORDS
    when = day(instant_of(shape.expected_completion_date, "expectedCompletionDate"), ZONE.key)
    return Words(f"Vorgesehen für den {when.de}", f"Planned for {when.en}")


def notes_of(words: Words) -> list[Note]:
    return [Note(id="de", text=words.de), Note(id="en", text=words.en)]


def first_of(shapes: list[OrderShape]) -> OrderShape | None:
    """Find the order that counts where a back end made more than one for a key: the earliest."""
    return min(shapes, key=_age, default=None)


def _age(shape: OrderShape) -> tuple[bool, datetime, str]:
    known = shape.order_date is not None
    at = instant_of(shape.order_date, "orderDate") if known else datetime.min.replace(tzinfo=UTC)
    return not known, at, shape.id or ""

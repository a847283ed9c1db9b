"""Read TM Forum's resources as what a back end knows; what does not make sense is an `OddAnswerError`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from selbsthelfer.kit.wording import Words
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
from selbsthelfer.selfservice.tmf.plain import (
    OddAnswerError,
    all_words_of,
    cents_of,
    day_of,
    instant_of,
    member_of,
    needed,
    price_of,
    text_of,
    values_of,
    words_of,
    written_instant_of,
)
from selbsthelfer.selfservice.tmf.shapes import (
    BillShape,
    CustomerShape,
    MediumCharacteristic,
    Offering,
    OfferingPrice,
    Problem,
    Product,
    ProductPrice,
    ProductTerm,
    Rate,
    Ref,
    Resource,
    Service,
    ServiceTest,
    Usage,
)
from selbsthelfer.selfservice.tmf.writing import FORWARDING, OPTION, TARIFF, UNLIMITED

T = TypeVar("T")
_STREET: Final = re.compile(r"(?P<name>.*\S)\s+(?P<number>\d+\s?[a-zA-Z]?(?:\s?[-/]\s?\d+\s?[a-zA-Z]?)?)")
_REPAIRED: Final = frozenset({"resolved", "closed", "cancelled", "rejected"})
_RATE_TYPES: Final = {
    "recurring": BillLineKind.BASE,
    "usage": BillLineKind.USE,
    "adjustment": BillLineKind.CREDIT,
}
"""Types of rates that others write, besides our own kinds."""
_SIM_STATES: Final = {
    "reserved": SimState.ORDERED,
    "available": SimState.ACTIVE,
    "suspended": SimState.BLOCKED,
}


def customer(shape: CustomerShape) -> Customer:
    values = values_of(shape.characteristic)
    media = [each for each in shape.contact_medium if each.medium_type == "postalAddress"]
    media.sort(key=lambda each: not each.preferred)
    if not media or media[0].characteristic is None:
        raise OddAnswerError("contactMedium")
    party = shape.engaged_party
    return Customer(
        name=text_of(shape.name or (party.name if party else None), "name"),
        customer_number=text_of(str(values.get("customerNumber", shape.id)), "customerNumber"),
        address=address(media[0].characteristic),
        iban=needed(values, "iban", str),
        account_holder=needed(values, "accountHolder", str),
        is_paperless=needed(values, "paperless.on", bool),
    )


def address(medium: MediumCharacteristic) -> Address:
    """Read an address; where street and number are not apart, the number is what the line ends with."""
    street, number = medium.street_name, medium.street_nr
    if street is None or number is None:
        match = _STREET.fullmatch(medium.street1 or "")
        if match is None:
            raise OddAnswerError("street1")
        street, number = match["name"], match["number"]
    return Address(
        street=street,
        house_number=number,
        postcode=text_of(medium.post_code, "postCode"),
        city=text_of(medium.city, "city"),
        addition=medium.street2 or "",
    )


def contract(shape: Product) -> Contract:
    values = values_of(shape.product_characteristic)
    following = [each for each in shape.product if _is(each, TARIFF, "pendingActive")]
    following.sort(key=lambda each: instant_of(each.start_date, "startDate"))
    return Contract(
        number=_only(shape.agreement, "agreement").id,
        tariff=_tariff_held(shape, values),
        options=tuple(_option_held(each) for each in shape.product if _is(each, OPTION, "active")),
        began_on=day_of(shape.start_date, "startDate"),
        may_end_on=day_of(_term_end(shape.product_term), "productTerm"),
        notice_days=_notice_days(shape.product_term),
        next_tariff=_tariff_held(following[0], values_of(following[0].product_characteristic))
        if following
        else None,
        next_tariff_from=day_of(following[0].start_date, "startDate") if following else None,
    )


def customer_id(shape: Product) -> str:
    """Read whose contract it is."""
    return _only([each for each in shape.related_party if each.role == "customer"], "relatedParty").id


def account_id(shape: Product) -> str:
    """Read by which account the line is billed."""
    if shape.billing_account is None:
        raise OddAnswerError("billingAccount")
    return shape.billing_account.id


def tariff(shape: Offering) -> TariffOffer:
    values = _used(shape)
    return TariffOffer(
        id=shape.id,
        name=_name(values, shape.name),
        included_bytes=_included(values),
        price_cents=_recurring(shape.product_offering_price),
        facts=all_words_of(values.get("facts", []), "facts"),
    )


def option(shape: Offering, *, booked: frozenset[str]) -> OptionOffer:
    values = _used(shape)
    return OptionOffer(
        id=shape.id,
        name=_name(values, shape.name),
        price_cents=_recurring(shape.product_offering_price),
        facts=all_words_of(values.get("facts", []), "facts"),
        is_booked=shape.id in booked,
    )


def booked(shape: Product) -> frozenset[str]:
    """Read which options a line has."""
    return frozenset(option.id for option in contract(shape).options)


def bill(shape: BillShape, rates: Iterable[Rate]) -> Bill:
    """Read a bill; its lines are those of the rates that name it, in their order."""
    period = shape.billing_period
    if period is None:
        raise OddAnswerError("billingPeriod")
    return Bill(
        number=text_of(shape.bill_no, "billNo"),
        issued_on=day_of(shape.bill_date, "billDate"),
        first_on=day_of(period.start_date_time, "billingPeriod"),
        last_on=day_of(period.end_date_time, "billingPeriod"),
        due_on=day_of(shape.payment_due_date, "paymentDueDate"),
        lines=tuple(_bill_line(rate) for rate in rates if rate.bill and rate.bill.id == shape.id),
    )


def is_running(shape: BillShape) -> bool:
    """Tell whether a bill is still growing, so that nobody has received it."""
    return shape.state in {"new", "onHold"}


def cost_so_far(shape: BillShape) -> CostSoFar:
    return CostSoFar(
        cents=cents_of(shape.tax_included_amount, "taxIncludedAmount"),
        counted_at=instant_of(shape.last_update, "lastUpdate"),
    )


def record(shape: Usage) -> ConnectionRecord:
    values = values_of(shape.usage_characteristic)
    rated = _only(shape.rated_product_usage, "ratedProductUsage")
    return ConnectionRecord(
        started_at=instant_of(shape.usage_date, "usageDate"),
        kind=member_of(ConnectionKind, shape.usage_type, "usageType"),
        other=needed(values, "other", str),
        seconds=needed(values, "seconds", int),
        bytes=needed(values, "bytes", int),
        amount_cents=cents_of(rated.tax_included_rating_amount, "taxIncludedRatingAmount"),
    )


def sim(shape: Resource) -> Sim:
    if shape.administrative_state == "shutdown":
        state = SimState.REPLACED
    elif shape.resource_status in _SIM_STATES:
        state = _SIM_STATES[shape.resource_status]
    else:
        raise OddAnswerError("resourceStatus")
    return Sim(
        iccid=shape.id,
        is_esim=needed(values_of(shape.resource_characteristic), "esim", bool),
        state=state,
        since=instant_of(shape.start_operating_date, "startOperatingDate"),
    )


def sim_secrets(shape: Resource) -> SimSecrets:
    values = values_of(shape.resource_characteristic)
    return SimSecrets(shape.id, needed(values, "pin", str), needed(values, "puk", str))


def settings(shape: Service) -> LineSettings:
    values = values_of(shape.service_characteristic)
    numbers = values.get("barredNumbers")
    if not isinstance(numbers, list) or not all(isinstance(each, str) for each in numbers):
        raise OddAnswerError("barredNumbers")
    return LineSettings(
        forwarding={
            when: needed(values, name, str)
            for when, name in FORWARDING.items()
            if values.get(name) is not None
        },
        voicemail=Voicemail(
            is_on=needed(values, "voicemail.on", bool),
            seconds=needed(values, "voicemail.seconds", int),
            tells_by_text=needed(values, "voicemail.tellsByText", bool),
        ),
        barred_numbers=tuple(numbers),
        is_roaming_on=needed(values, "roaming.on", bool),
        is_automatic_top_up_on=needed(values, "automaticTopUp.on", bool),
        is_third_party_blocked=needed(values, "thirdParties.blocked", bool),
    )


def roaming(shape: Offering) -> RoamingPrice:
    values = _used(shape)
    prices = {
        price.unit_of_measure.units: price
        for price in shape.product_offering_price
        if price.unit_of_measure is not None
    }
    call, text, data = (_usage_price(prices.get(unit), unit) for unit in ("min", "SMS", "MB"))
    return RoamingPrice(
        zone=_name(values, shape.name),
        countries=all_words_of(values.get("countries"), "countries"),
        call_cents_per_minute=call,
        text_cents=text,
        data_cents_per_megabyte=data,
        note=words_of(_first(values.get("note")), "note"),
    )


def fault(shape: Problem) -> NetworkFault:
    values = values_of(shape.characteristic)
    return NetworkFault(
        number=shape.id,
        place=text_of(_only(shape.affected_location, "affectedLocation").name, "affectedLocation"),
        what=words_of(values.get("what", shape.description), "description"),
        state=FaultState.REPAIRED if shape.status in _REPAIRED else FaultState.KNOWN,
        began_at=instant_of(shape.creation_date, "creationDate"),
        expected_at=written_instant_of(values, "expectedAt"),
    )


def has_passed(shape: ServiceTest) -> bool:
    """Read the outcome of a test; one that is not over has none."""
    measure = _only(shape.test_measure, "testMeasure")
    if shape.state != "completed" or measure.value is None or not isinstance(measure.value.value, bool):
        raise OddAnswerError("testMeasure")
    return measure.value.value


def _only(many: Sequence[T], code: str) -> T:
    """Take the first one, which must be there."""
    if not many:
        raise OddAnswerError(code)
    return many[0]


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else None


def _is(shape: Product, category: str, status: str) -> bool:
    return shape.status == status and values_of(shape.product_characteristic).get("category") == category


def _name(values: Mapping[str, Any], plain: str | None) -> Words:
    name = values.get("name", plain)
    return words_of(_first(name) if isinstance(name, list) else name, "name")


def _included(values: Mapping[str, Any]) -> int | None:
    value = values.get("includedBytes")
    included = _first(value) if isinstance(value, list) else value
    return None if included == UNLIMITED else needed({"includedBytes": included}, "includedBytes", int)


def _offered(shape: Product) -> Ref:
    if shape.product_offering is None:
        raise OddAnswerError("productOffering")
    return shape.product_offering


def _tariff_held(shape: Product, values: Mapping[str, Any]) -> TariffOffer:
    offered = _offered(shape)
    return TariffOffer(
        id=offered.id,
        name=_name(values, offered.name),
        included_bytes=_included(values),
        price_cents=_recurring(shape.product_price),
        facts=all_words_of(values.get("facts", []), "facts"),
    )


def _option_held(shape: Product) -> OptionOffer:
    values, offered = values_of(shape.product_characteristic), _offered(shape)
    return OptionOffer(
        id=offered.id,
        name=_name(values, offered.name),
        price_cents=_recurring(shape.product_price),
        facts=all_words_of(values.get("facts", []), "facts"),
        is_booked=True,
    )


def _recurring(prices: Sequence[ProductPrice | OfferingPrice]) -> int:
    return price_of(
        _only([each for each in prices if each.price_type == "recurring"], "price").price, "price"
    )


def _usage_price(price: OfferingPrice | None, unit: str) -> int:
    return price_of(price.price if price else None, f"price.{unit}")


def _used(shape: Offering) -> dict[str, Any]:
    """Read the characteristics of an offering, whose values are lists."""
    return {
        use.name: [each.value for each in use.product_spec_characteristic_value]
        for use in shape.prod_spec_char_value_use
        if use.name is not None
    }


def _term_end(terms: Sequence[ProductTerm]) -> datetime | None:
    found = [each.valid_for for each in terms if each.name == "commitment"]
    return found[0].end_date_time if found and found[0] else None


def _notice_days(terms: Sequence[ProductTerm]) -> int:
    found = [each.duration for each in terms if each.name == "notice"]
    if not found or found[0] is None or found[0].units != "day" or found[0].amount is None:
        raise OddAnswerError("productTerm")
    if not 0 <= found[0].amount < 10_000:
        raise OddAnswerError("productTerm")
    return int(found[0].amount)


def _bill_line(rate: Rate) -> BillLine:
    values = values_of(rate.characteristic)
    kind = _RATE_TYPES.get(rate.type or "")
    return BillLine(
        kind=kind or member_of(BillLineKind, rate.type, "type"),
        name=words_of(values.get("name", rate.name), "name"),
        quantity=str(values.get("quantity", "")),
        amount_cents=cents_of(rate.tax_included_amount, "taxIncludedAmount"),
        explanation=words_of(values.get("explanation", rate.description), "description"),
    )

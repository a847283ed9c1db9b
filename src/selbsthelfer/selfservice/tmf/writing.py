"""Write what a back end knows as TM Forum's resources: what the simulator answers with."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from selbsthelfer.kit.wording import Words
from selbsthelfer.selfservice.core.records import (
    Bill,
    BillLine,
    ConnectionRecord,
    Contract,
    CostSoFar,
    Customer,
    ForwardWhen,
    LineSettings,
    NetworkFault,
    OptionOffer,
    RoamingPrice,
    Sim,
    SimSecrets,
    SimState,
    TariffOffer,
)
from selbsthelfer.selfservice.core.records import FaultState as State
from selbsthelfer.selfservice.tmf.plain import (
    characteristics_of,
    end_of,
    money_of,
    said,
    start_of,
)
from selbsthelfer.selfservice.tmf.shapes import (
    BillShape,
    CharacteristicValue,
    CharacteristicValueUse,
    ContactMedium,
    CustomerShape,
    MediumCharacteristic,
    Offering,
    OfferingPrice,
    Price,
    Problem,
    Product,
    ProductPrice,
    ProductTerm,
    Quantity,
    Rate,
    RatedUsage,
    Ref,
    Resource,
    Service,
    TimePeriod,
    Usage,
)

TARIFF: Final = "tariff"
OPTION: Final = "option"
ROAMING: Final = "roaming"
"""The categories of offerings."""
SIM: Final = "sim"
SIM_SECRETS: Final = "simSecrets"
"""The categories of resources; the codes of a SIM are asked for apart, so that few answers hold them."""
UNLIMITED: Final = "unlimited"

FORWARDING: Final = {
    ForwardWhen.ALWAYS: "forwarding.always",
    ForwardWhen.BUSY: "forwarding.busy",
    ForwardWhen.NO_ANSWER: "forwarding.noAnswer",
    ForwardWhen.UNREACHABLE: "forwarding.unreachable",
}
SIM_STATES: Final = {
    SimState.ORDERED: ("reserved", "locked"),
    SimState.ACTIVE: ("available", "unlocked"),
    SimState.BLOCKED: ("suspended", "locked"),
    SimState.REPLACED: ("standby", "shutdown"),
}
"""The state of a SIM as resource status and administrative state."""


def customer(value: Customer, *, id_: str) -> CustomerShape:
    at = value.address
    medium = MediumCharacteristic(
        street1=f"{at.street} {at.house_number}",
        street2=at.addition or None,
        street_name=at.street,
        street_nr=at.house_number,
        post_code=at.postcode,
        city=at.city,
        country="DE",
    )
    return CustomerShape(
        id=id_,
        name=value.name,
        engaged_party=Ref(id=id_, name=value.name, referred_type="Individual"),
        contact_medium=[ContactMedium(medium_type="postalAddress", preferred=True, characteristic=medium)],
        characteristic=characteristics_of(
            {
                "customerNumber": value.customer_number,
                "iban": value.iban,
                "accountHolder": value.account_holder,
                "paperless.on": value.is_paperless,
            }
        ),
    )


def contract(value: Contract, *, id_: str) -> Product:
    """Write a contract as the product of its line; options and a tariff to follow are products inside it."""
    inside = [_option(option) for option in value.options]
    if value.next_tariff is not None and value.next_tariff_from is not None:
        inside.append(
            Product(
                id=value.next_tariff.id,
                status="pendingActive",
                start_date=start_of(value.next_tariff_from),
                product_offering=_offering_ref(value.next_tariff),
                product_price=[_recurring(value.next_tariff.price_cents)],
                product_characteristic=characteristics_of(_tariff_values(value.next_tariff)),
            )
        )
    return Product(
        id=id_,
        status="active",
        start_date=start_of(value.began_on),
        agreement=[Ref(id=value.number)],
        billing_account=Ref(id=id_),
        related_party=[Ref(id=id_, role="customer", referred_type="Customer")],
        product=inside,
        product_offering=_offering_ref(value.tariff),
        product_price=[_recurring(value.tariff.price_cents)],
        product_characteristic=characteristics_of(_tariff_values(value.tariff)),
        product_term=[
            ProductTerm(name="commitment", valid_for=TimePeriod(end_date_time=end_of(value.may_end_on))),
            ProductTerm(name="notice", duration=Quantity(amount=Decimal(value.notice_days), units="day")),
        ],
    )


def tariff(value: TariffOffer) -> Offering:
    return _offering(value.id, value.name, TARIFF, value.price_cents, _tariff_values(value))


def option(value: OptionOffer) -> Offering:
    return _offering(value.id, value.name, OPTION, value.price_cents, _option_values(value))


def bill(value: Bill, *, account: str) -> BillShape:
    return BillShape(
        id=value.number,
        bill_no=value.number,
        bill_date=start_of(value.issued_on),
        payment_due_date=end_of(value.due_on),
        state="sent",
        billing_account=Ref(id=account),
        billing_period=TimePeriod(
            start_date_time=start_of(value.first_on), end_date_time=end_of(value.last_on)
        ),
        tax_included_amount=money_of(value.total_cents),
    )


def rates(value: Bill, *, account: str) -> list[Rate]:
    """Write the lines of a bill, in their order."""
    return [_rate(line, f"{value.number}-{at}", value, account) for at, line in enumerate(value.lines, 1)]


def running_bill(value: CostSoFar, *, account: str) -> BillShape:
    return BillShape(
        id="running",
        state="new",
        last_update=value.counted_at,
        billing_account=Ref(id=account),
        tax_included_amount=money_of(value.cents),
    )


def usage(value: ConnectionRecord, *, line: str) -> Usage:
    rated = RatedUsage(product_ref=Ref(id=line), tax_included_rating_amount=money_of(value.amount_cents))
    return Usage(
        usage_date=value.started_at,
        usage_type=value.kind.value,
        rated_product_usage=[rated],
        usage_characteristic=characteristics_of(
            {"other": value.other, "seconds": value.seconds, "bytes": value.bytes}
        ),
    )


def sim(value: Sim, *, line: str) -> Resource:
    status, administrative = SIM_STATES[value.state]
    return Resource(
        id=value.iccid,
        category=SIM,
        resource_status=status,
        administrative_state=administrative,
        start_operating_date=value.since,
        related_party=[Ref(id=line, role="line", referred_type="Product")],
        resource_characteristic=characteristics_of({"esim": value.is_esim}),
    )


def sim_secrets(value: SimSecrets, *, line: str) -> Resource:
    return Resource(
        id=value.iccid,
        category=SIM_SECRETS,
        related_party=[Ref(id=line, role="line", referred_type="Product")],
        resource_characteristic=characteristics_of({"pin": value.pin, "puk": value.puk}),
    )


def settings(value: LineSettings, *, line: str) -> Service:
    forwarding: dict[str, Any] = {FORWARDING[when]: to for when, to in value.forwarding.items()}
    return Service(
        id=line,
        service_characteristic=characteristics_of(
            forwarding
            | {
                "voicemail.on": value.voicemail.is_on,
                "voicemail.seconds": value.voicemail.seconds,
                "voicemail.tellsByText": value.voicemail.tells_by_text,
                "barredNumbers": list(value.barred_numbers),
                "roaming.on": value.is_roaming_on,
                "automaticTopUp.on": value.is_automatic_top_up_on,
                "thirdParties.blocked": value.is_third_party_blocked,
            }
        ),
    )


def roaming(value: RoamingPrice, *, id_: str) -> Offering:
    prices = (
        ("min", value.call_cents_per_minute),
        ("SMS", value.text_cents),
        ("MB", value.data_cents_per_megabyte),
    )
    values = {
        "name": said(value.zone),
        "countries": [said(country) for country in value.countries],
        "note": said(value.note),
    }
    return Offering(
        id=id_,
        name=value.zone.de,
        category=[Ref(id=ROAMING)],
        prod_spec_char_value_use=_uses(values),
        product_offering_price=[
            OfferingPrice(
                price_type="usage",
                unit_of_measure=Quantity(amount=Decimal(1), units=unit),
                price=Price(tax_included_amount=money_of(cents)),
            )
            for unit, cents in prices
        ],
    )


def problem(value: NetworkFault, *, postcode: str) -> Problem:
    expected = {} if value.expected_at is None else {"expectedAt": value.expected_at.isoformat()}
    return Problem(
        id=value.number,
        description=value.what.de,
        status="inProgress" if value.state is State.KNOWN else "resolved",
        creation_date=value.began_at,
        affected_location=[Ref(id=postcode, name=value.place)],
        characteristic=characteristics_of({"what": said(value.what), **expected}),
    )


def _tariff_values(value: TariffOffer) -> dict[str, Any]:
    included = UNLIMITED if value.included_bytes is None else value.included_bytes
    return {
        "category": TARIFF,
        "name": said(value.name),
        "includedBytes": included,
        "facts": [said(fact) for fact in value.facts],
    }


def _option_values(value: OptionOffer) -> dict[str, Any]:
    return {"category": OPTION, "name": said(value.name), "facts": [said(fact) for fact in value.facts]}


def _option(value: OptionOffer) -> Product:
    return Product(
        id=value.id,
        status="active",
        product_offering=_offering_ref(value),
        product_price=[_recurring(value.price_cents)],
        product_characteristic=characteristics_of(_option_values(value)),
    )


def _offering_ref(value: TariffOffer | OptionOffer) -> Ref:
    return Ref(id=value.id, name=value.name.de)


def _recurring(cents: int) -> ProductPrice:
    return ProductPrice(
        price_type="recurring",
        recurring_charge_period="month",
        price=Price(tax_included_amount=money_of(cents)),
    )


def _offering(id_: str, name: Words, category: str, cents: int, values: dict[str, Any]) -> Offering:
    price = OfferingPrice(
        price_type="recurring",
        recurring_charge_period="month",
        price=Price(tax_included_amount=money_of(cents)),
    )
    return Offering(
        id=id_,
        name=name.de,
        lifecycle_status="Active",
        category=[Ref(id=category)],
        prod_spec_char_value_use=_uses({key: each for key, each in values.items() if key != "category"}),
        product_offering_price=[price],
    )


def _uses(values: dict[str, Any]) -> list[CharacteristicValueUse]:
    """Write characteristics of an offering, whose values are lists."""
    return [
        CharacteristicValueUse(name=name, product_spec_characteristic_value=_each(value))
        for name, value in values.items()
    ]


def _each(value: Any) -> list[CharacteristicValue]:
    many: Sequence[Any] = value if isinstance(value, list) else [value]
    return [CharacteristicValue(value=each) for each in many]


def _rate(line: BillLine, id_: str, of: Bill, account: str) -> Rate:
    return Rate(
        id=id_,
        type=line.kind.value,
        name=line.name.de,
        description=line.explanation.de,
        bill=Ref(id=of.number),
        billing_account=Ref(id=account),
        tax_included_amount=money_of(line.amount_cents),
        characteristic=characteristics_of(
            {
                "name": said(line.name),
                "quantity": line.quantity,
                "explanation": said(line.explanation),
            }
        ),
    )

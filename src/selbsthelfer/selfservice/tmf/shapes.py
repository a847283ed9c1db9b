"""The shapes of TM Forum's resources (their version 4), as far as they are read or written here.

A shape is lenient: whatever may be missing is optional, and members that are not named are passed over. What
a value of ours needs and a resource does not have is told by `reading`. Amounts are decimal numbers.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct, field

PRODUCTS = "/tmf-api/productInventory/v4/product"
CUSTOMERS = "/tmf-api/customerManagement/v4/customer"
OFFERINGS = "/tmf-api/productCatalogManagement/v4/productOffering"
BILLS = "/tmf-api/customerBillManagement/v4/customerBill"
RATES = "/tmf-api/customerBillManagement/v4/appliedCustomerBillingRate"
USAGES = "/tmf-api/usageManagement/v4/usage"
RESOURCES = "/tmf-api/resourceInventoryManagement/v4/resource"
SERVICES = "/tmf-api/serviceInventory/v4/service"
PROBLEMS = "/tmf-api/serviceProblemManagement/v4/serviceProblem"
SERVICE_TESTS = "/tmf-api/serviceTestManagement/v4/serviceTest"
SERVICE_ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
PRODUCT_ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"


class Shape(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What all shapes share: members in camel case; members that say nothing are not written."""


class Ref(Shape, frozen=True, kw_only=True):
    id: str
    name: str | None = None
    role: str | None = None
    referred_type: str | None = field(default=None, name="@referredType")


class Quantity(Shape, frozen=True, kw_only=True):
    amount: Decimal | None = None
    units: str | None = None


class Money(Shape, frozen=True, kw_only=True):
    value: Decimal
    unit: str | None = None


class TimePeriod(Shape, frozen=True, kw_only=True):
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None


class Characteristic(Shape, frozen=True, kw_only=True):
    name: str
    value: Any


class Price(Shape, frozen=True, kw_only=True):
    tax_included_amount: Money | None = None


class ProductPrice(Shape, frozen=True, kw_only=True):
    price_type: str | None = None
    recurring_charge_period: str | None = None
    price: Price | None = None


class ProductTerm(Shape, frozen=True, kw_only=True):
    name: str | None = None
    duration: Quantity | None = None
    valid_for: TimePeriod | None = None


class Product(Shape, frozen=True, kw_only=True):
    """A product of TMF637: the contract of a line, which holds its options and a tariff that is to follow."""

    id: str
    name: str | None = None
    status: str | None = None
    start_date: datetime | None = None
    agreement: list[Ref] = []
    billing_account: Ref | None = None
    product: list[Product] = []
    product_characteristic: list[Characteristic] = []
    product_offering: Ref | None = None
    product_price: list[ProductPrice] = []
    product_term: list[ProductTerm] = []
    related_party: list[Ref] = []


class CharacteristicValue(Shape, frozen=True, kw_only=True):
    value: Any = None
    unit_of_measure: str | None = None


class CharacteristicValueUse(Shape, frozen=True, kw_only=True):
    name: str | None = None
    product_spec_characteristic_value: list[CharacteristicValue] = []


class OfferingPrice(Shape, frozen=True, kw_only=True):
    name: str | None = None
    price_type: str | None = None
    recurring_charge_period: str | None = None
    unit_of_measure: Quantity | None = None
    price: Price | None = None


class Offering(Shape, frozen=True, kw_only=True):
    """A product offering of TMF620: a tariff, an option, or a zone of roaming."""

    id: str
    name: str | None = None
    lifecycle_status: str | None = None
    category: list[Ref] = []
    prod_spec_char_value_use: list[CharacteristicValueUse] = []
    product_offering_price: list[OfferingPrice] = []


class MediumCharacteristic(Shape, frozen=True, kw_only=True):
    """A postal address; `street_name` and `street_nr` are the words of TMF673 and optional here."""

    street1: str | None = field(default=None, name="street1")
    street2: str | None = field(default=None, name="street2")
    street_name: str | None = None
    street_nr: str | None = None
    post_code: str | None = None
    city: str | None = None
    country: str | None = None


class ContactMedium(Shape, frozen=True, kw_only=True):
    medium_type: str | None = None
    preferred: bool = False
    characteristic: MediumCharacteristic | None = None


class CustomerShape(Shape, frozen=True, kw_only=True):
    """A customer of TMF629."""

    id: str
    name: str | None = None
    engaged_party: Ref | None = None
    contact_medium: list[ContactMedium] = []
    characteristic: list[Characteristic] = []


class BillShape(Shape, frozen=True, kw_only=True):
    """A customer bill of TMF678; the one in the state `new` is still growing."""

    id: str
    bill_no: str | None = None
    bill_date: datetime | None = None
    payment_due_date: datetime | None = None
    last_update: datetime | None = None
    state: str | None = None
    billing_account: Ref | None = None
    billing_period: TimePeriod | None = None
    tax_included_amount: Money | None = None


class Rate(Shape, frozen=True, kw_only=True):
    """An applied customer billing rate of TMF678: one line of a bill."""

    id: str
    type: str | None = None
    name: str | None = None
    description: str | None = None
    bill: Ref | None = None
    billing_account: Ref | None = None
    characteristic: list[Characteristic] = []
    tax_included_amount: Money | None = None


class RatedUsage(Shape, frozen=True, kw_only=True):
    product_ref: Ref | None = None
    tax_included_rating_amount: Money | None = None


class Usage(Shape, frozen=True, kw_only=True):
    """A usage of TMF635: one connection."""

    id: str | None = None
    usage_date: datetime | None = None
    usage_type: str | None = None
    rated_product_usage: list[RatedUsage] = []
    usage_characteristic: list[Characteristic] = []


class Resource(Shape, frozen=True, kw_only=True):
    """A resource of TMF639: a SIM."""

    id: str
    category: str | None = None
    administrative_state: str | None = None
    resource_status: str | None = None
    start_operating_date: datetime | None = None
    related_party: list[Ref] = []
    resource_characteristic: list[Characteristic] = []


class Service(Shape, frozen=True, kw_only=True):
    """A service of TMF638: the switches of a line, or what is wanted of them in an order."""

    id: str
    service_characteristic: list[Characteristic] = []


class Problem(Shape, frozen=True, kw_only=True):
    """A service problem of TMF656: a fault of the network."""

    id: str
    description: str | None = None
    status: str | None = None
    creation_date: datetime | None = None
    affected_location: list[Ref] = []
    characteristic: list[Characteristic] = []


class Measure(Shape, frozen=True, kw_only=True):
    metric_name: str | None = None
    value: Characteristic | None = None


class ServiceTest(Shape, frozen=True, kw_only=True):
    """A service test of TMF653, which compares a code without writing it into an address."""

    id: str | None = None
    name: str | None = None
    state: str | None = None
    related_service: Ref | None = None
    test_specification: Ref | None = None
    characteristic: list[Characteristic] = []
    test_measure: list[Measure] = []


class Reason(Shape, frozen=True, kw_only=True):
    de: str
    en: str


class ErrorShape(Shape, frozen=True, kw_only=True):
    """An error of TM Forum; `reasons` and `field` are additions that a back end may make."""

    code: str | None = None
    reason: str | None = None
    message: str | None = None
    status: str | None = None
    reasons: Reason | None = None
    at_field: str | None = field(default=None, name="field")


class OrderItem(Shape, frozen=True, kw_only=True):
    """An item of an order: TMF641 changes a service, TMF622 a product by an offering."""

    id: str
    action: str
    service: Service | None = None
    product: Ref | None = None
    product_offering: Ref | None = None


class Note(Shape, frozen=True, kw_only=True):
    """A note; one whose id is `de` or `en` tells in that language what is under way."""

    id: str | None = None
    text: str


class OrderShape(Shape, frozen=True, kw_only=True):
    """A service order of TMF641 or a product order of TMF622; they differ in the name of their items."""

    id: str | None = None
    external_id: str | None = None
    category: str | None = None
    description: str | None = None
    state: str | None = None
    order_date: datetime | None = None
    expected_completion_date: datetime | None = None
    completion_date: datetime | None = None
    error_message: list[ErrorShape] = []
    note: list[Note] = []
    service_order_item: list[OrderItem] = []
    product_order_item: list[OrderItem] = []


def encode(shape: object) -> bytes:
    """Write shapes as JSON; decimal amounts become numbers."""
    return msgspec.json.Encoder(decimal_format="number").encode(shape)

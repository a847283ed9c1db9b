"""The back end over HTTP, in the manner of TM Forum's open interfaces."""

# ruff: noqa: ARG002 - the port tells every method the time; this back end has a clock of its own

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Final

from selbsthelfer.kit.wording import Words
from selbsthelfer.selfservice.back_end import (
    MAX_BILLS,
    MAX_RECORDS,
    Confirmation,
)
from selbsthelfer.selfservice.core.orders import Order
from selbsthelfer.selfservice.core.records import (
    Bill,
    ConnectionRecord,
    Contract,
    CostSoFar,
    Customer,
    LineSettings,
    NetworkFault,
    OptionOffer,
    RoamingPrice,
    Sim,
    SimSecrets,
    TariffOffer,
)
from selbsthelfer.selfservice.tmf import reading
from selbsthelfer.selfservice.tmf.calling import (
    Caller,
    NoAnswerError,
    NotSentError,
    Patience,
    decoded,
    expect,
    expect_one,
    making_sense,
)
from selbsthelfer.selfservice.tmf.ordering import Ordering
from selbsthelfer.selfservice.tmf.plain import OddAnswerError, end_of, start_of
from selbsthelfer.selfservice.tmf.shapes import (
    BILLS,
    CUSTOMERS,
    OFFERINGS,
    PROBLEMS,
    PRODUCTS,
    RATES,
    RESOURCES,
    SERVICE_TESTS,
    SERVICES,
    USAGES,
    BillShape,
    Characteristic,
    CustomerShape,
    Offering,
    Problem,
    Product,
    Rate,
    Ref,
    Resource,
    Service,
    ServiceTest,
    Usage,
)
from selbsthelfer.selfservice.tmf.writing import OPTION, ROAMING, SIM, SIM_SECRETS, TARIFF
from selbsthelfer.subscribers.core.lines import LineRef

MAX_OFFERINGS: Final = 200
MAX_BILL_LINES: Final = 1_500
"""Lines of all bills that are shown together."""
MAX_SIMS: Final = 30
MAX_FAULTS: Final = 30
CUSTOMER_CODE: Final = "customerCode"
"""The service test that compares the code of a customer."""


class TmfBackEnd:
    """The operator's systems behind TM Forum's interfaces."""

    name: ClassVar[str] = "tmf"

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        patience: Patience = Patience(),  # noqa: B008
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._caller = Caller(base_url, token, patience)
        self._ordering = Ordering(self._caller, patience, sleep)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> TmfBackEnd:
        """Make it from SELBSTHELFER_BACK_END_URL and _TOKEN; raises `BackEndAddressError`."""
        return cls(
            environment.get("SELBSTHELFER_BACK_END_URL", ""),
            environment.get("SELBSTHELFER_BACK_END_TOKEN", ""),
        )

    def close(self) -> None:
        self._caller.close()

    def customer(self, line: LineRef, *, now: datetime) -> Customer:
        with making_sense(CUSTOMERS):
            until = self._caller.deadline()
            id_ = reading.customer_id(self._product(line, until))
            shape = self._caller.one(CUSTOMERS, id_, CustomerShape, until=until)
            expect(shape.id, id_)
            return reading.customer(shape)

    def contract(self, line: LineRef, *, now: datetime) -> Contract:
        with making_sense(PRODUCTS):
            return reading.contract(self._product(line, self._caller.deadline()))

    def tariffs(self, line: LineRef, *, now: datetime) -> Sequence[TariffOffer]:
        with making_sense(OFFERINGS):
            shapes = self._offerings(TARIFF, line, self._caller.deadline())
            return [reading.tariff(shape) for shape in shapes]

    def options(self, line: LineRef, *, now: datetime) -> Sequence[OptionOffer]:
        with making_sense(OFFERINGS):
            until = self._caller.deadline()
            booked = reading.booked(self._product(line, until))
            return [reading.option(shape, booked=booked) for shape in self._offerings(OPTION, line, until)]

    def bills(self, line: LineRef, *, now: datetime) -> Sequence[Bill]:
        with making_sense(BILLS):
            until = self._caller.deadline()
            account = reading.account_id(self._product(line, until))
            query = {
                "billingAccount.id": account,
                "state": "validated,sent,partiallyPaid,settled",
                "sort": "-billDate",
            }
            found = self._caller.many(BILLS, BillShape, query, limit=MAX_BILLS, until=until)
            for shape in found:
                expect(shape.billing_account.id if shape.billing_account else None, account)
            shapes = [shape for shape in found if not reading.is_running(shape)]
            rates = self._rates(account, shapes, until)
            bills = [reading.bill(shape, rates) for shape in shapes]
            return sorted(bills, key=lambda bill: (bill.issued_on, bill.number), reverse=True)

    def cost_so_far(self, line: LineRef, *, now: datetime) -> CostSoFar:
        with making_sense(BILLS):
            until = self._caller.deadline()
            account = reading.account_id(self._product(line, until))
            query = {"billingAccount.id": account, "state": "new"}
            shapes = self._caller.many(BILLS, BillShape, query, limit=MAX_BILLS, until=until)
            running = [shape for shape in shapes if reading.is_running(shape)]
            if not running:
                raise OddAnswerError("no_running_bill")
            expect(running[0].billing_account.id if running[0].billing_account else None, account)
            return reading.cost_so_far(running[0])

    def records(self, line: LineRef, bill: Bill, *, now: datetime) -> Sequence[ConnectionRecord]:
        with making_sense(USAGES):
            query = {
                "ratedProductUsage.productRef.id": line.subject,
                "usageDate.gte": start_of(bill.first_on).isoformat(),
                "usageDate.lte": end_of(bill.last_on).isoformat(),
                "sort": "usageDate",
            }
            until = self._caller.deadline()
            shapes = self._caller.many(USAGES, Usage, query, limit=MAX_RECORDS, until=until)
            for shape in shapes:
                expect_one(line.subject, [rated.product_ref for rated in shape.rated_product_usage])
            return sorted((reading.record(shape) for shape in shapes), key=lambda each: each.started_at)

    def sims(self, line: LineRef, *, now: datetime) -> Sequence[Sim]:
        with making_sense(RESOURCES):
            return [reading.sim(shape) for shape in self._resources(SIM, line)]

    def sim_secrets(self, line: LineRef, *, now: datetime) -> Sequence[SimSecrets]:
        with making_sense(RESOURCES):
            return [reading.sim_secrets(shape) for shape in self._resources(SIM_SECRETS, line)]

    def settings(self, line: LineRef, *, now: datetime) -> LineSettings:
        with making_sense(SERVICES):
            until = self._caller.deadline()
            shape = self._caller.one(SERVICES, line.subject, Service, until=until)
            expect(shape.id, line.subject)
            return reading.settings(shape)

    def roaming_prices(self) -> Sequence[RoamingPrice]:
        with making_sense(OFFERINGS):
            shapes = self._offerings(ROAMING, None, self._caller.deadline())
            return [reading.roaming(shape) for shape in shapes]

    def faults_at(self, postcode: str, *, now: datetime) -> Sequence[NetworkFault]:
        with making_sense(PROBLEMS):
            query = {"affectedLocation.id": postcode, "sort": "-creationDate"}
            until = self._caller.deadline()
            shapes = self._caller.many(PROBLEMS, Problem, query, limit=MAX_FAULTS, until=until)
            for shape in shapes:
                expect_one(postcode, shape.affected_location)
            faults = [reading.fault(shape) for shape in shapes]
            return sorted(faults, key=lambda fault: fault.began_at, reverse=True)

    def is_customer_code(self, line: LineRef, code: str) -> bool:
        """Have the back end compare a code; it is sent in a body, as addresses are written into logs."""
        test = ServiceTest(
            name=CUSTOMER_CODE,
            related_service=Ref(id=line.subject),
            test_specification=Ref(id=CUSTOMER_CODE),
            characteristic=[Characteristic(name="code", value=code)],
        )
        with making_sense(SERVICE_TESTS):
            try:
                answer = self._caller.post(SERVICE_TESTS, test, until=self._caller.deadline())
            except (NotSentError, NoAnswerError):
                raise OddAnswerError("no_answer") from None
            shape = decoded(answer, ServiceTest) if answer.is_good else None
            if shape is None:
                raise OddAnswerError(f"status_{answer.status}")
            return reading.has_passed(shape)

    def carry_out(self, line: LineRef, order: Order, *, key: str, now: datetime) -> Confirmation:
        """Order something once per key."""
        return self._ordering.carry_out(line, order, key=key, now=now)

    def pending(self, line: LineRef, *, now: datetime) -> Mapping[str, Words]:
        return self._ordering.under_way(line)

    def _product(self, line: LineRef, until: float) -> Product:
        shape = self._caller.one(PRODUCTS, line.subject, Product, until=until)
        expect(shape.id, line.subject)
        return shape

    def _offerings(self, category: str, line: LineRef | None, until: float) -> list[Offering]:
        query = {"category.id": category, "lifecycleStatus": "Active"}
        if line is not None:
            query["product.id"] = line.subject
        found = self._caller.many(OFFERINGS, Offering, query, limit=MAX_OFFERINGS, until=until)
        return [shape for shape in found if any(each.id == category for each in shape.category)]

    def _rates(self, account: str, bills: Sequence[BillShape], until: float) -> list[Rate]:
        if not bills:
            return []
        query = {"billingAccount.id": account, "bill.id": ",".join(shape.id for shape in bills)}
        return self._caller.many(RATES, Rate, query, limit=MAX_BILL_LINES, until=until)

    def _resources(self, category: str, line: LineRef) -> list[Resource]:
        query = {"category": category, "relatedParty.id": line.subject}
        until = self._caller.deadline()
        shapes = self._caller.many(RESOURCES, Resource, query, limit=MAX_SIMS, until=until)
        for shape in shapes:
            expect_one(line.subject, shape.related_party)
            expect(shape.category, category)
        return shapes

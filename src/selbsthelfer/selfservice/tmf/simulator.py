"""A server that speaks TM Forum's interfaces on top of any back end, with faults on demand.

For trying and for tests: it holds the orders that it took in memory, and knows of filters only those that the
adapter uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from hmac import compare_digest
from http import HTTPStatus
from threading import Event, Lock
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs
from uuid import NAMESPACE_URL, uuid4, uuid5
from wsgiref.types import StartResponse, WSGIEnvironment

import msgspec
from msgspec.structs import replace

from selbsthelfer.kit.wording import Words
from selbsthelfer.selfservice.back_end import (
    BackEnd,
    BackEndUnavailableError,
    OrderRefusedError,
    OutcomeUnknownError,
)
from selbsthelfer.selfservice.core.records import Bill
from selbsthelfer.selfservice.tmf import orders, writing
from selbsthelfer.selfservice.tmf.faults import BEFORE, Fault, FaultPlan, reset
from selbsthelfer.selfservice.tmf.plain import OddAnswerError, end_of, start_of
from selbsthelfer.selfservice.tmf.shapes import (
    BILLS,
    CUSTOMERS,
    OFFERINGS,
    PROBLEMS,
    PRODUCT_ORDERS,
    PRODUCTS,
    RATES,
    RESOURCES,
    SERVICE_ORDERS,
    SERVICE_TESTS,
    SERVICES,
    USAGES,
    Characteristic,
    ErrorShape,
    Measure,
    OrderItem,
    OrderShape,
    Ref,
    Service,
    ServiceTest,
    encode,
)
from selbsthelfer.selfservice.tmf.writing import OPTION, ROAMING, SIM, TARIFF
from selbsthelfer.subscribers.core.lines import LineRef

FAULTS: Final = "/simulator/faults"
"""Where faults are ordered: POST {"fault": …, "method": …, "times": …}, or DELETE to have none."""
MAX_BODY_BYTES: Final = 100_000
MAX_PAGE: Final = 100

Query = Mapping[str, str]
S = TypeVar("S")


class Problem(Exception):  # noqa: N818
    """A request that cannot be answered, with the status that says so."""

    def __init__(self, status: HTTPStatus, code: str, error: ErrorShape | None = None) -> None:
        self.status = status
        self.error = error or ErrorShape(code=code, reason=status.phrase, status=str(int(status)))
        super().__init__(code)


class FaultOrder(msgspec.Struct):
    fault: Fault
    method: str = "POST"
    times: int = 1


class Page(msgspec.Struct):
    """One page of a list, and how many entries the whole of it has."""

    entries: list[Any]
    total: int


class Simulator:
    """A WSGI application.

    Orders stay under way for `looks_until_done` looks at them. A forgetful one takes every order anew,
    whatever its key, as systems do that know nothing of repetition.
    """

    def __init__(
        self,
        back_end: BackEnd,
        *,
        token: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        looks_until_done: int = 0,
        refuses_by_state: bool = False,
        is_forgetful: bool = False,
        hold_seconds: float = 30.0,
        slow_seconds: float = 1.0,
    ) -> None:
        self.faults = FaultPlan()
        self._back_end = back_end
        self._token = token
        self._clock = clock
        self._looks_until_done = looks_until_done
        self._refuses_by_state = refuses_by_state
        self._is_forgetful = is_forgetful
        self._hold_seconds = hold_seconds
        self._slow_seconds = slow_seconds
        self._closing = Event()
        self._lock = Lock()
        self._orders: dict[tuple[str, str], OrderShape] = {}
        self._keys: dict[tuple[str, str], tuple[str, str]] = {}
        self._looks_left: dict[str, int] = {}
        self._doubled: set[str] = set()

    def close(self) -> None:
        """End every wait."""
        self._closing.set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method = str(environ["REQUEST_METHOD"])
        path = str(environ["PATH_INFO"]).encode("latin-1").decode(errors="replace")
        fault = None if path == FAULTS else self.faults.take(method)
        try:
            self._before(fault, environ)
            answer = self._answer(method, path, environ, is_doubled=fault is Fault.DUPLICATE)
            status = HTTPStatus.CREATED if method == "POST" else HTTPStatus.OK
        except Problem as problem:
            answer, status = problem.error, problem.status
        status = self._after(fault, environ, status)
        headers = [("content-type", "application/json")]
        if isinstance(answer, Page):
            headers.append(("x-total-count", str(answer.total)))
            answer = answer.entries
        body = b"<html>" if fault is Fault.UNREADABLE else encode(answer)
        start_response(f"{status.value} {status.phrase}", [*headers, ("content-length", str(len(body)))])
        return [body]

    def _before(self, fault: Fault | None, environ: WSGIEnvironment) -> None:
        if fault in {Fault.TIMEOUT_BEFORE, Fault.LATE}:
            self._closing.wait(self._hold_seconds)
        if fault is Fault.SLOW:
            self._closing.wait(self._slow_seconds)
        if fault is Fault.ERROR_BEFORE:
            raise Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "error_before")
        if fault in BEFORE:
            reset(environ)

    def _after(self, fault: Fault | None, environ: WSGIEnvironment, status: HTTPStatus) -> HTTPStatus:
        if fault is Fault.TIMEOUT_AFTER:
            self._closing.wait(self._hold_seconds)
        if fault in {Fault.TIMEOUT_AFTER, Fault.RESET_AFTER, Fault.LATE}:
            reset(environ)
        if fault is Fault.ERROR_AFTER:
            return HTTPStatus.INTERNAL_SERVER_ERROR
        return HTTPStatus.GATEWAY_TIMEOUT if fault is Fault.GATEWAY_AFTER else status

    def _answer(self, method: str, path: str, environ: WSGIEnvironment, *, is_doubled: bool) -> Any:
        token = str(environ.get("HTTP_AUTHORIZATION", "")).encode()
        if not compare_digest(token, f"Bearer {self._token}".encode()):
            raise Problem(HTTPStatus.UNAUTHORIZED, "unauthorized")
        try:
            if path == FAULTS:
                return self._plan(method, environ)
            if method == "POST":
                return self._post(path, environ, is_doubled=is_doubled)
            if method == "GET":
                return self._get(path, environ)
        except BackEndUnavailableError as error:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code) from error
        except OutcomeUnknownError as error:
            raise Problem(HTTPStatus.GATEWAY_TIMEOUT, error.code) from error
        except OddAnswerError as error:
            raise Problem(HTTPStatus.BAD_REQUEST, error.code) from error
        except LookupError as error:
            raise Problem(HTTPStatus.NOT_FOUND, "unknown") from error
        raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method")

    def _plan(self, method: str, environ: WSGIEnvironment) -> Any:
        if method == "DELETE":
            self.faults.clear()
            return {}
        order = _read(environ, FaultOrder)
        self.faults.add(order.fault, method=order.method, times=order.times)
        return order

    def _get(self, path: str, environ: WSGIEnvironment) -> Any:
        found = parse_qs(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)
        query = {name: values[-1] for name, values in found.items()}
        if path in _LISTS:
            return _page(_LISTS[path](self, query), query)
        for collection, give in _RESOURCES.items():
            if path.startswith(f"{collection}/"):
                return give(self, path.removeprefix(f"{collection}/"))
        raise Problem(HTTPStatus.NOT_FOUND, "path")

    def _post(self, path: str, environ: WSGIEnvironment, *, is_doubled: bool) -> Any:
        if path == SERVICE_TESTS:
            return self._test(_read(environ, ServiceTest))
        if path not in {SERVICE_ORDERS, PRODUCT_ORDERS}:
            raise Problem(HTTPStatus.NOT_FOUND, "path")
        wanted = _read(environ, OrderShape)
        key = wanted.external_id
        if not key:
            raise Problem(HTTPStatus.BAD_REQUEST, "externalId")
        with self._lock:
            made = None if self._is_forgetful else self._orders.get((path, key))
            made = made or self._made(wanted, key)
            self._orders[path, key] = made
            self._keys[path, made.id or ""] = (path, key)
            if is_doubled:
                self._doubled.add(key)
        return made

    def _made(self, wanted: OrderShape, key: str) -> OrderShape:
        """Have an order carried out; what it becomes is told by its state."""
        now = self._clock()
        line, id_ = LineRef.of(orders.line_of(wanted)), str(uuid5(NAMESPACE_URL, key))
        made = replace(wanted, id=id_, order_date=now, state="completed", completion_date=now)
        told_key = str(uuid4()) if self._is_forgetful else key
        try:
            done = self._back_end.carry_out(line, orders.order_of(wanted), key=told_key, now=now)
        except OrderRefusedError as refused:
            error = orders.error_of(refused)
            if self._refuses_by_state:
                return replace(made, state="rejected", completion_date=None, error_message=[error])
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, refused.code, error) from refused
        if done.effective_on is not None:
            due = start_of(done.effective_on)
            return replace(made, state="inProgress", completion_date=None, expected_completion_date=due)
        if self._looks_until_done:
            self._looks_left[id_] = self._looks_until_done
            return replace(made, state="acknowledged", completion_date=None)
        return made

    def _order(self, path: str, id_: str) -> OrderShape:
        """Give an order; each look brings one that is under way nearer to its end."""
        with self._lock:
            key, made = next(
                each for each in self._orders.items() if each[0][0] == path and each[1].id == id_
            )
            left = self._looks_left.get(id_, 0)
            if left == 0:
                return made
            self._looks_left[id_] = left - 1
            self._orders[key] = replace(made, state="inProgress" if left > 1 else "completed")
            return self._orders[key]

    def _orders_listed(self, path: str, query: Query) -> list[OrderShape]:
        key = query.get("externalId")
        if key is not None:
            with self._lock:
                made = self._orders.get((path, key))
                twice = key in self._doubled
            if made is None:
                return []
            return [made, replace(made, id=f"{made.id}-2")] if twice else [made]
        line = query.get("serviceOrderItem.service.id") or query.get("productOrderItem.product.id") or ""
        told = self._back_end.pending(LineRef.of(line), now=self._clock())
        return [
            _under_way(path, line, activity, words)
            for activity, words in told.items()
            if orders.collection_of(activity) == path
        ]

    def _test(self, wanted: ServiceTest) -> ServiceTest:
        codes = [each.value for each in wanted.characteristic if each.name == "code"]
        if wanted.related_service is None or not codes or not isinstance(codes[0], str):
            raise Problem(HTTPStatus.BAD_REQUEST, "characteristic")
        passed = self._back_end.is_customer_code(LineRef.of(wanted.related_service.id), codes[0])
        measure = Measure(metric_name="passed", value=Characteristic(name="passed", value=passed))
        return replace(wanted, id="test", state="completed", characteristic=[], test_measure=[measure])

    def _product(self, id_: str) -> Any:
        return writing.contract(self._back_end.contract(LineRef.of(id_), now=self._clock()), id_=id_)

    def _customer(self, id_: str) -> Any:
        return writing.customer(self._back_end.customer(LineRef.of(id_), now=self._clock()), id_=id_)

    def _service(self, id_: str) -> Any:
        return writing.settings(self._back_end.settings(LineRef.of(id_), now=self._clock()), line=id_)

    def _offerings(self, query: Query) -> list[Any]:
        category, line, now = query.get("category.id"), LineRef.of(query.get("product.id", "")), self._clock()
        if category == ROAMING:
            prices = self._back_end.roaming_prices()
            return [writing.roaming(price, id_=f"roaming-{at}") for at, price in enumerate(prices, 1)]
        if category == TARIFF:
            return [writing.tariff(offer) for offer in self._back_end.tariffs(line, now=now)]
        if category == OPTION:
            return [writing.option(offer) for offer in self._back_end.options(line, now=now)]
        return []

    def _bills(self, query: Query) -> list[Any]:
        account = query.get("billingAccount.id", "")
        if query.get("state") == "new":
            cost = self._back_end.cost_so_far(LineRef.of(account), now=self._clock())
            return [writing.running_bill(cost, account=account)]
        return [writing.bill(bill, account=account) for bill in self._bills_of(account)]

    def _rates(self, query: Query) -> list[Any]:
        account, numbers = query.get("billingAccount.id", ""), query.get("bill.id", "").split(",")
        wanted = [bill for bill in self._bills_of(account) if bill.number in numbers]
        return [rate for bill in wanted for rate in writing.rates(bill, account=account)]

    def _bills_of(self, account: str) -> list[Bill]:
        return list(self._back_end.bills(LineRef.of(account), now=self._clock()))

    def _usages(self, query: Query) -> list[Any]:
        line = query.get("ratedProductUsage.productRef.id", "")
        span = (query.get("usageDate.gte"), query.get("usageDate.lte"))
        for bill in self._bills_of(line):
            if (start_of(bill.first_on).isoformat(), end_of(bill.last_on).isoformat()) == span:
                records = self._back_end.records(LineRef.of(line), bill, now=self._clock())
                return [writing.usage(record, line=line) for record in records]
        return []

    def _resources(self, query: Query) -> list[Any]:
        line, now = query.get("relatedParty.id", ""), self._clock()
        if query.get("category") == SIM:
            sims = self._back_end.sims(LineRef.of(line), now=now)
            return [writing.sim(sim, line=line) for sim in sims]
        secrets = self._back_end.sim_secrets(LineRef.of(line), now=now)
        return [writing.sim_secrets(secret, line=line) for secret in secrets]

    def _problems(self, query: Query) -> list[Any]:
        postcode = query.get("affectedLocation.id", "")
        found = self._back_end.faults_at(postcode, now=self._clock())
        return [writing.problem(fault, postcode=postcode) for fault in found]


_LISTS: Final[Mapping[str, Callable[[Simulator, Query], list[Any]]]] = {
    OFFERINGS: Simulator._offerings,
    BILLS: Simulator._bills,
    RATES: Simulator._rates,
    USAGES: Simulator._usages,
    RESOURCES: Simulator._resources,
    PROBLEMS: Simulator._problems,
    SERVICE_ORDERS: lambda self, query: self._orders_listed(SERVICE_ORDERS, query),
    PRODUCT_ORDERS: lambda self, query: self._orders_listed(PRODUCT_ORDERS, query),
}
_RESOURCES: Final[Mapping[str, Callable[[Simulator, str], Any]]] = {
    PRODUCTS: Simulator._product,
    CUSTOMERS: Simulator._customer,
    SERVICES: Simulator._service,
    SERVICE_ORDERS: lambda self, id_: self._order(SERVICE_ORDERS, id_),
    PRODUCT_ORDERS: lambda self, id_: self._order(PRODUCT_ORDERS, id_),
}


def _page(entries: list[Any], query: Query) -> Page:
    try:
        offset, limit = int(query.get("offset", "0")), int(query.get("limit", str(MAX_PAGE)))
    except ValueError:
        raise Problem(HTTPStatus.BAD_REQUEST, "page") from None
    if offset < 0 or limit < 0:
        raise Problem(HTTPStatus.BAD_REQUEST, "page")
    return Page(entries[offset : offset + min(limit, MAX_PAGE)], len(entries))


def _read(environ: WSGIEnvironment, kind: type[S]) -> S:
    length = str(environ.get("CONTENT_LENGTH") or "0")
    if not length.isdigit() or int(length) > MAX_BODY_BYTES:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "length")
    try:
        return msgspec.json.decode(environ["wsgi.input"].read(int(length)), type=kind)
    except msgspec.DecodeError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "not_readable") from error


def _under_way(path: str, line: str, activity: str, words: Words) -> OrderShape:
    """Write what the back end tells to be under way as an order of its line."""
    is_product = path == PRODUCT_ORDERS
    item = OrderItem(
        id="1",
        action="modify",
        product=Ref(id=line) if is_product else None,
        service=None if is_product else Service(id=line),
    )
    return OrderShape(
        id=f"pending-{activity}",
        category=activity,
        state="inProgress",
        note=orders.notes_of(words),
        product_order_item=[item] if is_product else [],
        service_order_item=[] if is_product else [item],
    )

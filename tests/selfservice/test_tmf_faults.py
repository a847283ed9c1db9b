"""Whatever goes wrong on the way, nothing is done twice, and what is unknown is found by its key."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from selbsthelfer.selfservice.back_end import (
    BackEndUnavailableError,
    Confirmation,
    OrderRefusedError,
    OutcomeUnknownError,
)
from selbsthelfer.selfservice.core.orders import BlockSim, ChangeTariff, Order, SwitchRoaming
from selbsthelfer.selfservice.tmf.adapter import TmfBackEnd
from selbsthelfer.selfservice.tmf.faults import BEFORE, Fault
from selbsthelfer.selfservice.tmf.serving import make_server
from selbsthelfer.selfservice.tmf.shapes import PRODUCT_ORDERS, SERVICE_ORDERS
from selbsthelfer.selfservice.tmf.simulator import FAULTS
from tests.selfservice.tmf_world import HOLD_SECONDS, LINE, NOW, OTHER, QUICK, TOKEN, World, a_world

ORDERS: list[Order] = [SwitchRoaming(True), ChangeTariff("large")]


@pytest.fixture
def world() -> Iterator[World]:
    with a_world() as made:
        yield made


def attempt(world: World, order: Order, key: str = "k1") -> Confirmation | type[Exception]:
    """Order something; an error is told by its type."""
    try:
        return world.adapter.carry_out(LINE, order, key=key, now=NOW)
    except (BackEndUnavailableError, OutcomeUnknownError) as error:
        return type(error)


AT_FIRST = {
    Fault.TIMEOUT_BEFORE: OutcomeUnknownError,
    Fault.LATE: OutcomeUnknownError,
    Fault.RESET_BEFORE: OutcomeUnknownError,
    Fault.ERROR_BEFORE: BackEndUnavailableError,
}
"""What is told of a fault that the order did not outlive; all others are found and confirmed at once."""


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
@pytest.mark.parametrize("fault", Fault)
def test_no_fault_has_an_order_done_twice(world: World, fault: Fault, order: Order) -> None:
    world.simulator.faults.add(fault)
    first = attempt(world, order)
    assert (first if isinstance(first, type) else None) is AT_FIRST.get(fault)
    if fault in BEFORE:
        assert world.back_end.done == []
    again = [attempt(world, order) for _ in range(2)]
    if fault is Fault.LATE:
        time.sleep(HOLD_SECONDS + 0.2)
        again = [attempt(world, order)]
    assert all(isinstance(each, Confirmation) for each in again)
    assert len({*again, *([first] if isinstance(first, Confirmation) else [])}) == 1
    assert world.back_end.done == [(LINE.subject, "k1", order)]


@pytest.mark.parametrize("fault", sorted(set(Fault) - {Fault.LATE}))
def test_not_even_by_a_back_end_that_knows_nothing_of_repetition(fault: Fault) -> None:
    """Looking first is enough, unless the order takes effect only after the look: `LATE` needs the key."""
    with a_world(is_forgetful=True) as world:
        world.simulator.faults.add(fault)
        answers = [attempt(world, SwitchRoaming(True)) for _ in range(3)]
        assert isinstance(answers[-1], Confirmation)
        assert len(world.back_end.done) == 1
        attempt(world, SwitchRoaming(True), key="k2")
        assert len(world.back_end.done) == 2


@pytest.mark.parametrize(
    "fault", [Fault.TIMEOUT_AFTER, Fault.RESET_AFTER, Fault.UNREADABLE, Fault.GATEWAY_AFTER]
)
def test_an_unknown_outcome_is_found_by_its_key_and_not_sent_again(fault: Fault) -> None:
    """The look-up after the fault fails as well, so that only asking again can tell."""
    with a_world(is_forgetful=True) as world:
        with failing_after_sending(world, fault, Fault.ERROR_BEFORE):
            assert attempt(world, SwitchRoaming(True)) is OutcomeUnknownError
        assert len(world.back_end.done) == 1
        assert isinstance(attempt(world, SwitchRoaming(True)), Confirmation)
        assert len(world.back_end.done) == 1


@contextmanager
def failing_after_sending(world: World, fault: Fault, look_up: Fault) -> Iterator[None]:
    """Let the look before sending pass, and everything after it fail."""
    world.simulator.faults.add(fault)
    post = world.simulator._post

    def sent_then_failing(*args: Any, **options: Any) -> Any:
        world.simulator.faults.add(look_up, method="GET", times=50)
        return post(*args, **options)

    world.simulator._post = sent_then_failing  # type: ignore[method-assign]
    yield
    world.simulator._post = post  # type: ignore[method-assign]
    world.simulator.faults.clear()


def test_when_the_look_before_sending_fails_nothing_is_sent(world: World) -> None:
    for fault in (Fault.ERROR_BEFORE, Fault.TIMEOUT_BEFORE, Fault.UNREADABLE):
        world.simulator.faults.add(fault, method="GET")
        assert attempt(world, BlockSim()) is BackEndUnavailableError
    assert world.back_end.done == []


def test_a_reading_outlives_one_broken_connection_but_not_two(world: World) -> None:
    world.simulator.faults.add(Fault.RESET_BEFORE, method="GET")
    assert world.adapter.settings(LINE, now=NOW)
    world.simulator.faults.add(Fault.RESET_BEFORE, method="GET", times=2)
    with pytest.raises(BackEndUnavailableError):
        world.adapter.settings(LINE, now=NOW)


@pytest.mark.parametrize(
    "fault", [Fault.TIMEOUT_AFTER, Fault.ERROR_AFTER, Fault.UNREADABLE, Fault.GATEWAY_AFTER]
)
def test_a_reading_that_fails_is_unavailable(world: World, fault: Fault) -> None:
    world.simulator.faults.add(fault, method="GET")
    started = time.monotonic()
    with pytest.raises(BackEndUnavailableError):
        world.adapter.contract(LINE, now=NOW)
    assert time.monotonic() - started < HOLD_SECONDS


def test_a_code_is_not_taken_for_wrong_because_nobody_answered(world: World) -> None:
    for fault in (Fault.ERROR_BEFORE, Fault.TIMEOUT_BEFORE, Fault.UNREADABLE, Fault.RESET_AFTER):
        world.simulator.faults.add(fault)
        with pytest.raises(BackEndUnavailableError):
            world.adapter.is_customer_code(LINE, "geheim-77")
    assert world.adapter.is_customer_code(LINE, "geheim-77")


def test_many_at_once_with_one_key_have_it_done_once(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: attempt(world, SwitchRoaming(True)), range(16)))
    assert len(world.back_end.done) == 1
    assert len(set(answers)) == 1


def test_faults_are_ordered_over_http(world: World) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    url = f"{world.url}{FAULTS}"
    assert httpx.post(url, json={"fault": "error_before"}).status_code == 401
    assert httpx.post(url, json={"fault": "none such"}, headers=headers).status_code == 400
    assert httpx.post(url, json={"fault": "error_before", "times": 2}, headers=headers).is_success
    assert attempt(world, BlockSim()) is BackEndUnavailableError
    assert httpx.delete(url, headers=headers).is_success
    assert isinstance(attempt(world, BlockSim()), Confirmation)


def test_a_server_that_nobody_serves_did_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        adapter = TmfBackEnd(f"http://127.0.0.1:{taken.getsockname()[1]}", TOKEN, patience=QUICK)
        with pytest.raises(BackEndUnavailableError):
            adapter.carry_out(LINE, BlockSim(), key="k1", now=NOW)
        with pytest.raises(BackEndUnavailableError):
            adapter.customer(LINE, now=NOW)
        adapter.close()


Answers = Callable[[str, str, Any], tuple[int, Any]]


@contextmanager
def a_server_that(answers: Answers) -> Iterator[TmfBackEnd]:
    """Serve what a function makes of method, path and body; bytes are sent as they are."""

    def application(environ: Any, start_response: Any) -> list[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        sent = json.loads(environ["wsgi.input"].read(length) or "null")
        status, body = answers(environ["REQUEST_METHOD"], environ["PATH_INFO"], sent)
        start_response(f"{status} x", [("content-type", "application/json")])
        return [body if isinstance(body, bytes) else json.dumps(body).encode()]

    server = make_server(application, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    adapter = TmfBackEnd(
        f"http://127.0.0.1:{server.server_port}", TOKEN, patience=QUICK, sleep=lambda _: None
    )
    try:
        yield adapter
    finally:
        adapter.close()
        server.shutdown()
        thread.join()
        server.server_close()


def order_at(adapter: TmfBackEnd, order: Order = BlockSim()) -> Confirmation:  # noqa: B008
    return adapter.carry_out(LINE, order, key="k1", now=NOW)


@pytest.mark.parametrize("path", [SERVICE_ORDERS, PRODUCT_ORDERS])
def test_a_server_that_passes_over_the_filter_is_not_trusted(path: str) -> None:
    posts = []

    def answers(method: str, asked: str, sent: Any) -> tuple[int, Any]:
        posts.extend([sent] if method == "POST" else [])
        return 200, [{"id": "1", "externalId": "somebody-else", "state": "completed"}]

    order: Order = BlockSim() if path == SERVICE_ORDERS else ChangeTariff("large")
    with a_server_that(answers) as adapter, pytest.raises(BackEndUnavailableError, match="of_another"):
        order_at(adapter, order)
    assert posts == []


def test_what_is_told_of_another_line_is_not_shown() -> None:
    def answers(method: str, path: str, sent: Any) -> tuple[int, Any]:
        of_other = {"id": OTHER.subject, "relatedParty": [{"id": OTHER.subject}], "category": "sim"}
        return 200, [of_other] if path.endswith("/resource") else of_other

    with a_server_that(answers) as adapter:
        for read in (adapter.customer, adapter.contract, adapter.settings, adapter.sims, adapter.bills):
            with pytest.raises(BackEndUnavailableError, match="of_another"):
                read(LINE, now=NOW)


ODD_BODIES = [
    b"",
    b"null",
    b"{}",
    b"[]",
    b"[null]",
    b'{"id": 7}',
    b"[" * 200_000,
    b'{"id":"x","product":[{"id":"y","productCharacteristic":[{"name":"a","value":' + b"[" * 100_000,
    b"\xff\xfe",
    b'{"id":"line/1 \xc3\xa4?#"}',
    b" " * 5_000_000,
]


@pytest.mark.parametrize("body", ODD_BODIES, ids=range(len(ODD_BODIES)))
def test_an_odd_answer_is_unavailable_and_never_another_error(body: bytes) -> None:
    with a_server_that(lambda *_: (200, body)) as adapter:
        for read in (adapter.customer, adapter.contract, adapter.settings, adapter.options, adapter.bills):
            with pytest.raises(BackEndUnavailableError):
                read(LINE, now=NOW)
        with pytest.raises(BackEndUnavailableError):
            adapter.is_customer_code(LINE, "1")


@pytest.mark.parametrize("body", ODD_BODIES, ids=range(len(ODD_BODIES)))
def test_an_odd_answer_to_an_order_leaves_its_outcome_unknown(body: bytes) -> None:
    def answers(method: str, path: str, sent: Any) -> tuple[int, Any]:
        return (201, body) if method == "POST" else (200, [])

    with a_server_that(answers) as adapter, pytest.raises(OutcomeUnknownError):
        order_at(adapter)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (301, {}, BackEndUnavailableError),
        (400, {"code": "invalidIban", "reason": "x"}, OrderRefusedError),
        (400, b"<html>", BackEndUnavailableError),
        (401, {"code": "x", "reason": "x"}, BackEndUnavailableError),
        (403, {"code": "x", "reason": "x"}, BackEndUnavailableError),
        (404, {}, BackEndUnavailableError),
        (409, {"code": "alreadyOrdered", "reason": "x"}, OrderRefusedError),
        (422, {"code": "anything", "reason": "x"}, OrderRefusedError),
        (429, {"code": "x", "reason": "x"}, BackEndUnavailableError),
        (500, {"code": "x", "reason": "x"}, BackEndUnavailableError),
        (502, {}, OutcomeUnknownError),
        (503, b"", BackEndUnavailableError),
        (504, {"code": "x", "reason": "x"}, OutcomeUnknownError),
    ],
)
def test_each_status_of_an_order_is_told_as_what_it_means(
    status: int, body: Any, error: type[Exception]
) -> None:
    posts = []

    def answers(method: str, path: str, sent: Any) -> tuple[int, Any]:
        posts.extend([sent] if method == "POST" else [])
        return (status, body) if method == "POST" else (200, [])

    with a_server_that(answers) as adapter, pytest.raises(error):
        order_at(adapter)
    assert len(posts) == 1


@pytest.mark.parametrize(
    ("made", "outcome"),
    [
        ({"state": "completed"}, None),
        ({"state": "inProgress", "expectedCompletionDate": "2026-04-01T00:00:00+02:00"}, "2026-04-01"),
        ({"state": "pending", "expectedCompletionDate": "2026-03-14T20:00:00"}, "2026-03-14"),
        ({"state": "held", "expectedCompletionDate": "2026-03-01T00:00:00Z"}, OutcomeUnknownError),
        ({"state": "acknowledged"}, OutcomeUnknownError),
        ({"state": "partial"}, OutcomeUnknownError),
        ({"state": None}, OutcomeUnknownError),
        ({"state": "failed"}, OrderRefusedError),
        ({"state": "cancelled"}, OrderRefusedError),
        ({"state": "rejected", "errorMessage": [{"code": "alreadyOrdered"}]}, OrderRefusedError),
    ],
)
def test_each_state_of_an_order_is_told_as_what_it_means(made: dict[str, Any], outcome: Any) -> None:
    def answers(method: str, path: str, sent: Any) -> tuple[int, Any]:
        shown = {"id": "o-1", "externalId": "k1", **made}
        return (201, shown) if method == "POST" else (200, [] if path == SERVICE_ORDERS else shown)

    with a_server_that(answers) as adapter:
        if isinstance(outcome, type):
            with pytest.raises(outcome):
                order_at(adapter)
        else:
            told = order_at(adapter)
            assert told.reference == "o-1"
            assert (told.effective_on.isoformat() if told.effective_on else None) == outcome


def test_of_several_orders_of_one_key_the_earliest_counts() -> None:
    def answers(method: str, path: str, sent: Any) -> tuple[int, Any]:
        assert method == "GET"
        common = {"externalId": "k1", "state": "completed"}
        return 200, [
            {"id": "third", **common},
            {"id": "second", "orderDate": "2026-03-14T12:00:00", **common},
            {"id": "first", "orderDate": "2026-03-14T10:00:00Z", **common},
        ]

    with a_server_that(answers) as adapter:
        assert order_at(adapter).reference == "first"


def test_a_server_that_repeats_its_first_page_is_not_believed() -> None:
    page = [{"id": str(number), "category": [{"id": "tariff"}]} for number in range(100)]
    with (
        a_server_that(lambda *_: (200, page)) as adapter,
        pytest.raises(BackEndUnavailableError, match="offset_ignored"),
    ):
        adapter.tariffs(LINE, now=NOW)


def test_a_server_that_answers_drop_by_drop_is_given_up() -> None:
    class Drops:
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(100):
                time.sleep(0.1)
                yield b" "

    def application(environ: Any, start_response: Any) -> Drops:
        start_response("200 OK", [])
        return Drops()

    server = make_server(application, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    adapter = TmfBackEnd(f"http://127.0.0.1:{server.server_port}", TOKEN, patience=QUICK)
    started = time.monotonic()
    with pytest.raises(BackEndUnavailableError):
        adapter.settings(LINE, now=NOW)
    assert time.monotonic() - started < QUICK.task_seconds + 0.5
    adapter.close()
    server.shutdown()
    thread.join()
    server.server_close()

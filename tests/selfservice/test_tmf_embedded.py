"""The embedded back end is the same one when asked over HTTP, and tasks are settled over HTTP as well."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from selbsthelfer.selfservice.back_end import OrderRefusedError
from selbsthelfer.selfservice.back_ends import use_back_end
from selbsthelfer.selfservice.core.orders import (
    ActivateSim,
    BlockSim,
    ChangeTariff,
    OrderReplacementSim,
    SwitchRoaming,
)
from selbsthelfer.selfservice.core.records import SimState
from selbsthelfer.selfservice.core.results import Outcome
from selbsthelfer.selfservice.embedded.back_end import EmbeddedBackEnd
from selbsthelfer.selfservice.embedded.models import EmbeddedLine, EmbeddedOrder
from selbsthelfer.selfservice.settling import settle_started
from selbsthelfer.selfservice.tmf.adapter import TmfBackEnd
from selbsthelfer.selfservice.tmf.calling import Patience
from selbsthelfer.selfservice.tmf.faults import Fault
from selbsthelfer.selfservice.tmf.serving import serving
from selbsthelfer.selfservice.tmf.simulator import Simulator
from selbsthelfer.subscribers.core.lines import LineRef
from tests.selfservice.test_tmf import READS
from tests.selfservice.tmf_world import TOKEN
from tests.selfservice.world import NOW, do, facts_of, registered

PATIENCE = Patience(read_seconds=2.0, look_up_seconds=2.0)
HOLD_SECONDS = 2.5

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(EmbeddedBackEnd(), token=TOKEN, clock=lambda: NOW, hold_seconds=HOLD_SECONDS)


@pytest.fixture
def adapter(simulator: Simulator) -> Iterator[TmfBackEnd]:
    with serving(simulator) as url:
        made = TmfBackEnd(url, TOKEN, patience=PATIENCE, sleep=lambda _: None)
        yield made
        made.close()


def all_of(back_end: Any, line: LineRef) -> dict[str, Any]:
    return {
        name: read(_AtNow(back_end), line)
        for name, read in READS.items()
        if name not in {"faults_at", "is_customer_code"}
    }


class _AtNow:
    """Asks at the instant of these tests, whatever instant is asked for."""

    def __init__(self, back_end: Any) -> None:
        self._back_end = back_end

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._back_end, name)

        def asked(*args: Any, **options: Any) -> Any:
            return method(*args, **dict.fromkeys(options, NOW))

        return asked


def test_everything_reads_alike(adapter: TmfBackEnd) -> None:
    line = registered()
    for order in (None, ChangeTariff("musterfunk-l"), OrderReplacementSim(True), BlockSim()):
        if order is not None:
            adapter.carry_out(line, order, key=order.activity, now=NOW)
        over_http = all_of(adapter, line)
        assert over_http == all_of(EmbeddedBackEnd(), line)
        assert all(over_http[name] for name in ("bills", "records", "tariffs", "options", "roaming_prices"))
    assert {"con.change", "sim.replace"} <= over_http["pending"].keys()


def test_a_code_of_the_customer_is_compared_over_http(adapter: TmfBackEnd) -> None:
    line = registered()
    assert EmbeddedBackEnd().customer(line, now=NOW)
    code = EmbeddedLine.objects.get(pk=line.subscriber_id).customer_code
    assert adapter.is_customer_code(line, code)
    assert not adapter.is_customer_code(line, f"{code}x")


def test_a_refusal_of_the_embedded_back_end_arrives_in_its_own_words(adapter: TmfBackEnd) -> None:
    line = registered()
    with pytest.raises(OrderRefusedError) as here:
        EmbeddedBackEnd().carry_out(line, ActivateSim("8949", "0"), key="a", now=NOW)
    with pytest.raises(OrderRefusedError) as there:
        adapter.carry_out(line, ActivateSim("8949", "0"), key="b", now=NOW)
    assert (there.value.reason, there.value.field) == (here.value.reason, here.value.field)


def test_a_task_without_an_answer_is_settled_over_http(adapter: TmfBackEnd, simulator: Simulator) -> None:
    """The order reaches the back end only after we gave up, and is found when it is asked for again."""
    line = registered()
    with use_back_end(adapter):
        simulator.faults.add(Fault.LATE)
        done = do(line, SwitchRoaming(not adapter.settings(line, now=NOW).is_roaming_on))
        assert done.outcome is Outcome.UNKNOWN
        assert facts_of(line) == []
        time.sleep(HOLD_SECONDS + 0.3)
        settled = settle_started(now=NOW + timedelta(minutes=5))
    assert (settled.asked, settled.finished) == (1, 1)
    assert facts_of(line) == [("roam.switch", True)]
    assert EmbeddedOrder.objects.count() == 1


def test_a_back_end_that_is_down_leaves_a_failed_attempt(adapter: TmfBackEnd, simulator: Simulator) -> None:
    line = registered()
    with use_back_end(adapter):
        simulator.faults.add(Fault.ERROR_BEFORE, method="GET")
        assert do(line, BlockSim()).outcome is Outcome.FAILED
        assert do(line, BlockSim()).outcome is Outcome.SUCCEEDED
    assert SimState.BLOCKED in {sim.state for sim in EmbeddedBackEnd().sims(line, now=NOW)}

"""Each fault of a played system: what the adapter says of it, what is true, and what a read-back finds."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Semaphore
from uuid import UUID

import pytest

from selbsthelfer.charging.core.port import (
    ChargingSystem,
    Credit,
    Credited,
    NotCredited,
    Outcome,
    Unknown,
    UnreadableError,
)
from selbsthelfer.charging.simulator import PROFILES, Simulator, make_simulator
from selbsthelfer.charging.simulator.faults import Fault, FaultPlan
from tests.charging.playing import SIGNED_IN, adapter, credit_of, keys, soon, wait_until
from tests.effort import EFFORT

HASTY_SECONDS = 0.6
PATIENT_SECONDS = 5.0
LATE_SECONDS = 0.9
"""A hasty one has given up by then."""


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def played(profile: str) -> Iterator[Simulator]:
    with make_simulator(
        profile,
        authorization=SIGNED_IN[profile],
        late_seconds=LATE_SECONDS,
        slow_seconds=0.1,
    ) as simulator:
        yield simulator


@pytest.fixture
def system(profile: str, played: Simulator) -> Iterator[ChargingSystem]:
    made = adapter(profile, played.url, timeout_seconds=PATIENT_SECONDS)
    yield made
    made.close()


@pytest.fixture
def hasty(profile: str, played: Simulator) -> Iterator[ChargingSystem]:
    """An adapter that gives up soon."""
    made = adapter(profile, played.url, timeout_seconds=HASTY_SECONDS)
    yield made
    made.close()


def error_of(profile: str) -> Unknown:
    """The failure of each system: CGRateS tells of it with the status 200."""
    return Unknown("system_error" if profile == "cgrates" else "status_500")


@pytest.mark.parametrize(
    ("fault", "outcome", "effects"),
    [
        ("timeout_before", Unknown("timed_out"), 0),
        ("timeout_after", Unknown("timed_out"), 1),
        ("error_before", None, 0),
        ("error_after", None, 1),
        ("gateway_after", Unknown("status_504"), 1),
        ("reset_before", Unknown("broken_off"), 0),
        ("reset_after", Unknown("broken_off"), 1),
        ("busy", NotCredited("busy", is_permanent=False), 0),
    ],
)
def test_a_fault_is_told_as_what_it_may_mean(
    profile: str,
    played: Simulator,
    system: ChargingSystem,
    hasty: ChargingSystem,
    fault: str,
    outcome: Outcome | None,
    effects: int,
) -> None:
    played.plan_faults([fault])
    asked = hasty if "timeout" in fault else system
    if isinstance(outcome, NotCredited) and profile == "cgrates":
        outcome = Unknown("of_another")  # the look before was answered in the same connection
    assert asked.credit(credit_of(1), deadline=soon()) == (outcome or error_of(profile))
    assert keys(played) == [str(credit_of(1).credit_id)] * effects
    assert [found.credit_id for found in system.read_back("line-1")] == [credit_of(1).credit_id] * effects
    assert isinstance(system.credit(credit_of(2), deadline=soon()), Credited), "what comes after is as ever"
    assert played.faults_met() == {fault: 1}


def test_a_late_effect_lands_after_nobody_waits_any_more(
    played: Simulator, system: ChargingSystem, hasty: ChargingSystem
) -> None:
    played.plan_faults(["late_effect"])
    assert hasty.credit(credit_of(1), deadline=soon()) == Unknown("timed_out")
    assert system.read_back("line-1") == (), "who reads now and sends again credits twice"
    settle_seconds = system.capabilities.settle_seconds
    assert settle_seconds is not None
    assert settle_seconds >= LATE_SECONDS
    wait_until(lambda: not played.waits(), settle_seconds)
    assert [found.credit_id for found in system.read_back("line-1")] == [credit_of(1).credit_id]


def test_what_is_only_slow_is_waited_for(played: Simulator, system: ChargingSystem) -> None:
    played.plan_faults(["slow"])
    assert isinstance(system.credit(credit_of(1), deadline=soon()), Credited)
    assert len(played.credits()) == 1


@pytest.mark.parametrize("is_low", [True, False])
def test_half_an_answer_says_nothing(profile: str, is_low: bool) -> None:
    """Cut as JSON only, or cut by its length too."""
    with struck("garbage", profile, credit_of(1), is_low=is_low) as (simulator, system):
        assert system.credit(credit_of(1), deadline=soon()) == Unknown(
            "not_readable" if is_low else "broken_off"
        )
        assert len(simulator.credits()) == 1


@pytest.mark.parametrize("is_low", [True, False])
def test_an_answer_to_another_request_is_not_taken_for_ours(profile: str, is_low: bool) -> None:
    """A low number answers by the answer before; a high one answers twice into one connection."""
    first, struck_one, after, last = (credit_of(number) for number in range(4))
    with struck("duplicate", profile, struck_one, is_low=is_low) as (simulator, system):
        simulator.plan_faults([None, "duplicate"])
        places = {bucket_of(simulator, first, system.credit(first, deadline=soon()))}
        outcome = system.credit(struck_one, deadline=soon())
        if is_low:
            assert outcome == Unknown("of_another")
        else:
            places.add(bucket_of(simulator, struck_one, outcome))
        follow = system.credit(after, deadline=soon())
        assert isinstance(follow, Unknown | NotCredited) or bucket_of(simulator, after, follow)
        assert not (isinstance(follow, NotCredited) and follow.is_permanent)
        places.add(bucket_of(simulator, last, system.credit(last, deadline=soon())))
        assert len(places) == (2 if is_low else 3)
        assert len(set(keys(simulator))) == len(keys(simulator))


@pytest.mark.parametrize("is_low", [True, False])
def test_a_restart_keeps_what_took_effect_and_drops_what_was_to_come(profile: str, is_low: bool) -> None:
    with struck("restart", profile, credit_of(3), is_low=is_low) as (simulator, system):
        simulator.plan_faults([None, "late_effect", "restart"])
        hasty = adapter(profile, simulator.url, timeout_seconds=HASTY_SECONDS)
        assert isinstance(system.credit(credit_of(1), deadline=soon()), Credited)
        assert hasty.credit(credit_of(2), deadline=soon()) == Unknown("timed_out")
        outcome = system.credit(credit_of(3), deadline=soon())
        assert isinstance(outcome, Unknown | NotCredited)
        time.sleep(LATE_SECONDS)
        there = [1, 3] if is_low else [1]
        assert keys(simulator) == [str(credit_of(number).credit_id) for number in there]
        assert {found.credit_id for found in system.read_back("line-1")} == {
            credit_of(number).credit_id for number in there
        }
        hasty.close()


@pytest.mark.parametrize("fault", ["timeout_after", "error_before", "reset_after", "garbage", "busy"])
def test_from_a_question_that_failed_nothing_is_concluded(
    played: Simulator, system: ChargingSystem, hasty: ChargingSystem, fault: str
) -> None:
    assert isinstance(system.credit(credit_of(1), deadline=soon()), Credited)
    played.set_faults({f"read:{fault}": 1})
    with pytest.raises(UnreadableError):
        (hasty if "timeout" in fault else system).read_back("line-1")
    played.set_faults({})
    assert len(system.read_back("line-1")) == 1


@pytest.mark.parametrize("fault", ["timeout_after", "error_before", "reset_after", "garbage", "busy"])
def test_an_account_that_cannot_be_looked_at_is_not_credited(fault: str) -> None:
    with make_simulator("cgrates", faults={f"read:{fault}": 1}) as simulator:
        system = adapter("cgrates", simulator.url, timeout_seconds=HASTY_SECONDS)
        outcome = system.credit(credit_of(1), deadline=soon())
        assert isinstance(outcome, NotCredited)
        assert not outcome.is_permanent
        assert simulator.credits() == []
        system.close()


def test_the_same_seed_strikes_the_same_credits() -> None:
    def struck_by(seed: int, order: list[int]) -> dict[int, Fault | None]:
        plan = FaultPlan({"timeout_after": 0.2, "busy": 0.1, "read:busy": 0.5}, seed)
        return {number: plan.take(str(number), is_credit=True)[0] for number in order}

    numbers = list(range(2_000))
    assert struck_by(1, numbers) == struck_by(1, numbers[::-1]), "threads may take turns as they like"
    assert struck_by(1, numbers) != struck_by(2, numbers)
    found = list(struck_by(1, numbers).values())
    assert 330 <= found.count(Fault.TIMEOUT_AFTER) <= 470
    assert 150 <= found.count(Fault.BUSY) <= 250


SETTLE_SECONDS = 2.5
"""Longer than a late effect takes, even after an attempt that was broken off at once, on a busy machine."""
SENDING = Semaphore(6)
"""So many threads want the processor at once; the others wait for what is unknown to settle."""
EVERY_WAY = {
    "timeout_before": 0.02,
    "timeout_after": 0.02,
    "late_effect": 0.02,
    "error_before": 0.04,
    "error_after": 0.04,
    "gateway_after": 0.04,
    "reset_before": 0.04,
    "reset_after": 0.04,
    "slow": 0.02,
    "duplicate": 0.06,
    "garbage": 0.06,
    "busy": 0.05,
    "restart": 0.01,
    "read:error_before": 0.05,
    "read:reset_before": 0.05,
    "read:garbage": 0.03,
    "read:busy": 0.03,
}


def test_each_credit_exists_once_whatever_goes_wrong(profile: str) -> None:
    """Send, and after an unknown end wait until it is settled and read before anything is sent again."""
    count = 200 * EFFORT
    credits_ = [
        credit_of(number, recipient=f"line-{number % 20}", volume=number + 1) for number in range(count)
    ]
    story: Story = defaultdict(list)
    with make_simulator(
        profile,
        faults=EVERY_WAY,
        seed=7,
        authorization=SIGNED_IN[profile],
        late_seconds=0.4,
        slow_seconds=0.05,
    ) as simulator:
        system = adapter(profile, simulator.url, timeout_seconds=0.25)
        with closing(system), ThreadPoolExecutor(48) as pool:
            list(pool.map(lambda credit: deliver(system, credit, story), credits_))
        simulator.set_faults({})
        wait_until(lambda: not simulator.waits())
        doubles = [key for key, times in Counter(keys(simulator)).items() if times > 1]
        assert doubles == [], [story[key] for key in doubles]
        assert sorted(keys(simulator)) == sorted(str(credit.credit_id) for credit in credits_)
        volumes = {UUID(credit.key): (credit.bytes, credit.valid_until) for credit in simulator.credits()}
        assert volumes == {credit.credit_id: (credit.bytes, credit.valid_until) for credit in credits_}
        assert sum(simulator.faults_met().values()) > count / 4
        assert {fault.removeprefix("read:") for fault in simulator.faults_met()} >= {"restart", "late_effect"}


Story = dict[str, list[tuple[float, object]]]
"""What was answered, and when, for each credit."""


def deliver(system: ChargingSystem, credit: Credit, story: Story) -> None:
    for _ in range(40):
        with SENDING:
            story[str(credit.credit_id)].append((time.monotonic(), "sent"))
            outcome = system.credit(credit, deadline=soon())
            story[str(credit.credit_id)].append((time.monotonic(), outcome))
        if isinstance(outcome, Unknown):
            time.sleep(SETTLE_SECONDS)
            was_found = is_there(system, credit)
            story[str(credit.credit_id)].append((time.monotonic(), was_found))
            if was_found:
                return
        elif isinstance(outcome, Credited):
            return
        else:
            assert not outcome.is_permanent, outcome
    raise AssertionError("never delivered")


def is_there(system: ChargingSystem, credit: Credit) -> bool:
    for _ in range(40):
        try:
            with SENDING:
                there = system.read_back(credit.recipient)
            return any(found.credit_id == credit.credit_id for found in there)
        except UnreadableError:
            time.sleep(0.01)
    raise AssertionError("never readable")


def bucket_of(simulator: Simulator, credit: Credit, outcome: Outcome) -> str:
    """Check that the place told is that of the credit."""
    assert isinstance(outcome, Credited)
    [place] = [each.place for each in simulator.credits() if each.key == str(credit.credit_id)]
    assert outcome.place == place
    return place


class struck:  # noqa: N801 - reads as a verb where it is used
    """A simulator whose fault will meet a credit with a low or a high number, which settles its manner."""

    def __init__(self, fault: str, profile: str, credit: Credit, *, is_low: bool) -> None:
        def number(seed: int) -> float:
            return FaultPlan({fault: 1}, seed).take(str(credit.credit_id), is_credit=True)[1]

        seed = next(seed for seed in range(1_000) if (number(seed) < 0.5) == is_low)
        self._simulator = make_simulator(
            profile, seed=seed, authorization=SIGNED_IN[profile], late_seconds=LATE_SECONDS
        )
        self._simulator.plan_faults([fault])
        self._system = adapter(profile, self._simulator.url, timeout_seconds=PATIENT_SECONDS)

    def __enter__(self) -> tuple[Simulator, ChargingSystem]:
        self._simulator.start()
        return self._simulator, self._system

    def __exit__(self, *_: object) -> None:
        self._system.close()
        self._simulator.close()

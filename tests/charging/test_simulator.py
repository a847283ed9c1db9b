"""The played systems themselves: their traps are there, and what they answered they keep."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from selbsthelfer.charging.core.port import Credited
from selbsthelfer.charging.simulator import PROFILES, make_simulator
from selbsthelfer.charging.simulator.faults import FaultError
from selbsthelfer.charging.simulator.ledger import JOURNAL
from selbsthelfer.charging.simulator.running import ProfileError
from selbsthelfer.cli.simulate import app
from tests.charging.playing import (
    MB,
    NOW,
    PASSWORD,
    SIGNED_IN,
    TOKEN,
    USER,
    adapter,
    credit_of,
    keys,
    soon,
    wait_until,
)


def rpc(url: str, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    answer = httpx.post(f"{url}/jsonrpc", json={"id": 7, "method": method, "params": [params]})
    found: dict[str, Any] = answer.json()
    assert answer.status_code == 200
    assert found["id"] == 7
    return found


def test_cgrates_sums_into_the_same_id_and_keeps_the_old_end() -> None:
    with make_simulator("cgrates", accounts=["line-1"]) as simulator:
        for volume, days in ((10, 1), (-5, 30)):  # a negative value becomes positive
            end = (NOW + timedelta(days=days)).isoformat()
            balance = {"ID": "bonus", "ExpiryTime": end, "Weight": 10}
            asked = {"Account": "line-1", "BalanceType": "*data", "Value": volume, "Balance": balance}
            assert rpc(simulator.url, "APIerSv1.AddBalance", asked)["result"] == "OK"
        [bucket] = simulator.buckets("line-1")
        assert (bucket.remaining_bytes, bucket.valid_until) == (15, NOW + timedelta(days=1))


def test_cgrates_makes_up_an_account() -> None:
    with make_simulator("cgrates", accounts=["line-1"]) as simulator:
        asked = {"Account": "typo", "BalanceType": "*data", "Value": 10, "Balance": {"ID": "bonus"}}
        assert rpc(simulator.url, "APIerSv2.GetAccount", asked)["error"] == "NOT_FOUND"
        assert rpc(simulator.url, "APIerSv1.AddBalance", asked)["result"] == "OK"
        assert simulator.ghosts() == ["cgrates.org:typo"]
        assert rpc(simulator.url, "APIerSv2.GetAccount", asked)["result"]["ID"] == "cgrates.org:typo"
        missing = {**asked, "Value": 0}
        assert rpc(simulator.url, "APIerSv1.AddBalance", missing)["error"] == "MANDATORY_IE_MISSING: [Value]"


def test_sigscale_refuses_what_it_cannot_read() -> None:
    amount = {"units": "octets", "amount": 10}
    good: dict[str, Any] = {
        "name": "a",
        "amount": amount,
        "validFor": {"endDateTime": "2999-01-01T00:00:00.000"},
    }
    with make_simulator("sigscale", accounts=["line-1"]) as simulator:
        path = f"{simulator.url}/balanceManagement/v1/service/line-1/balanceTopup"
        for wrong in (
            {"product": {"id": "p"}},
            {"amount": {"amount": 10}},
            {"amount": {**amount, "amount": 0}},
            {"amount": {**amount, "units": "GB"}},
            {"validFor": {"endDateTime": "2999-01-01T00:00:00Z"}},
        ):
            assert httpx.post(path, json={**good, **wrong}).status_code == 400, wrong
        assert httpx.post(path.replace("line-1", "line-2"), json=good).status_code == 404
        assert simulator.credits() == []
        first, second = httpx.post(path, json=good), httpx.post(path, json=good)
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.headers["location"] != second.headers["location"], "the same twice is two buckets"
        assert first.json()["remainedAmount"] == {"amount": "10b", "units": "octets"}


def test_tmf654_sums_into_the_bucket_that_is_named() -> None:
    with make_simulator("tmf654") as simulator:
        system = adapter("tmf654", simulator.url)
        for _ in range(2):
            assert isinstance(system.credit(credit_of(1), deadline=soon()), Credited)
        assert keys(simulator) == [str(credit_of(1).credit_id)] * 2
        [bucket] = simulator.buckets("line-1")
        assert bucket.remaining_bytes == 200 * MB
        assert len(system.read_back("line-1")) == 2, "a double can be seen"
        path = f"{simulator.url}/tmf-api/prepayBalanceManagement/v4/topupBalance"
        assert httpx.post(path, json={"amount": {"amount": 1}}).json()["code"] == "missingBodyField"
        system.close()


def test_usage_burns_the_soonest_end_first_or_the_highest_weight() -> None:
    with make_simulator("sigscale", authorization=SIGNED_IN["sigscale"]) as simulator:
        system = adapter("sigscale", simulator.url)
        for number, days in ((1, 20), (2, 5)):
            credit = credit_of(number)
            ends = {"valid_until": NOW + timedelta(days=days)}
            system.credit(type(credit)(**{**_fields(credit), **ends}), deadline=soon())
        told = httpx.post(f"{simulator.url}/simulator/usage", json={"recipient": "line-1", "bytes": 120 * MB})
        assert told.json() == {"used": 120 * MB}
        [left] = simulator.buckets("line-1")
        assert (left.key, left.remaining_bytes) == (str(credit_of(1).credit_id), 80 * MB)
        system.close()


def _fields(credit: Any) -> dict[str, Any]:
    return {name: getattr(credit, name) for name in credit.__slots__}


def test_it_is_told_what_to_do_over_http() -> None:
    with make_simulator("tmf654", authorization=SIGNED_IN["tmf654"]) as simulator:
        at = f"{simulator.url}/simulator"
        assert httpx.put(f"{at}/faults", json={"shares": {"busy": 1}}).json()["shares"] == {"busy": 1.0}
        for wrong in ({"shares": {"none": 1}}, {"shares": {"busy": 2}}, {"next": ["none"]}, {"odd": 1}, []):
            assert httpx.put(f"{at}/faults", json=wrong).status_code == 400
        assert httpx.put(f"{at}/faults", json={"next": [None, "error_after"]}).status_code == 200
        system = adapter("tmf654", simulator.url)
        for number in range(2):
            system.credit(credit_of(number), deadline=soon())
        told = httpx.get(f"{at}/credits", params={"limit": 1}).json()
        assert (told["count"], told["keys"], told["doubles"], len(told["credits"])) == (2, 2, 0, 1)
        assert httpx.post(f"{at}/restart").status_code == 204
        assert httpx.get(f"{at}/credits").json()["count"] == 2
        assert httpx.get(f"{at}/faults").json()["met"] == {"error_after": 1}
        assert httpx.get(f"{at}/nothing").status_code == 404
        assert httpx.get(f"{at}/credits?limit=x").status_code == 400
        assert httpx.post(f"{at}/usage", json={"recipient": "a", "bytes": 0}).status_code == 400
        system.close()


def test_what_cannot_be_played_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="diameter"):
        make_simulator("diameter")
    for shares in ({"none": 0.1}, {"busy": -0.1}, {"busy": 0.6, "slow": 0.6}):
        with pytest.raises(FaultError):
            make_simulator("tmf654", faults=shares)
    run = CliRunner().invoke
    for arguments in (
        ["--profile", "diameter"],
        ["--profile", "tmf654", "--fault", "busy"],
        ["--profile", "tmf654", "--fault", "none=1"],
        ["--profile", "tmf654", "--accounts", str(tmp_path / "none")],
    ):
        result = run(app, ["charging", "--port", "0", *arguments])
        assert result.exit_code == 2, arguments
        assert result.stderr.count("\n") == 1
    with make_simulator("tmf654") as simulator:
        result = run(app, ["charging", "--profile", "tmf654", "--port", str(simulator.port)])
        assert result.exit_code == 2


@pytest.mark.parametrize("profile", PROFILES)
def test_a_folder_keeps_everything_beyond_the_end(profile: str, tmp_path: Path) -> None:
    with make_simulator(profile, folder=tmp_path, accounts=["line-1"], is_synced=True) as first:
        system = adapter(profile, first.url)
        for number in range(3):
            system.credit(credit_of(number), deadline=soon())
        first.burn("line-1", 30 * MB)
        before, buckets = first.credits(), first.buckets("line-1")
        system.close()
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(b'{"do":"credit","acc')  # the process ended here, and nobody was told
    with make_simulator(profile, folder=tmp_path, accounts=["line-1"]) as second:
        assert (second.credits(), second.buckets("line-1")) == (before, buckets)
        system = adapter(profile, second.url)
        assert isinstance(system.credit(credit_of(9), deadline=soon()), Credited)
        assert len({found.place for found in system.read_back("line-1")}) == 4
        system.close()
    with make_simulator(profile, folder=tmp_path, accounts=["line-1"]) as third:
        assert len(third.credits()) == 4


def test_what_was_answered_outlives_a_kill(tmp_path: Path) -> None:
    """Credits run on while the process is killed; each that was answered is there after a new start."""
    answered: list[str] = []
    process, url = _command(tmp_path)
    system = adapter("sigscale", url)

    def send() -> None:
        for number in range(100_000):
            credit = credit_of(number)
            if not isinstance(system.credit(credit, deadline=soon()), Credited):
                return
            answered.append(str(credit.credit_id))

    thread = threading.Thread(target=send)
    thread.start()
    wait_until(lambda: len(answered) > 50, 20)
    process.send_signal(signal.SIGKILL)
    process.wait()
    thread.join()
    system.close()
    with make_simulator("sigscale", folder=tmp_path) as simulator:
        assert set(answered) <= set(keys(simulator))
        assert len(simulator.credits()) - len(answered) in {0, 1}
    process, _ = _command(tmp_path)
    process.terminate()
    assert process.wait(10) == 0


def _command(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """Start the command in a process of its own; gives its address, which it prints."""
    environment = {
        **os.environ,
        "SELBSTHELFER_CHARGING_USER": USER,
        "SELBSTHELFER_CHARGING_PASSWORD": PASSWORD,
        "SELBSTHELFER_CHARGING_TOKEN": TOKEN,
    }
    arguments = ["simulate", "charging", "--profile", "sigscale", "--port", "0", "--folder", str(folder)]
    script = "from selbsthelfer.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    url = ""
    for _ in range(5):
        line = process.stdout.readline()
        if "_URL=" in line:
            url = line.partition("=")[2].strip()
        if "_PASSWORD=" in line:
            break
    process.stdout.close()
    with suppress(httpx.HTTPError):
        httpx.get(f"{url}/simulator/credits")
    return process, url


def test_a_thousand_credits_a_second() -> None:
    """A machine that is busy with other things is let off with a third of it."""
    with make_simulator("sigscale") as simulator:
        system = adapter("sigscale", simulator.url)
        begun = time.perf_counter()
        for number in range(300):
            assert isinstance(system.credit(credit_of(number), deadline=soon()), Credited)
        assert time.perf_counter() - begun < 1.0
        system.close()

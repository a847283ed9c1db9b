"""Which charging system the environment names, and what is said where it cannot be meant."""

from __future__ import annotations

import pytest

from selbsthelfer.charging.core.pace import PACE, SEND_WITHIN
from selbsthelfer.charging.core.port import Capabilities
from selbsthelfer.charging.systems import (
    SystemMisconfiguredError,
    system_name,
    the_system,
    use_system,
)
from tests.charging.playing import adapter

URL = "https://charging.example"
SECRET = "not-to-be-shown"  # noqa: S105


class OwnSystem:
    """An operator's own adapter, as far as it is made here."""

    name = "own"
    capabilities = Capabilities(True, True, True, True, True, True, True, None)


def say(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    for name, value in settings.items():
        monkeypatch.setenv("SELBSTHELFER_CHARGING" + (f"_{name}" if name != "NAME" else ""), value)


def test_unless_said_the_allowances_are_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SELBSTHELFER_CHARGING", raising=False)
    assert the_system() is None
    assert system_name() == "embedded"
    say(monkeypatch, NAME="embedded")
    assert the_system() is None


def test_each_system_is_made_once_from_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, URL=URL, USER="u", PASSWORD=SECRET, TOKEN=SECRET, TENANT="t", SETTLE_SECONDS="none")
    for name in ("tmf654", "sigscale", "cgrates"):
        say(monkeypatch, NAME=name)
        system = the_system()
        assert system is not None
        assert system is the_system()
        assert system_name() == system.name == name
        assert system.capabilities.settle_seconds is None
        assert not system.capabilities.reauthorise
        say(monkeypatch, SETTLE_SECONDS="120")
        changed = the_system()
        assert changed is not None
        assert changed.capabilities.settle_seconds == 120
        say(monkeypatch, SETTLE_SECONDS="none")
    say(monkeypatch, REAUTHORISE="1")
    system = the_system()
    assert system is not None
    assert system.capabilities.reauthorise


def test_an_adapter_of_ones_own_is_made_without_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, NAME="tests.charging.test_adapters_chosen:OwnSystem")
    assert system_name() == "own"


@pytest.mark.parametrize("name", ["sigscale", "tests.charging.test_adapters_chosen:OwnSystem"])
def test_the_operator_says_what_absence_means_and_a_test_may_be_quicker(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    say(monkeypatch, NAME=name, URL=URL, USER="u", PASSWORD=SECRET)
    usual = the_system()
    say(monkeypatch, ABSENT="person", QUICKENED="20")
    careful = the_system()
    assert usual is not None
    assert careful is not None
    assert usual.capabilities.absent_is_lost
    assert usual.capabilities.pace == PACE
    assert not careful.capabilities.absent_is_lost
    assert careful.capabilities.pace.send_within == SEND_WITHIN / 20


@pytest.mark.parametrize(
    "settings",
    [
        {"NAME": "diameter"},
        {"NAME": "sigscale"},
        {"NAME": "sigscale", "URL": URL},
        {"NAME": "sigscale", "URL": URL, "USER": "a:b", "PASSWORD": SECRET},
        {"NAME": "cgrates", "URL": URL},
        {"NAME": "tmf654", "URL": "http://charging.example"},
        {"NAME": "tmf654", "URL": URL, "TIMEOUT_SECONDS": "soon"},
        {"NAME": "tmf654", "URL": URL, "TIMEOUT_SECONDS": "nan"},
        {"NAME": "tmf654", "URL": URL, "SETTLE_SECONDS": "-1"},
        {"NAME": "tmf654", "URL": URL, "TOKEN": "a b"},
        {"NAME": "tmf654", "URL": URL, "ABSENT": "maybe"},
        {"NAME": "tmf654", "URL": URL, "QUICKENED": "101"},
        {"NAME": "no.such.module:Class"},
        {"NAME": "selbsthelfer.charging.systems:NoClass"},
    ],
)
def test_what_cannot_be_meant_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]
) -> None:
    for name in ("URL", "USER", "PASSWORD", "TOKEN", "TENANT"):
        monkeypatch.delenv(f"SELBSTHELFER_CHARGING_{name}", raising=False)
    say(monkeypatch, **settings)
    with pytest.raises(SystemMisconfiguredError) as caught:
        the_system()
    assert caught.value.code == "charging_misconfigured"
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_test_may_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SELBSTHELFER_CHARGING", raising=False)
    system = adapter("tmf654", URL)
    with use_system(system):
        assert the_system() is system
        assert system_name() == "tmf654"
    assert the_system() is None
    system.close()

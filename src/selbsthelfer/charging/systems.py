"""Which charging system credits are delivered into: chosen by the environment, or for a while by a test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import Final

from selbsthelfer.charging.adapters.calling import SystemAddressError
from selbsthelfer.charging.core.port import Capabilities, ChargingSystem

EMBEDDED: Final = "embedded"
"""The allowances room itself; no adapter is asked."""
PREFIX: Final = "SELBSTHELFER_CHARGING"
SETTINGS: Final = (
    "URL",
    "USER",
    "PASSWORD",
    "TOKEN",
    "TENANT",
    "WEIGHT",
    "REAUTHORISE",
    "SETTLE_SECONDS",
    "TIMEOUT_SECONDS",
    "ABSENT",
    "QUICKENED",
)
SETTLE_SECONDS: Final = 300
TIMEOUT_SECONDS: Final = 5.0
WEIGHT: Final = 10
MAX_WEIGHT: Final = 1_000_000
ABSENT: Final[Mapping[str, bool]] = MappingProxyType({"resend": True, "person": False})
MAX_QUICKENED: Final = 100
"""How many times quicker a delivery may be tried out."""

_chosen: list[ChargingSystem] = []


class SystemMisconfiguredError(RuntimeError):
    """The environment names no charging system that exists, or too little about it."""

    code = "charging_misconfigured"


def the_system() -> ChargingSystem | None:
    """Give the system that `SELBSTHELFER_CHARGING` names; none for `embedded`, which it is unless said.

    It is made once. Any name with a colon is that of an operator's own adapter, as `package.module:Class`;
    it is made without arguments. Raises `SystemMisconfiguredError`.
    """
    if _chosen:
        return _chosen[-1]
    name = _name()
    if name == EMBEDDED:
        return None
    return _built(name, _Settings({key: os.environ.get(f"{PREFIX}_{key}", "") for key in SETTINGS}))


def system_name() -> str:
    """Tell what the orders call the system; raises `SystemMisconfiguredError`."""
    system = the_system()
    return EMBEDDED if system is None else system.name


@contextmanager
def use_system(system: ChargingSystem) -> Iterator[None]:
    """Have this system credited, by every thread, until the block is left."""
    _chosen.append(system)
    try:
        yield
    finally:
        _chosen.remove(system)


class _Settings:
    """The settings of one system, which can be compared and, with secrets among them, not be shown."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = MappingProxyType(dict(values))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Settings) and other._values == self._values

    def __hash__(self) -> int:
        return hash(tuple(sorted(self._values.items())))

    def text(self, key: str) -> str:
        return self._values[key]

    def needed(self, key: str, name: str) -> str:
        if not self._values[key]:
            raise SystemMisconfiguredError(f"the charging system “{name}” needs {PREFIX}_{key}")
        return self._values[key]

    def whole(self, key: str, default: int, most: int) -> int:
        told = self._values[key]
        if told == "":
            return default
        if not (told.isascii() and told.isdigit() and len(told) < 10 and int(told) <= most):
            raise SystemMisconfiguredError(f"{PREFIX}_{key} is “{told}”; it may be 0 to {most:,}")
        return int(told)

    @property
    def timeout_seconds(self) -> float:
        told = self._values["TIMEOUT_SECONDS"]
        try:
            return float(told) if told else TIMEOUT_SECONDS
        except ValueError:
            raise SystemMisconfiguredError(
                f"{PREFIX}_TIMEOUT_SECONDS is “{told}”; it must be seconds"
            ) from None

    def on_top_of(self, capabilities: Capabilities) -> Capabilities:
        """Put what the operator says of any system on top of what the adapter says."""
        told = self._values["ABSENT"]
        if told and told not in ABSENT:
            raise SystemMisconfiguredError(f"{PREFIX}_ABSENT is “{told}”; it may be “resend” or “person”")
        times = self.whole("QUICKENED", 1, MAX_QUICKENED) or 1
        return replace(
            capabilities,
            absent_is_lost=ABSENT.get(told, capabilities.absent_is_lost),
            pace=capabilities.pace if times == 1 else capabilities.pace.quickened(times),
        )

    @property
    def settle_seconds(self) -> int | None:
        if self._values["SETTLE_SECONDS"] == "none":
            return None
        return self.whole("SETTLE_SECONDS", SETTLE_SECONDS, 86_400)


def _name() -> str:
    return os.environ.get(PREFIX) or EMBEDDED


@lru_cache(maxsize=4)
def _built(name: str, settings: _Settings) -> ChargingSystem:
    made = _own(name) if ":" in name else _ours(name, settings)
    able = settings.on_top_of(made.capabilities)
    if able != made.capabilities:
        made.capabilities = able
    return made


def _ours(name: str, settings: _Settings) -> ChargingSystem:
    if name not in _MAKERS:
        raise SystemMisconfiguredError(
            f"{PREFIX} is “{name}”; it may be “{EMBEDDED}”, “tmf654”, “sigscale”, “cgrates” "
            "or “package.module:Class”"
        )
    url = settings.needed("URL", name)
    try:
        return _MAKERS[name](url, settings)
    except SystemAddressError as error:
        raise SystemMisconfiguredError(str(error)) from error


def _tmf654(url: str, settings: _Settings) -> ChargingSystem:
    from selbsthelfer.charging.adapters.tmf654 import Tmf654System

    return Tmf654System(
        url,
        token=settings.text("TOKEN"),
        user=settings.text("USER"),
        password=settings.text("PASSWORD"),
        timeout_seconds=settings.timeout_seconds,
        settle_seconds=settings.settle_seconds,
    )


def _sigscale(url: str, settings: _Settings) -> ChargingSystem:
    from selbsthelfer.charging.adapters.sigscale import SigscaleSystem

    return SigscaleSystem(
        url,
        user=settings.needed("USER", "sigscale"),
        password=settings.needed("PASSWORD", "sigscale"),
        timeout_seconds=settings.timeout_seconds,
        settle_seconds=settings.settle_seconds,
    )


def _cgrates(url: str, settings: _Settings) -> ChargingSystem:
    from selbsthelfer.charging.adapters.cgrates import CgratesSystem

    return CgratesSystem(
        url,
        tenant=settings.needed("TENANT", "cgrates"),
        user=settings.text("USER"),
        password=settings.text("PASSWORD"),
        weight=settings.whole("WEIGHT", WEIGHT, MAX_WEIGHT),
        can_reauthorise=settings.whole("REAUTHORISE", 0, 1) == 1,
        timeout_seconds=settings.timeout_seconds,
        settle_seconds=settings.settle_seconds,
    )


_MAKERS: Final[Mapping[str, Callable[[str, _Settings], ChargingSystem]]] = {
    "tmf654": _tmf654,
    "sigscale": _sigscale,
    "cgrates": _cgrates,
}


def _own(name: str) -> ChargingSystem:
    """Make an operator's own adapter."""
    module, _, class_name = name.partition(":")
    try:
        made: ChargingSystem = getattr(import_module(module), class_name)()
    except (ImportError, AttributeError) as error:
        raise SystemMisconfiguredError(f"{PREFIX} names no class: {error}") from error
    return made

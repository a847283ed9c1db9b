"""What the made-up operator sells, read from `offers.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import msgspec

from selbsthelfer.selfservice.core.records import OptionOffer, RoamingPrice, TariffOffer

DEFAULT_TARIFF: Final = "musterfunk-m"
"""For a line whose registered tariff is none of ours, and whose volume is none of our tariffs' either."""
FREE_CALLS_OPTION: Final = "ausland-plus"
SWISS_OPTION: Final = "schweiz-paket"


@dataclass(frozen=True, slots=True)
class Offers:
    """Every tariff with its kind, every option and every roaming price, in the order of the file."""

    tariffs: Mapping[str, TariffOffer]
    kinds: Mapping[str, str]
    options: Mapping[str, OptionOffer]
    roaming: tuple[RoamingPrice, ...]

    def tariff_of(self, registered: str | None, included_bytes: int | None) -> TariffOffer:
        """Find the tariff under which a line is registered, else the one with its volume."""
        if registered is not None and registered in self.tariffs:
            return self.tariffs[registered]
        alike = [t for t in self.tariffs.values() if t.included_bytes == included_bytes]
        return alike[0] if alike and included_bytes else self.tariffs[DEFAULT_TARIFF]


@cache
def offers() -> Offers:
    """Read the file once; raises `msgspec.ValidationError` where it is wrong."""
    read = tomllib.loads(files(__package__).joinpath("offers.toml").read_text(encoding="utf-8"))
    return Offers(
        tariffs=MappingProxyType({row["id"]: _tariff(row) for row in read["tariffs"]}),
        kinds=MappingProxyType({row["id"]: row["kind"] for row in read["tariffs"]}),
        options=MappingProxyType({row["id"]: _option(row) for row in read["options"]}),
        roaming=msgspec.convert(read["roaming"], tuple[RoamingPrice, ...]),
    )


def _tariff(row: Mapping[str, Any]) -> TariffOffer:
    return msgspec.convert({"included_bytes": None, **row}, TariffOffer)


def _option(row: Mapping[str, Any]) -> OptionOffer:
    return msgspec.convert(row, OptionOffer)

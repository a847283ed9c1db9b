"""Amounts as partner systems write them: a number and its units."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from selbsthelfer.intake.core.facts import MAX_BYTES
from selbsthelfer.partners.core.refusals import RefusedError

UNITS: Final = "octets"
"""The units of every amount that is answered."""
MAX_DIGITS: Final = 40
"""Characters of a number; a longer one is no amount."""
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?")

UNIT_BYTES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "B": 1,
        "kB": 10**3,
        "KB": 10**3,
        "MB": 10**6,
        "GB": 10**9,
        "TB": 10**12,
        "KiB": 2**10,
        "MiB": 2**20,
        "GiB": 2**30,
        "TiB": 2**40,
    }
)
"""What a unit is in bytes. `Mb` and `Gb` are not here: some mean bits by them and some bytes."""
_ONES: Final = frozenset({"octet", "octets", "byte", "bytes"})


def read_number(value: object) -> Decimal | None:
    """Read a number that JSON gave as a number or as text; none if it is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value)
    return Decimal(text) if len(text) <= MAX_DIGITS and _NUMBER.fullmatch(text) else None


def read_bytes(quantity: object) -> int:
    """Read a quantity as bytes, which may be below zero; raises `RefusedError`.

    It must say its units and come to whole bytes: a number without units was meant in others.
    """
    if not isinstance(quantity, Mapping):
        raise RefusedError("amount_missing", "amount is an object with amount and units")
    number = read_number(quantity.get("amount"))
    if number is None:
        raise RefusedError("amount_invalid", "amount.amount is a number")
    factor = _bytes_of_unit(quantity.get("units"))
    if factor is None:
        units = ", ".join(["octets", "bytes", *UNIT_BYTES])
        raise RefusedError("units_unknown", f"amount.units is one of {units}: only data volume is kept here")
    if abs(number) > MAX_BYTES:
        raise RefusedError("amount_invalid", f"at most {MAX_BYTES} octets")
    volume = number * factor
    if volume != int(volume) or abs(volume) > MAX_BYTES:
        raise RefusedError("amount_invalid", f"amount comes to whole octets, at most {MAX_BYTES} of them")
    return int(volume)


def octets(bytes_: int) -> dict[str, Any]:
    """Write bytes as a quantity."""
    return {"amount": bytes_, "units": UNITS}


def _bytes_of_unit(unit: object) -> int | None:
    if not isinstance(unit, str):
        return None
    return 1 if unit.lower() in _ONES else UNIT_BYTES.get(unit)

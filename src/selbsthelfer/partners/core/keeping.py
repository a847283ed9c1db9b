"""What of a partner's document is kept: what identifies, counts or dates it, and never free text.

People write names, illnesses and reproaches into descriptions, reasons and notes. Nothing here needs them, so
they end at the door: a member is kept only where its shape is known and its value has that shape.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from selbsthelfer.partners.core.amounts import read_number

MAX_ITEMS: Final = 20
"""Members of a list that are kept."""
MAX_CODE_CHARACTERS: Final = 100

_CODE: Final = re.compile(r"[+A-Za-z0-9][A-Za-z0-9._:/@+~=#-]*")
_ID: Final = re.compile(r"[\x21-\x2b\x2d\x2e\x30-\x7e]+")
MAX_ID_CHARACTERS: Final = 150
"""Characters of the id by which a partner names what it asks for."""

Shape = str | Sequence[Any] | Mapping[str, Any]
"""`code`, `instant`, `number` or `flag`; a list of one shape; or an object by its members."""

_REF: Final = {"id": "code"}
_PERIOD: Final = {"startDateTime": "instant", "endDateTime": "instant"}
_AMOUNT: Final = {"amount": "number", "units": "code"}
_PARTY: Final = {"id": "code", "role": "code", "@referredType": "code"}
_ACTION: Final[Mapping[str, Shape]] = {
    "amount": _AMOUNT,
    "bucket": _REF,
    "channel": _REF,
    "partyAccount": _REF,
    "product": [_REF],
    "usageType": "code",
    "validFor": _PERIOD,
}

SHAPES: Final[Mapping[str, Mapping[str, Shape]]] = MappingProxyType(
    {
        "bucket": {
            "usageType": "code",
            "validFor": _PERIOD,
            "partyAccount": _REF,
            "product": [_REF],
            "remainingValue": _AMOUNT,
        },
        "topupBalance": {**_ACTION, "isAutoTopup": "flag"},
        "adjustBalance": {**_ACTION, "adjustType": "code"},
        "reserveBalance": {**_ACTION, "relatedParty": [_PARTY]},
        "hub": {"callback": "code", "query": "code"},
        "partyInteraction": {
            "creationDate": "instant",
            "direction": "code",
            "status": "code",
            "statusChangeDate": "instant",
            "channel": [{"id": "code", "role": "code"}],
            "interactionDate": _PERIOD,
            "interactionItem": [{"id": "code", "itemDate": _PERIOD}],
            "relatedParty": [_PARTY],
        },
    }
)
"""By the kind of document: what of it is kept."""


def kept(document: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Keep of a document what its kind knows and what is no free text."""
    return _kept(document, SHAPES[kind]) or {}


def read_code(value: object) -> str | None:
    """Read a short text without blanks that identifies something; none if it is not one."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > MAX_CODE_CHARACTERS or not _CODE.fullmatch(value):
        return None
    return value


def read_instant(value: object) -> datetime | None:
    """Read an instant of RFC 3339; one without an offset is in UTC, as the conformance kits write it."""
    if not isinstance(value, str) or len(value) > MAX_CODE_CHARACTERS:
        return None
    try:
        instant = datetime.fromisoformat(value)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_id(text: str) -> bool:
    """Tell whether a text can be an id: at most `MAX_ID_CHARACTERS` of visible ASCII but slash and comma."""
    return len(text) <= MAX_ID_CHARACTERS and _ID.fullmatch(text) is not None


def written(instant: datetime) -> str:
    """Write an instant as RFC 3339 in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _kept(value: object, shape: Shape) -> Any:
    if isinstance(shape, str):
        return _plain(value, shape)
    if isinstance(shape, Mapping):
        if not isinstance(value, Mapping):
            return None
        members = {name: _kept(value.get(name), inner) for name, inner in shape.items()}
        return {name: member for name, member in members.items() if member is not None} or None
    items = value if isinstance(value, list) else [value]
    return [item for item in (_kept(i, shape[0]) for i in items[:MAX_ITEMS]) if item is not None] or None


def _plain(value: object, shape: str) -> Any:
    match shape:
        case "code":
            return read_code(value)
        case "instant":
            instant = read_instant(value)
            return None if instant is None else written(instant)
        case "number":
            number = read_number(value)
            return None if number is None else int(number) if number == int(number) else float(number)
        case _:
            return value if isinstance(value, bool) else None

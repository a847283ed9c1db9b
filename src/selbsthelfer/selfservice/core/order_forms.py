"""Orders as plain values, in which they are kept until the back end has answered."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, cast, get_args

import msgspec

from selbsthelfer.selfservice.core.orders import Order

ORDER_KINDS: Final[Mapping[str, type[Any]]] = MappingProxyType(
    {kind.activity: kind for kind in get_args(Order)}
)
"""Every kind of order by the activity that it carries out."""


def order_as_plain(order: Order) -> dict[str, Any]:
    """Turn an order into plain values of JSON."""
    return cast(dict[str, Any], msgspec.to_builtins(order))


def order_of_plain(activity: str, plain: Mapping[str, Any]) -> Order:
    """Turn plain values back into an order; raises `msgspec.ValidationError` if they are none."""
    return cast(Order, msgspec.convert(plain, ORDER_KINDS[activity]))

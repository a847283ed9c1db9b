"""Show what was filed as the document of its API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from selbsthelfer.partners.core.keeping import written
from selbsthelfer.partners.core.writing import period
from selbsthelfer.partners.queries import Filed

GIFTS: Final = ("topupBalance", "adjustBalance")
"""The kinds of documents that give volume."""

_STATUS: Final = {None: "completed", "confirmed": "completed", "refused": "failed"}
"""By the state of the order at a charging system outside; without one the volume was there at once."""


def shown(filed: Filed) -> Mapping[str, Any]:
    """Write a document with what became of it."""
    if filed.kind == "partyInteraction":
        return _interaction(filed)
    if filed.kind == "bucket":
        return {**_named(filed), "status": filed.status, "confirmationDate": written(filed.asked_at)}
    return _action(filed)


def _action(filed: Filed) -> Mapping[str, Any]:
    is_real_gift = filed.kind in GIFTS and filed.subscriber_id is not None
    status = _STATUS.get(filed.order_state, "created") if is_real_gift else filed.status
    document = {**_named(filed), "status": status, "requestedDate": written(filed.asked_at)}
    if status == "completed":
        document["confirmationDate"] = written(filed.changed_at)
    if is_real_gift and filed.valid_from is not None and filed.valid_until is not None:
        document["validFor"] = period(filed.valid_from, filed.valid_until)
    return document


def _interaction(filed: Filed) -> Mapping[str, Any]:
    document = {**_named(filed), "creationDate": written(filed.asked_at)}
    for name in ("channel", "relatedParty"):
        if name in document:
            document[name] = [_with_address(reference, name) for reference in document[name]]
    if filed.status is not None:
        document |= {"status": filed.status, "statusChangeDate": written(filed.changed_at)}
    return document


def _with_address(reference: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Add the address that the Swagger file wants of a reference; what stands there is kept elsewhere."""
    return {"id": "unknown", **reference, "href": f"{name}/{reference.get('id', 'unknown')}"}


def _named(filed: Filed) -> dict[str, Any]:
    type_ = filed.kind[0].upper() + filed.kind[1:]
    return {"id": filed.id, **filed.content, "@type": type_}

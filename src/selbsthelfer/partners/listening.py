"""Let partners listen to what becomes of requests: the hubs of TM Forum's APIs.

A listener is an endpoint of the outbox, with all that holds for those: where events may go, how often they
are tried and for how long, and a log. Its events have the body that TM Forum wants.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import transaction

from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.outbox.core.events import event_id_of
from selbsthelfer.outbox.core.webhooks import EndpointRefusedError
from selbsthelfer.outbox.event_queries import endpoint_of_id
from selbsthelfer.outbox.events import EventRow, put_events, wanted_kinds
from selbsthelfer.outbox.webhooks import (
    EndpointDisabledError,
    TooManyEndpointsError,
    add_listener,
    delete_endpoint,
)
from selbsthelfer.partners.core.keeping import written
from selbsthelfer.partners.core.refusals import ConflictError, RefusedError, UnknownError
from selbsthelfer.partners.filing import Partner
from selbsthelfer.partners.queries import Filed
from selbsthelfer.partners.showing import shown


class PartnerEvent(StrEnum):
    """What TM Forum's APIs tell, under the names of their Swagger files."""

    TOPUP_CREATED = "TopupBalanceCreateEvent"
    ADJUSTMENT_CREATED = "AdjustBalanceCreateEvent"
    RESERVATION_CREATED = "ReserveBalanceCreateEvent"
    RESERVATION_CANCELLED = "ReserveBalanceCancelEvent"
    INTERACTION_CREATED = "PartyInteractionCreateEvent"
    INTERACTION_ALTERED = "PartyInteractionAttributeValueChangeEvent"
    INTERACTION_STATUS_CHANGED = "PartyInteractionStatusChangeEvent"


CREATED: Final[Mapping[str, PartnerEvent]] = MappingProxyType(
    {
        "topupBalance": PartnerEvent.TOPUP_CREATED,
        "adjustBalance": PartnerEvent.ADJUSTMENT_CREATED,
        "reserveBalance": PartnerEvent.RESERVATION_CREATED,
        "partyInteraction": PartnerEvent.INTERACTION_CREATED,
    }
)
"""What is told of a new document, by its kind."""
EVENTS: Final[Mapping[str, Sequence[PartnerEvent]]] = MappingProxyType(
    {
        "TMF654": (
            PartnerEvent.TOPUP_CREATED,
            PartnerEvent.ADJUSTMENT_CREATED,
            PartnerEvent.RESERVATION_CREATED,
            PartnerEvent.RESERVATION_CANCELLED,
        ),
        "TMF683": (
            PartnerEvent.INTERACTION_CREATED,
            PartnerEvent.INTERACTION_ALTERED,
            PartnerEvent.INTERACTION_STATUS_CHANGED,
        ),
    }
)
"""What can be listened to, by API."""

_QUERY: Final = re.compile(r"\s*eventType\s*=\s*(?P<names>[A-Za-z]+(\s*,\s*[A-Za-z]+)*)\s*")


def listen(partner: Partner, api: str, body: Mapping[str, Any], *, now: datetime) -> Mapping[str, Any]:
    """Send what happens from now on to a callback; asking again for the same finds the same listener.

    Raises `RefusedError` and `ConflictError`.
    """
    callback = body.get("callback")
    if not isinstance(callback, str):
        raise RefusedError("callback_missing", "callback is the address to which events go")
    kinds = _kinds(api, body.get("query"))
    try:
        made = add_listener(
            owner=partner.name,
            url=callback,
            kinds=kinds,
            offered=EVENTS[api],
            now=now,
            description=f"{api} hub",
        )
    except EndpointRefusedError as error:
        raise RefusedError("callback_refused", str(error)) from error
    except TooManyEndpointsError as error:
        raise ConflictError("too_many_listeners", str(error)) from error
    except EndpointDisabledError as error:
        raise ConflictError("listener_disabled", str(error)) from error
    listener: dict[str, Any] = {"id": str(made.endpoint_id), "callback": callback}
    if isinstance(body.get("query"), str):
        listener["query"] = f"eventType={','.join(kinds)}"
    return listener


def stop_listening(partner: Partner, api: str, id_: str) -> None:
    """Send no more to a listener of this partner's; raises `UnknownError`."""
    try:
        endpoint_id = UUID(id_)
    except ValueError as error:
        raise UnknownError("hub") from error
    with transaction.atomic():
        found = endpoint_of_id(open_cursor(), endpoint_id)
        if found is None or found.owner != partner.name or not set(found.kinds) <= set(EVENTS[api]):
            raise UnknownError("hub")
        delete_endpoint(endpoint_id=endpoint_id)


def tell(cursor: psycopg.Cursor[Any], filed: Filed, kind: PartnerEvent, *, now: datetime) -> None:
    """Write an event about a document, for those that listen, inside the running transaction."""
    if kind not in wanted_kinds(cursor):
        return
    key = f"{kind}/{filed.id}/{filed.changes}"
    event = {
        "eventId": str(event_id_of(key)),
        "eventTime": written(now),
        "eventType": kind.value,
        "event": {filed.kind: shown(filed)},
    }
    put_events(cursor, [EventRow(key, kind.value, filed.subscriber_id, event, now, is_whole_body=True)])


def _kinds(api: str, query: object) -> list[str]:
    """Read which events are asked for: all, or those that the query names."""
    if query is None or query == "":
        return [kind.value for kind in EVENTS[api]]
    match = _QUERY.fullmatch(query) if isinstance(query, str) and len(query) <= 1_000 else None
    names = re.split(r"\s*,\s*", match["names"]) if match else []
    if not names or set(names) - set(EVENTS[api]):
        raise RefusedError("query_unsupported", f"query is eventType=… with any of {', '.join(EVENTS[api])}")
    return sorted(set(names))

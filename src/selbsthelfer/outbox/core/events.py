"""What the operator's systems are told: kinds of events, their ids, and their bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid5

MAX_DATA_BYTES: Final = 16_384
"""The data of an event, as JSON."""

_NAMESPACE: Final = UUID("8d5a2c76-1f0b-5a9e-9a47-6f1f4f7f3c21")


class EventKind(StrEnum):
    """What an endpoint can ask for."""

    GRANT_RELEASED = "grant.released"
    STAGE_PASSED = "stage.passed"
    STAGE_MISSED = "stage.missed"
    BUCKET_EXPIRING = "bucket.expiring"
    ALLOWANCE_NOTICE = "allowance.notice"
    CONVERSATION_ANSWERED = "conversation.answered"


TEST_KIND: Final = "webhook.test"
"""The event that tries an endpoint out; it tells nothing."""


class EventTooLargeError(ValueError):
    """The data of an event has more than `MAX_DATA_BYTES`: its author puts in what does not belong there."""

    code = "event_too_large"


def event_id_of(key: str) -> UUID:
    """Give the id under which an event is sent, the same for the same key for ever."""
    return uuid5(_NAMESPACE, key)


def write_data(data: Mapping[str, Any]) -> str:
    """Write the data of an event as JSON; raises `EventTooLargeError`."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    if len(text) > MAX_DATA_BYTES:
        raise EventTooLargeError(f"the data of an event has at most {MAX_DATA_BYTES} bytes")
    return text


def write_body(kind: str, happened_at: datetime, data: str, *, is_whole_body: bool = False) -> str:
    """Write what an endpoint receives; `data` is JSON. The same event has the same body at every attempt."""
    if is_whole_body:
        return data
    return f'{{"type":{json.dumps(kind)},"timestamp":"{write_instant(happened_at)}","data":{data}}}'


def write_instant(instant: datetime) -> str:
    """Write an instant as RFC 3339 in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")

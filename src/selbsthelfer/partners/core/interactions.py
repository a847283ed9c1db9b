"""What an interaction, as TMF683 tells it, says about a contact.

What cannot be understood is left empty, and a contact with an empty member does not count: doubt is the
customer's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from selbsthelfer.activities.core.catalogue import CATALOGUE, CountingClass
from selbsthelfer.contacts.core.topics import exempt_code
from selbsthelfer.intake.core.facts import MAX_SECONDS
from selbsthelfer.partners.core.keeping import MAX_ITEMS, read_code, read_instant

UNCLASSIFIED: Final = "unclassified"

CHANNELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(
            ("hotline", "phone", "telephone", "call", "voice", "callcenter", "contactcenter"), "hotline"
        ),
        **dict.fromkeys(("chat", "webchat", "livechat"), "chat"),
        **dict.fromkeys(("shop", "store", "retail", "branch", "kiosk"), "shop"),
        **dict.fromkeys(("written", "email", "mail", "letter", "fax", "form", "webform"), "written"),
    }
)
"""Our channel by what others call it, in small letters without hyphens, underscores and dots."""

DIRECTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("inbound", "inbounds", "in", "incoming"), "inbound"),
        **dict.fromkeys(("outbound", "outbounds", "out", "outgoing"), "outbound"),
    }
)
_ENDED: Final = frozenset({"completed", "complete", "closed", "done", "resolved", "finished", "answered"})
_NOT_ENDED: Final = frozenset({"opened", "open", "inprogress", "acknowledged", "pending"})
_OUTCOMES: Final[Mapping[str, str]] = MappingProxyType(
    {**dict.fromkeys(_ENDED, "answered"), "abandoned": "abandoned", "cancelled": "abandoned"}
)
_GROUPED_NUMBER: Final = re.compile(r"\+?[0-9][0-9 ()/-]{5,38}[0-9]")
_CUSTOMERS: Final = frozenset({"customer", "subscriber", "user", "enduser", "caller"})


@dataclass(frozen=True, slots=True)
class Interaction:
    """A contact as far as an interaction tells it; `party` is who was the customer in it.

    `has_ended` is false while the interaction goes on: what has not ended is no contact yet.
    """

    party: str | None
    happened_at: datetime | None
    channel: str | None
    direction: str | None
    outcome: str | None
    talk_seconds: int | None
    topic: str | None
    has_ended: bool


def read_interaction(document: Mapping[str, Any]) -> Interaction:
    """Read an interaction as it was sent, with the texts that are not kept."""
    status = _plain(document.get("status"))
    starts_at, ends_at = _period(document.get("interactionDate"))
    happened_at = ends_at or starts_at
    return Interaction(
        party=_party(document.get("relatedParty")),
        happened_at=happened_at,
        channel=_channel(document.get("channel")),
        direction=DIRECTIONS.get(_plain(document.get("direction"))),
        # Without its own date nobody knows into which period it falls.
        outcome=_OUTCOMES.get(status) if happened_at is not None else None,
        talk_seconds=_seconds(starts_at, ends_at),
        topic=read_topic(document),
        has_ended=status not in _NOT_ENDED,
    )


def read_topic(document: Mapping[str, Any]) -> str | None:
    """Find the topic among the items and the reason; of several one that does not count goes first."""
    topics = [topic for topic in map(_topic, _topic_texts(document)) if topic is not None]
    return next((topic for topic in topics if _never_counts(topic)), topics[0] if topics else None)


def shown_topic(topic: str | None) -> str:
    """Name a topic outside the contact room: sensitive ones by their neutral code."""
    return UNCLASSIFIED if topic is None else exempt_code(topic) or topic


def is_status(text: object) -> bool:
    """Tell whether a status is one that is understood."""
    return _plain(text) in _OUTCOMES.keys() | _NOT_ENDED


def _topic_texts(document: Mapping[str, Any]) -> Iterator[object]:
    for item in _items(document.get("interactionItem")):
        yield item.get("reason")
        yield item.get("id")
        inner = item.get("item")
        if isinstance(inner, Mapping):
            yield inner.get("id")
            yield inner.get("name")
    yield document.get("reason")


def _topic(text: object) -> str | None:
    code = read_code(text)
    return code if code is not None and (code in CATALOGUE or exempt_code(code) is not None) else None


def _never_counts(topic: str) -> bool:
    return topic not in CATALOGUE or CATALOGUE[topic].counting_class is CountingClass.NEVER


def _party(parties: object) -> str | None:
    """Find the customer: whose role says so, or the only one, if it has no other role."""
    told = list(_items(parties))
    named = [p for p in told if _plain(p.get("role")) in _CUSTOMERS]
    if not named and len(told) == 1 and told[0].get("role") is None:
        named = told
    ids = {_party_id(p.get("id")) for p in named}
    return ids.pop() if len(ids) == 1 else None


def _party_id(value: object) -> str | None:
    """Read who somebody is; a telephone number may be written in groups."""
    if isinstance(value, str) and _GROUPED_NUMBER.fullmatch(value):
        value = "".join(c for c in value if c in "+0123456789")
    return read_code(value)


def _channel(channels: object) -> str | None:
    """Find the one channel of ours that is meant; two different ones are doubt."""
    found = {
        CHANNELS[name]
        for channel in _items(channels)
        for name in (_plain(channel.get("id")), _plain(channel.get("name")))
        if name in CHANNELS
    }
    return found.pop() if len(found) == 1 else None


def _period(period: object) -> tuple[datetime | None, datetime | None]:
    if not isinstance(period, Mapping):
        return None, None
    return read_instant(period.get("startDateTime")), read_instant(period.get("endDateTime"))


def _seconds(starts_at: datetime | None, ends_at: datetime | None) -> int | None:
    """Tell how long a conversation took; a start that is its end is only a date."""
    if starts_at is None or ends_at is None or ends_at <= starts_at:
        return None
    seconds = int((ends_at - starts_at).total_seconds())
    return seconds if seconds <= MAX_SECONDS else None


def _items(value: object) -> Iterable[Mapping[str, Any]]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items[:MAX_ITEMS] if isinstance(item, Mapping)]


def _plain(text: object) -> str:
    """Write a word as it is compared: small, without hyphens, underscores, dots and blanks."""
    return (
        "".join(c for c in text.lower() if c.isalnum()) if isinstance(text, str) and len(text) <= 100 else ""
    )

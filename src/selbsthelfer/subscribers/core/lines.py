"""Lines by the operator's own id and by ours."""

from __future__ import annotations

from hashlib import sha1
from typing import NamedTuple
from uuid import UUID, uuid5

NAMESPACE = uuid5(UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8"), "https://selbsthelfer.example/line")
_NAMESPACE_BYTES = NAMESPACE.bytes


def subscriber_id_of(subject: str) -> UUID:
    """Derive the UUID (version 5) of a line from the operator's own id: no look-up, no sequence."""
    digest = sha1(_NAMESPACE_BYTES + subject.encode(), usedforsecurity=False).digest()
    return UUID(bytes=digest[:16], version=5)


class LineRef(NamedTuple):
    """A line by both of its names: ours, and `subject`, the operator's own."""

    subscriber_id: UUID
    subject: str

    @classmethod
    def of(cls, subject: str) -> LineRef:
        return cls(subscriber_id_of(subject), subject)

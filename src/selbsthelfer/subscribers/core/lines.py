"""How the operator's own id of a line becomes ours."""

from __future__ import annotations

from hashlib import sha1
from uuid import UUID, uuid5

NAMESPACE = uuid5(UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8"), "https://selbsthelfer.example/line")
_NAMESPACE_BYTES = NAMESPACE.bytes


def subscriber_id_of(subject: str) -> UUID:
    """Derive the UUID (version 5) of a line from the operator's own id: no look-up, no sequence."""
    digest = sha1(_NAMESPACE_BYTES + subject.encode(), usedforsecurity=False).digest()
    return UUID(bytes=digest[:16], version=5)

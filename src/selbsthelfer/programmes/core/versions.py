"""A version of a programme as it was published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from selbsthelfer.programmes.core.definition import Definition


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """A version of a programme; it never changes."""

    programme: str
    version: int
    digest: str
    definition: Definition
    published_at: datetime

    def is_open(self, at: datetime) -> bool:
        """Tell whether lines may enrol at an instant, as far as its dates go."""
        opens, closes = self.definition.enrol_from, self.definition.enrol_until
        return (opens is None or opens <= at) and (closes is None or at < closes)

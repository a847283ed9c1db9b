"""What a client of the operator's may do by the API."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """One thing that a key may allow."""

    FACTS_WRITE = "facts:write"
    FACTS_BACKDATE = "facts:backdate"
    """Say when a fact was received; without it `received` is refused."""
    LINES_READ = "lines:read"
    REWARDS_WRITE = "rewards:write"
    """Enrol, withdraw, give courtesy volume."""
    CONTACTS_WRITE = "contacts:write"
    """Say whether a contact counts."""
    TOKENS_WRITE = "tokens:write"
    """Make tokens and signed links for one line."""
    WEBHOOKS_WRITE = "webhooks:write"
    """Read and change where events go."""
    BALANCE_READ = "balance:read"
    BALANCE_WRITE = "balance:write"
    """Speak TMF654."""
    INTERACTION_READ = "interaction:read"
    INTERACTION_WRITE = "interaction:write"
    """Speak TMF683."""
    METRICS_READ = "metrics:read"

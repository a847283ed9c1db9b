"""Why something a partner system asked is not done; nothing was changed then."""

from __future__ import annotations


class PartnerError(Exception):
    """What was asked is not done; `code` is stable, `reason` may be shown to people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class RefusedError(PartnerError):
    """It cannot be done as it was asked."""


class ConflictError(PartnerError):
    """It cannot be done as things stand."""


class UnknownError(PartnerError):
    """There is no such thing."""

    def __init__(self, kind: str) -> None:
        super().__init__("not_found", f"there is no {kind} with this id")


class NotOfferedError(PartnerError):
    """It is never done here."""

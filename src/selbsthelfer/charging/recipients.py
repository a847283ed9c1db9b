"""By which of a line's names the charging system knows it."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import ClassVar, Final

VARIABLE: Final = "SELBSTHELFER_CHARGING_RECIPIENT"


class RecipientKind(StrEnum):
    """A name of a line: the operator's own id, its number, or its account."""

    SUBJECT = "subject"
    MSISDN = "msisdn"
    ACCOUNT = "account"

    def of(self, subject: str | None, msisdn: str | None, account: str | None) -> str | None:
        """Choose among the names of a line."""
        return {"subject": subject, "msisdn": msisdn, "account": account}[self.value]


class RecipientSettingError(ValueError):
    """The setting is none of the names that a line has."""

    code: ClassVar[str] = "recipient_setting"


def recipient_kind() -> RecipientKind:
    """Read `SELBSTHELFER_CHARGING_RECIPIENT`, by default `subject`; raises `RecipientSettingError`."""
    told = os.environ.get(VARIABLE) or RecipientKind.SUBJECT.value
    try:
        return RecipientKind(told)
    except ValueError as error:
        raise RecipientSettingError(f"{VARIABLE} is subject, msisdn or account") from error

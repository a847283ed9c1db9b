"""Write what identity tells people: codes, and alerts that something was changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg

from selbsthelfer.identity.core.codes import VALID_MINUTES, Purpose
from selbsthelfer.outbox.operations import MessageRow, put_messages

_CODE_KINDS: Final[Mapping[Purpose, str]] = {
    Purpose.SIGN_IN: "sign_in_code",
    Purpose.SECOND_PROOF: "second_proof_code",
    Purpose.EMAIL: "email_confirmation_code",
}


def tell_code(
    cursor: psycopg.Cursor[Any],
    *,
    code_id: UUID,
    purpose: Purpose,
    code: str,
    subscriber_id: UUID | None,
    to: str | None,
    language: str,
    now: datetime,
) -> None:
    """Send a code to a number or an e-mail address."""
    content = {"code": code, "minutes": VALID_MINUTES}
    _tell(cursor, f"code:{code_id}", _CODE_KINDS[purpose], subscriber_id, to, content, language, now)


def tell_alert(
    cursor: psycopg.Cursor[Any],
    *,
    kind: str,
    subscriber_id: UUID | None,
    to: list[str],
    language: str,
    now: datetime,
) -> None:
    """Tell at every address given that something about how somebody signs in was changed."""
    change = uuid4()
    for place, address in enumerate(to):
        key = f"{kind}:{change}:{place}"
        _tell(cursor, key, kind, subscriber_id, address, {"at": now.isoformat()}, language, now)


def _tell(
    cursor: psycopg.Cursor[Any],
    key: str,
    kind: str,
    subscriber_id: UUID | None,
    to: str | None,
    content: Mapping[str, Any],
    language: str,
    now: datetime,
) -> None:
    told = {**content, "language": language or "de"}
    put_messages(cursor, [MessageRow(key, kind, subscriber_id, told, now, to)])

"""Writes that happen once, however often they are asked for: `Idempotency-Key`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Schema

from selbsthelfer.api.callers import Caller, caller_of
from selbsthelfer.api.problems import Problem
from selbsthelfer.api.rendering import write_shape
from selbsthelfer.identity.answers import ANSWERS_KEPT_HOURS, begin_answer, keep_answer
from selbsthelfer.kit.sql import open_cursor

KEY_HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotency-Replayed"
MAX_KEY_CHARACTERS: Final = 200
_KEY: Final = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY_CHARACTERS}}}")

ONCE: Final[Mapping[str, Any]] = {
    "parameters": [
        {
            "in": "header",
            "name": KEY_HEADER,
            "required": True,
            "description": (
                "A name of your own for this request, new for each thing that is to happen. Sent again with"
                f" the same body within {ANSWERS_KEPT_HOURS} hours, it brings the same answer, with"
                f" `{REPLAYED_HEADER}: true`, and nothing happens a second time."
            ),
            "schema": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_KEY_CHARACTERS,
                "pattern": "^[!-~]+$",
            },
            "example": "5f0c7d1e-2c55-4a63-9f0b-b5b1b7f1a0c4",
        }
    ]
}
"""What a route that answers by `once` says as its `openapi_extra`; its answers add `refusals(400, 422)`."""


def once(request: HttpRequest, work: Callable[[], tuple[int, Schema]]) -> HttpResponse:
    """Do a piece of work once per caller and `Idempotency-Key`, and answer the same each time.

    Work and answer are one transaction; the same request at the same moment waits for it. A `Problem` raised
    by the work takes everything back, the key too. Raises `Problem` 400 for a key that is missing or invalid,
    422 for one that was used for another request.
    """
    key = request.headers.get(KEY_HEADER)
    if not key:
        raise Problem(400, "idempotency_key_missing", f"The header {KEY_HEADER} is needed.")
    if not _KEY.fullmatch(key):
        raise Problem(
            400,
            "idempotency_key_invalid",
            f"The header {KEY_HEADER} has 1 to {MAX_KEY_CHARACTERS} visible ASCII characters.",
        )
    caller, asked = caller_of(request), _digest_of(request)
    kept_as = {"client": caller.name, "key": _digest_of_key(caller, key)}
    with transaction.atomic():
        cursor = open_cursor()
        kept = begin_answer(cursor, **kept_as, asked=asked, now=datetime.now(UTC))
        if kept.asked != asked:
            raise Problem(
                422, "idempotency_key_reused", f"This {KEY_HEADER} was used for another request before."
            )
        if kept.status is not None:
            return _answer(kept.status, kept.body, {REPLAYED_HEADER: "true"})
        status, shape = work()
        body = write_shape(shape)
        keep_answer(cursor, **kept_as, status=status, body=body)
    return _answer(status, body, {})


def _answer(status: int, body: bytes, headers: Mapping[str, str]) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="application/json", headers=headers)


def _digest_of(request: HttpRequest) -> str:
    """Make the digest that tells one request from another: its method, its address and its body."""
    asked = sha256(f"{request.method} {request.get_full_path()}\n".encode())
    asked.update(request.body)
    return asked.hexdigest()


def _digest_of_key(caller: Caller, key: str) -> str:
    """Make the digest under which a key is kept; a token's caller has keys of their own for each line."""
    return sha256(f"{caller.subject or ''}\n{key}".encode()).hexdigest()

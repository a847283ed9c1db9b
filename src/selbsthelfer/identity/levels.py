"""The level of whoever sends a request, from the proofs that their session records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from selbsthelfer.identity.core.proofs import Level, Proof, Way, level_of_proofs

_WAYS: Final = {
    "code": Way.CODE,
    "password": Way.PASSWORD,
    "socialaccount": Way.OPERATOR,
}
_FACTORS: Final = {"webauthn": Way.PASSKEY, "totp": Way.APP, "recovery_codes": Way.APP}


def level_of(request: HttpRequest) -> Level:
    """Tell how well the sender of a request has proved who they are, by real time."""
    if not request.user.is_authenticated:
        return Level.NOBODY
    return level_of_proofs(proofs_of(request), now=datetime.now(UTC))


def proofs_of(request: HttpRequest) -> Sequence[Proof]:
    """List the proofs given in the session of a request, in their order."""
    if not request.user.is_authenticated:
        return ()
    return [_proof(record) for record in get_authentication_records(request, request.user)]


def _proof(record: dict[str, object]) -> Proof:
    method, at = record["method"], record["at"]
    assert isinstance(method, str)  # noqa: S101 - as it is recorded
    assert isinstance(at, float)  # noqa: S101
    if method == "mfa":
        return Proof(_FACTORS[str(record["type"])], datetime.fromtimestamp(at, UTC))
    return Proof(_WAYS[method], datetime.fromtimestamp(at, UTC))

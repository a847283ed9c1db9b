"""Read consents and wishes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from selbsthelfer.privacy.core.purposes import Purpose
from selbsthelfer.privacy.models import Consent, Wish

MAX_EXPORTED = 1_000
"""Consents and wishes in one export."""


def consents_of_line(line: UUID) -> Mapping[Purpose, datetime]:
    """Tell what a line agrees to now, and since when."""
    rows = Consent.objects.filter(subscriber_id=line, withdrawn_at__isnull=True)
    return {Purpose(purpose): given_at for purpose, given_at in rows.values_list("purpose", "given_at")}


def export_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> Mapping[str, object]:  # noqa: ARG001
    """Give the newest consents and wishes of a line, on the connection of the cursor."""
    consents = Consent.objects.filter(subscriber_id=line).order_by("-given_at")
    wishes = Wish.objects.filter(subscriber_id=line).order_by("-wished_at")
    return {
        "consents": _plain(consents.values("purpose", "given_at", "withdrawn_at")[:MAX_EXPORTED]),
        "wishes": _plain(wishes.values("kind", "wished_at", "fulfilled_at")[:MAX_EXPORTED]),
    }


def _plain(rows: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
    """Write instants as text."""
    return [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
        for row in rows
    ]

"""How Django finds out who is signed in."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.contrib.auth.backends import ModelBackend

from selbsthelfer.identity.models import User
from selbsthelfer.identity.queries import user_in_session


class LineBackend(ModelBackend):
    """Sessions of lines that have ended are over at once."""

    def get_user(self, user_id: UUID) -> User | None:
        return user_in_session(user_id, now=datetime.now(UTC))

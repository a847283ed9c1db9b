"""Find who somebody is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Q

from selbsthelfer.identity.core.numbers import read_number, spellings
from selbsthelfer.identity.core.proofs import Means, Way
from selbsthelfer.identity.models import User
from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.subscribers.core.lines import subscriber_id_of
from selbsthelfer.subscribers.queries import LineStanding, line_standings, subjects_of_numbers

_SQL = statements("selbsthelfer.identity")

MAX_SESSIONS = 50
"""Sessions listed on a page, the newest first."""


def line_of_number(cursor: psycopg.Cursor[Any], number: str, *, now: datetime) -> LineStanding | None:
    """Find the running line that has a number, given in E.164, now."""
    found = subjects_of_numbers(cursor, spellings(number))
    subject = next((found[spelling] for spelling in spellings(number) if spelling in found), None)
    # Asked for a number that is nobody's as well, which is not to be told by how long the answer takes.
    standing = running_line(cursor, subscriber_id_of(subject or ""), now=now)
    return None if subject is None else standing


def running_line(cursor: psycopg.Cursor[Any], subscriber_id: UUID, *, now: datetime) -> LineStanding | None:
    """Find a line that is registered and has not ended."""
    standing = line_standings(cursor, [subscriber_id]).get(subscriber_id)
    return None if standing is None or standing.has_ended(now) else standing


def user_in_session(user_id: UUID, *, now: datetime) -> User | None:
    """Load a user whose line, if it has one, still runs; in one query."""
    user: User | None = next(iter(User.objects.raw(_SQL["user_in_session"], [user_id])), None)
    if user is None or not user.is_active:
        return None
    return None if user.line_ended_at is not None and user.line_ended_at <= now else user


def has_running_line(user: User, *, now: datetime) -> bool:
    """Tell whether somebody may sign in: staff, and users of lines that have not ended."""
    if user.subscriber_id is None:
        return True
    return running_line(open_cursor(), user.subscriber_id, now=now) is not None


def name_to_sign_in(identifier: str, *, now: datetime) -> str:
    """Find the name to sign in with by a number or an e-mail address; an empty one if it is nobody's."""
    number = None if "@" in identifier else read_number(identifier)
    if number is None:
        chosen = Q(email=identifier.strip().lower()) if "@" in identifier else Q(name=identifier.strip())
        if "@" not in identifier:
            chosen &= Q(subscriber_id__isnull=True)
    else:
        standing = line_of_number(open_cursor(), number, now=now)
        if standing is None:
            return ""
        chosen = Q(subscriber_id=standing.line.subscriber_id)
    return User.objects.filter(chosen).values_list("name", flat=True).first() or ""


def number_of(user: User) -> str | None:
    """Look up the number of a user's line."""
    if user.subscriber_id is None:
        return None
    standing = line_standings(open_cursor(), [user.subscriber_id]).get(user.subscriber_id)
    return None if standing is None else standing.msisdn


def means_of(user: User) -> Sequence[Means]:
    """List what somebody has set up to prove who they are, besides their number."""
    means = []
    if user.has_usable_password():
        means.append(Means(Way.PASSWORD, user.password_set_at or user.created_at))
    for kind, created_at in Authenticator.objects.filter(user=user).values_list("type", "created_at"):
        if kind == Authenticator.Type.WEBAUTHN:
            means.append(Means(Way.PASSKEY, created_at))
        elif kind == Authenticator.Type.TOTP:
            means.append(Means(Way.APP, created_at))
    return means


def sessions_of(user: User) -> Sequence[UserSession]:
    """List where somebody is signed in, at most `MAX_SESSIONS`, the newest first."""
    alive = Session.objects.filter(expire_date__gt=datetime.now(UTC)).values("session_key")
    return list(
        UserSession.objects.filter(user=user, session_key__in=alive).order_by("-created_at")[:MAX_SESSIONS]
    )


def export_of_line(cursor: psycopg.Cursor[Any], line: UUID) -> Mapping[str, object]:  # noqa: ARG001
    """Give what is kept about the access of a line: no password, key or code; on the cursor's connection."""
    user = User.objects.filter(subscriber_id=line).first()
    if user is None:
        return {}
    return {
        "email": user.email,
        "language": user.language,
        "appearance": user.appearance,
        "registered_at": user.created_at.isoformat(),
        "password_set_at": None if user.password_set_at is None else user.password_set_at.isoformat(),
        "proofs": [{"way": m.way.value, "set_up_at": m.set_up_at.isoformat()} for m in means_of(user)],
        "sessions": [
            {"began_at": one.created_at.isoformat(), "address": one.ip, "browser": one.user_agent}
            for one in sessions_of(user)
        ],
    }

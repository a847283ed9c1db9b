"""Whose page it is: the line of whoever is signed in, and never another."""

from __future__ import annotations

from django.http import HttpRequest

from selbsthelfer.identity.models import User
from selbsthelfer.subscribers.core.lines import LineRef


def line_of(request: HttpRequest) -> LineRef | None:
    """Tell the line of whoever is signed in; none for strangers and for staff."""
    user = getattr(request, "user", None)
    return user.line if isinstance(user, User) else None


def own_line(request: HttpRequest) -> LineRef:
    """Tell the line of whoever is signed in, in a view that only they reach."""
    line = line_of(request)
    assert line is not None  # noqa: S101 - the view is guarded by `needs_level`
    return line

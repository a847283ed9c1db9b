"""Whoever holds somebody else's session must not make themselves two proofs of their own in it.

The first means is set up without a second proof, since there is nothing to prove it by. With two, one could
sign in by the one and confirm by the other, so for any other a second proof is asked first.
"""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from selbsthelfer.identity.core.proofs import Level
from selbsthelfer.identity.levels import level_of
from selbsthelfer.identity.models import User
from selbsthelfer.identity.queries import means_of


def makes_second_means(request: HttpRequest, user: User, *, is_password: bool = False) -> bool:
    """Tell whether another means would be set up without a second proof; a password may be changed."""
    if level_of(request) >= Level.CONFIRMED or (is_password and user.has_usable_password()):
        return False
    return bool(means_of(user))


def refuse_second_means(request: HttpRequest, user: User, *, is_password: bool = False) -> None:
    """Have changes of means take turns inside the running transaction; raises `PermissionDenied`.

    Of two that were sent at the same moment the second finds what the first has set up.
    """
    known = User.objects.select_for_update().get(pk=user.pk)
    if makes_second_means(request, known, is_password=is_password):
        raise PermissionDenied

"""What a password must not be."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from selbsthelfer.identity.core.numbers import read_number
from selbsthelfer.identity.models import User
from selbsthelfer.identity.queries import number_of

MIN_LIKE_CHARACTERS = 5
"""The shortest part of an e-mail address that a password must not contain."""


class UnlikeUserValidator:
    """A password is not the user's own number, and does not hold their e-mail address."""

    def validate(self, password: str, user: User | None = None) -> None:
        if user is None:
            return
        number, name = number_of(user), user.email.partition("@")[0]
        is_number = number is not None and read_number(password) == read_number(number)
        has_name = len(name) >= MIN_LIKE_CHARACTERS and name in password.lower()
        if is_number or has_name:
            raise ValidationError(
                _("The password is too similar to the %(verbose_name)s.")
                % {"verbose_name": _("phone number") if is_number else _("email address")},
                code="password_too_similar",
            )

    def get_help_text(self) -> str:
        return _("Your password can’t be too similar to your other personal information.")

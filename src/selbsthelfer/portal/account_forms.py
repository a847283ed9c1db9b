"""What people enter to sign in and to look after their account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError

from selbsthelfer.identity.core.codes import CODE_DIGITS
from selbsthelfer.identity.core.numbers import MAX_NUMBER_CHARACTERS, read_number
from selbsthelfer.identity.models import User
from selbsthelfer.portal.languages import both

MAX_PASSWORD_CHARACTERS = 256
MAX_EMAIL_CHARACTERS = 254
MAX_CODE_CHARACTERS = 20


def _present_password(german: str, english: str) -> forms.CharField:
    """Make a field for the password that somebody has."""
    return forms.CharField(
        label=both(german, english),
        max_length=MAX_PASSWORD_CHARACTERS,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={
            "required": both("Bitte geben Sie Ihr Passwort ein.", "Please enter your password."),
        },
    )


class NumberForm(forms.Form):
    """A mobile number, however it is written."""

    number = forms.CharField(
        label=both("Ihre Mobilfunknummer", "Your mobile number"),
        help_text=both("Zum Beispiel 0176 12345678", "For example 0176 12345678"),
        max_length=MAX_NUMBER_CHARACTERS,
        widget=forms.TextInput(
            attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel", "autofocus": True}
        ),
        error_messages={
            "required": both("Bitte geben Sie Ihre Nummer ein.", "Please enter your number."),
        },
    )

    def clean_number(self) -> str:
        number = read_number(self.cleaned_data["number"])
        if number is None:
            raise ValidationError(
                both(
                    "Das ist keine Telefonnummer. Bitte prüfen Sie die Ziffern.",
                    "This is not a phone number. Please check the digits.",
                )
            )
        return number


class CodeForm(forms.Form):
    """A code that was sent."""

    code = forms.CharField(
        label=both("Code", "Code"),
        help_text=both(f"{CODE_DIGITS} Ziffern", f"{CODE_DIGITS} digits"),
        max_length=MAX_CODE_CHARACTERS,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
        error_messages={"required": both("Bitte geben Sie den Code ein.", "Please enter the code.")},
    )

    def clean_code(self) -> str:
        """Leave out the blanks that people put between digits."""
        return "".join(str(self.cleaned_data["code"]).split())


class PasswordSignInForm(forms.Form):
    """A number or an e-mail address, and the password."""

    identifier = forms.CharField(
        label=both("Mobilfunknummer oder E-Mail-Adresse", "Mobile number or e-mail address"),
        max_length=MAX_EMAIL_CHARACTERS,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
        error_messages={
            "required": both(
                "Bitte geben Sie Ihre Nummer oder E-Mail-Adresse ein.",
                "Please enter your number or e-mail address.",
            )
        },
    )
    password = _present_password("Passwort", "Password")


class PasswordForm(forms.Form):
    """The password alone, to confirm something."""

    password = _present_password("Ihr Passwort", "Your password")


class NewPasswordForm(forms.Form):
    """A new password, and the present one where it is asked for."""

    present = _present_password("Ihr bisheriges Passwort", "Your present password")
    new = forms.CharField(
        label=both("Neues Passwort", "New password"),
        help_text=both(
            "Mindestens 10 Zeichen, nicht nur Ziffern. Gut sind mehrere Wörter hintereinander.",
            "At least 10 characters, not only digits. Several words in a row work well.",
        ),
        max_length=MAX_PASSWORD_CHARACTERS,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={
            "required": both("Bitte geben Sie ein neues Passwort ein.", "Please enter a new password."),
        },
    )

    def __init__(self, user: User, *args: Any, asks_present: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        if not asks_present:
            del self.fields["present"]

    def clean_new(self) -> str:
        password = str(self.cleaned_data["new"])
        password_validation.validate_password(password, self.user)
        return password


class EmailForm(forms.Form):
    """A new e-mail address."""

    email = forms.EmailField(
        label=both("Neue E-Mail-Adresse", "New e-mail address"),
        help_text=both("Zum Beispiel name@beispiel.de", "For example name@example.com"),
        max_length=MAX_EMAIL_CHARACTERS,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": both("Bitte geben Sie eine E-Mail-Adresse ein.", "Please enter an e-mail address."),
            "invalid": both(
                "Das ist keine vollständige E-Mail-Adresse. Es fehlt vielleicht das @ oder die Endung.",
                "This is not a complete e-mail address. The @ or the ending may be missing.",
            ),
        },
    )

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

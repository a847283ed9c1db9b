"""What allauth asks us: where things are, who may come in, and whom to tell."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.account.utils import user_pk_to_url_str
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from selbsthelfer.identity.core.proofs import Level
from selbsthelfer.identity.levels import level_of
from selbsthelfer.identity.models import User
from selbsthelfer.identity.operations import NobodyThereError, enter
from selbsthelfer.identity.queries import has_running_line, means_of, number_of
from selbsthelfer.subscribers.core.lines import subscriber_id_of

MAX_SUBJECT_CHARACTERS = 200
"""The longest id of a line that the operator's sign-in may name."""


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up: users are made when a line is entered for the first time."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse | None:
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        if response is None and isinstance(user, User) and not has_running_line(user, now=datetime.now(UTC)):
            clear_login(request)
            response = self.respond_user_inactive(request, user)
        return response

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:  # noqa: ARG002
        """There is one page that offers every way of a second proof."""
        return [{"id": "confirm", "description": "", "url": reverse("confirm")}]

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:  # noqa: ARG002
        """Changing what is set up takes a second proof; setting up the first does not."""
        is_confirmed = level_of(self.request) >= Level.CONFIRMED
        return not is_confirmed and bool(means_of(self.request.user))


class MfaAdapter(DefaultMFAAdapter):
    """Secrets of authenticator apps and recovery codes are encrypted with the secret key of the site."""

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict[str, Any]:
        name = _name_for_people(user)
        return {"id": user_pk_to_url_str(user).encode(), "name": name, "display_name": name}

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        return _name_for_people(user)

    def _get_site_name(self) -> str:
        return str(settings.BRAND)

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:  # noqa: A002
        return f"Passkey {Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1}"

    def encrypt(self, text: str) -> str:
        return _ciphers().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _ciphers().decrypt(encrypted_text.encode()).decode()


class OperatorAdapter(DefaultSocialAccountAdapter):
    """The operator's own sign-in names the line; its word holds each time anew."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:  # noqa: ARG002
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        subject = _claimed_line(sociallogin)
        try:
            if subject is None:
                raise NobodyThereError("the operator's sign-in names no line")
            entered = enter(subscriber_id=subscriber_id_of(subject), now=datetime.now(UTC))
        except NobodyThereError as error:
            clear_login(request)
            raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_inactive"))) from error
        account = sociallogin.account
        account.user = entered.user
        account.extra_data = {}  # names and addresses of people are not ours to keep
        account.save()
        sociallogin.user = entered.user
        request.is_new_user = entered.is_new  # type: ignore[attr-defined]


def _claimed_line(sociallogin: SocialLogin) -> str | None:
    """Read the operator's id of the line from what its sign-in says."""
    said = sociallogin.account.extra_data
    for part in (said.get("id_token"), said.get("userinfo")):
        claimed = (part or {}).get(settings.OIDC_LINE_CLAIM)
        if isinstance(claimed, str) and 0 < len(claimed) <= MAX_SUBJECT_CHARACTERS:
            return claimed
    return None


def _name_for_people(user: AbstractBaseUser) -> str:
    """Name a user as they know themselves: by number, else by e-mail address."""
    assert isinstance(user, User)  # noqa: S101 - the only kind of user there is
    return number_of(user) or user.email or user.name


def _ciphers() -> MultiFernet:
    keys = [str(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return MultiFernet([Fernet(urlsafe_b64encode(sha256(f"mfa:{key}".encode()).digest())) for key in keys])

"""The pages on which people look after how they sign in: e-mail, password, factors, sessions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from allauth.account.adapter import get_adapter
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.forms import GenerateRecoveryCodesForm
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.totp.forms import ActivateTOTPForm, DeactivateTOTPForm
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.forms import AddWebAuthnForm, LoginWebAuthnForm
from allauth.mfa.webauthn.views import AddWebAuthnView, LoginWebAuthnView, RemoveWebAuthnView
from allauth.usersessions.models import UserSession
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from qrcode import make as make_qr
from qrcode.image.svg import SvgPathFillImage

from selbsthelfer.identity.core.codes import VALID_MINUTES, Purpose
from selbsthelfer.identity.core.numbers import written_number
from selbsthelfer.identity.core.proofs import SECOND_PROOF_MINUTES, Level, Way
from selbsthelfer.identity.levels import level_of, proofs_of
from selbsthelfer.identity.limits import count_try
from selbsthelfer.identity.models import User
from selbsthelfer.identity.operations import (
    EmailTakenError,
    change_email,
    end_other_sessions,
    end_session,
    send_email_code,
    set_password,
    tell_change,
)
from selbsthelfer.identity.queries import number_of, sessions_of
from selbsthelfer.kit.wording import day, moment
from selbsthelfer.outbox.core.wording import DEFAULT_ZONE
from selbsthelfer.portal.account_forms import CodeForm, EmailForm, NewPasswordForm
from selbsthelfer.portal.languages import both, language_now, tell
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.second_means import makes_second_means, refuse_second_means
from selbsthelfer.portal.signing_in import ask_first, needs_level, real_now, report, user_of
from selbsthelfer.portal.signing_in_views import check_kept_code, limited
from selbsthelfer.selfservice.core.results import Done

_EMAIL: Final = "email_change"
_NEW_CODES: Final = "new_recovery_codes"
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)
_DONE: Final = frozenset(["app", "app_removed", "passkey", "passkey_removed", "session", "sessions"])


@require_safe
@needs_level(1)
def security(request: HttpRequest) -> HttpResponse:
    """Show how somebody can sign in, and lead to changing it."""
    user = user_of(request)
    factors = list(Authenticator.objects.filter(user=user).order_by("created_at"))
    done = request.GET.get("done")
    context = {
        "number": written_number(number_of(user) or ""),
        "email": user.email,
        "has_password": user.has_usable_password(),
        "password_since": _day(user.password_set_at),
        "passkeys": [
            {"pk": f.pk, "name": f.wrap().name, "since": _day(f.created_at)}
            for f in factors
            if f.type == Authenticator.Type.WEBAUTHN
        ],
        "app_since": next((_day(f.created_at) for f in factors if f.type == Authenticator.Type.TOTP), ""),
        "has_recovery_codes": any(f.type == Authenticator.Type.RECOVERY_CODES for f in factors),
        "done": done if done in _DONE else "",
    }
    return render(request, "account/security.html", context)


@sensitive_post_parameters("present", "new")
@require_http_methods(["GET", "HEAD", "POST"])
@needs_level(1)
@limited
def change_password(request: HttpRequest) -> HttpResponse:
    """Set a password, or change it: against the present one, or after a fresh code if it is forgotten."""
    user = user_of(request)
    asks_present = user.has_usable_password() and not _has_fresh_code(request)
    data = request.POST if request.method == "POST" else None
    form = NewPasswordForm(user, data, asks_present=asks_present)
    if request.method == "POST" and makes_second_means(request, user, is_password=True):
        return ask_first(request, "confirm")
    if request.method == "POST" and form.is_valid() and _knows_present(form, user, asks_present=asks_present):
        with transaction.atomic():
            refuse_second_means(request, user, is_password=True)
            set_password(user=user, password=form.cleaned_data["new"], now=real_now())
            done = report(request, "acc.password", f"acc.password:{uuid4()}")
        # Whoever is signed in elsewhere is not any more; this session goes on under a new key.
        update_session_auth_hash(request, user)
        UserSession.objects.create_from_request(request)
        end_other_sessions(user=user, session_key=request.session.session_key)
        return _receipt(done)
    context = {
        "form": form,
        "is_first": not user.has_usable_password(),
        "asks_present": asks_present,
        "number": number_of(user) or "",
    }
    return render(request, "account/change_password.html", context, status=422 if form.errors else 200)


def _has_fresh_code(request: HttpRequest) -> bool:
    """Tell whether this session began with, or was confirmed by, a code a short while ago."""
    since = real_now() - timedelta(minutes=SECOND_PROOF_MINUTES)
    return any(proof.way is Way.CODE and proof.given_at > since for proof in proofs_of(request))


def _knows_present(form: NewPasswordForm, user: User, *, asks_present: bool) -> bool:
    if not asks_present:
        return True
    try:
        is_right: bool = get_adapter().reauthenticate(user, form.cleaned_data["present"])
    except ValidationError as error:
        form.add_error("present", error)
        return False
    if not is_right:
        form.add_error("present", both("Dieses Passwort stimmt nicht.", "This password is not right."))
    return is_right


@require_http_methods(["GET", "HEAD", "POST"])
@needs_level(2)
@limited
def email(request: HttpRequest) -> HttpResponse:
    """Ask for a new e-mail address and send a code to it."""
    user = user_of(request)
    form = EmailForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        address = form.cleaned_data["email"]
        if address == user.email:
            form.add_error(
                "email", both("Das ist schon Ihre E-Mail-Adresse.", "This is your e-mail address already.")
            )
        else:
            count_try(request, "code_from_address")
            count_try(request, "code_to_number", key=address)
            code_id = send_email_code(user=user, email=address, language=language_now().value, now=real_now())
            request.session[_EMAIL] = {"code_id": str(code_id), "email": address}
            return HttpResponseRedirect(reverse("email_code"))
    context = {"form": form, "email": user.email}
    return render(request, "account/email.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@needs_level(2)
@limited
def email_code(request: HttpRequest) -> HttpResponse:
    """Change the e-mail address once the code sent to it is entered, and tell the old one."""
    user = user_of(request)
    kept = request.session.get(_EMAIL)
    if not kept:
        return HttpResponseRedirect(reverse("email"))
    form = CodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        count_try(request, "check_from_address")
        checked = check_kept_code(kept, Purpose.EMAIL, form)
        if checked.is_right and checked.user_id == user.pk:
            return _change_email(request, user, checked.address)
    context = {"form": form, "email": kept["email"], "minutes": VALID_MINUTES}
    return render(request, "account/email_code.html", context, status=422 if form.errors else 200)


def _change_email(request: HttpRequest, user: User, address: str) -> HttpResponse:
    del request.session[_EMAIL]
    try:
        with transaction.atomic():
            change_email(user=user, email=address, now=real_now())
            done = report(request, "acc.contact", f"acc.contact:{uuid4()}")
    except EmailTakenError:
        form = EmailForm({"email": address})
        form.add_error(
            "email",
            both(
                "Diese E-Mail-Adresse können wir nicht eintragen. Bitte nehmen Sie eine andere.",
                "We cannot add this e-mail address. Please use another one.",
            ),
        )
        return render(request, "account/email.html", {"form": form, "email": user.email}, status=422)
    return _receipt(done)


@require_safe
@needs_level(1)
def sessions(request: HttpRequest) -> HttpResponse:
    """List where somebody is signed in."""
    listed = [
        {
            "pk": session.pk,
            "device": device_of(session.user_agent),
            "ip": session.ip,
            "at": tell(moment(session.created_at, DEFAULT_ZONE)),
            "is_here": session.session_key == request.session.session_key,
        }
        for session in sessions_of(user_of(request))
    ]
    return render(request, "account/sessions.html", {"sessions": listed})


@require_POST
@needs_level(1)
def end_one_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """Sign out in one place."""
    end_session(user=user_of(request), session_id=session_id)
    return _back("session")


@require_POST
@needs_level(1)
def end_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    end_other_sessions(user=user_of(request), session_key=request.session.session_key)
    return _back("sessions")


@require_safe
@needs_level(1)
def recovery_codes(request: HttpRequest) -> HttpResponseBase:
    """Show the recovery codes that are left: once after they were made, later after a second proof."""
    after = request.session.pop(_NEW_CODES, "")
    if not after and level_of(request) < Level.CONFIRMED:
        return ask_first(request, "confirm")
    kept = Authenticator.objects.filter(user=user_of(request), type=Authenticator.Type.RECOVERY_CODES).first()
    if kept is None:
        raise Http404
    context = {"unused_codes": kept.wrap().get_unused_codes(), "after": after or reverse("security")}
    return render(request, "mfa/recovery_codes.html", context)


class AddApp(ActivateTOTPView):
    """Set up an authenticator app; the first second factor is an activity."""

    template_name = "mfa/app_add.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, "qr": _qr(context["totp_url"])}

    @transaction.atomic
    def form_valid(self, form: ActivateTOTPForm) -> HttpResponse:
        refuse_second_means(self.request, user_of(self.request))
        super().form_valid(form)
        return _after_adding(self.request, "app", has_new_codes=self.did_generate_recovery_codes)


class RemoveApp(DeactivateTOTPView):
    """Give up the authenticator app."""

    template_name = "mfa/app_remove.html"

    @transaction.atomic
    def form_valid(self, form: DeactivateTOTPForm) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        _tell_factor(self.request)
        return response

    def get_success_url(self) -> str:
        return _security("app_removed")


class AddPasskey(AddWebAuthnView):
    """Add a passkey, with which one signs in by it alone; the first second factor is an activity."""

    template_name = "mfa/passkey_add.html"

    @transaction.atomic
    def form_valid(self, form: AddWebAuthnForm) -> HttpResponse:
        refuse_second_means(self.request, user_of(self.request))
        super().form_valid(form)
        return _after_adding(self.request, "passkey", has_new_codes=self.did_generate_recovery_codes)


class RemovePasskey(RemoveWebAuthnView):
    """Give up a passkey."""

    template_name = "mfa/passkey_remove.html"

    @transaction.atomic
    def form_valid(self, form: Form) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        _tell_factor(self.request)
        return response

    def get_success_url(self) -> str:
        return _security("passkey_removed")


class RenewRecoveryCodes(GenerateRecoveryCodesView):
    """Make new recovery codes, whereupon the old ones are worth nothing."""

    template_name = "mfa/recovery_codes_renew.html"

    @transaction.atomic
    def form_valid(self, form: GenerateRecoveryCodesForm) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        _tell_factor(self.request)
        return response


class SecondFactor(AuthenticateView):
    """Ask for the second factor while signing in."""

    template_name = "mfa/second_factor.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        kinds = set(Authenticator.objects.filter(user=self.stage.login.user).values_list("type", flat=True))
        has_app = Authenticator.Type.TOTP in kinds
        has_passkey = Authenticator.Type.WEBAUTHN in kinds
        return {**context, "has_app": has_app, "has_passkey": has_passkey, "needs_recovery": not has_app}


class SignInByPasskey(LoginWebAuthnView):
    """Sign in by passkey alone; a passkey that is not known leads back with a word about it."""

    def form_invalid(self, form: LoginWebAuthnForm) -> HttpResponse:  # noqa: ARG002 - as it is called
        return HttpResponseRedirect(f"{reverse('sign_in')}?passkey=unknown")


def _tell_factor(request: HttpRequest) -> None:
    tell_change(user=user_of(request), kind="factor_changed", now=real_now())


def _after_adding(request: HttpRequest, done: str, *, has_new_codes: bool) -> HttpResponseRedirect:
    """Tell that a factor was added, report the first, and lead to its receipt, by way of new recovery codes.

    New codes are shown once without another proof.
    """
    _tell_factor(request)
    factors = Authenticator.objects.filter(user=user_of(request))
    after = _security(done)
    if factors.exclude(type=Authenticator.Type.RECOVERY_CODES).count() == 1:
        after = _receipt(report(request, "acc.2fa", f"acc.2fa:{uuid4()}")).url
    if not has_new_codes:
        return HttpResponseRedirect(after)
    request.session[_NEW_CODES] = after
    return HttpResponseRedirect(reverse("mfa_view_recovery_codes"))


def _qr(text: str) -> SafeString:
    """Draw a text as a QR code, as markup to stand in a page."""
    image = make_qr(text, image_factory=SvgPathFillImage, border=2, box_size=14)
    return mark_safe(image.to_string(encoding="unicode"))  # noqa: S308 - drawn here, holds no text


def _back(done: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(_security(done))


def device_of(user_agent: str) -> str:
    """Name a browser and its system as people know them."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "Browser")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser}, {system}" if system else browser


def _day(at: datetime | None) -> str:
    return "" if at is None else tell(day(at, DEFAULT_ZONE))


def _receipt(done: Done) -> HttpResponseRedirect:
    """Lead to the receipt, which says what the task brought."""
    return HttpResponseRedirect(reverse("receipt", args=[done.receipt]))


def _security(done: str) -> str:
    return f"{reverse('security')}?done={done}"

"""The pages on which people sign in, prove a second time who they are, and sign out."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final
from uuid import UUID

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login, perform_password_login, record_authentication
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.account.models import Login
from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.webauthn.forms import ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.internal.auth import begin_authentication
from allauth.socialaccount.providers.openid_connect.views import callback as operator_callback
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from selbsthelfer.identity.core.codes import VALID_MINUTES, Purpose, Verdict
from selbsthelfer.identity.core.numbers import shown_number
from selbsthelfer.identity.core.proofs import Level, Way, ways_to_confirm
from selbsthelfer.identity.levels import level_of, proofs_of
from selbsthelfer.identity.limits import TooOftenError, count_try
from selbsthelfer.identity.models import User
from selbsthelfer.identity.operations import (
    Checked,
    NobodyThereError,
    check_code,
    enter,
    send_second_proof_code,
    send_sign_in_code,
)
from selbsthelfer.identity.queries import means_of, name_to_sign_in
from selbsthelfer.portal.account_forms import CodeForm, NumberForm, PasswordForm, PasswordSignInForm
from selbsthelfer.portal.languages import both, language_now
from selbsthelfer.portal.rendering import render
from selbsthelfer.portal.signing_in import (
    ask_first,
    next_of,
    real_now,
    report,
    user_of,
)
from selbsthelfer.selfservice.core.results import Done

View = Callable[..., HttpResponse]

WRONG_CODE: Final = both(
    "Dieser Code stimmt nicht. Bitte prüfen Sie die Ziffern.",
    "This code is not right. Please check the digits.",
)
CODE_OVER: Final = both(
    "Dieser Code gilt nicht mehr. Bitte lassen Sie sich einen neuen schicken.",
    "This code is no longer valid. Please have a new one sent.",
)
WRONG_PASSWORD: Final = both(
    "Nummer oder E-Mail-Adresse und Passwort passen nicht zusammen.",
    "The number or e-mail address and the password do not match.",
)

_SIGN_IN: Final = "sign_in"
_CONFIRM: Final = "confirm"


def limited(view: View) -> View:
    """Answer 429 with our own page when something is tried too often."""

    @wraps(view)
    def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except TooOftenError:
            return too_often(request)

    return counted


def for_strangers(view: View) -> View:
    """Send those who are signed in already to where they wanted to go."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return HttpResponseRedirect(next_of(request, _home()))
        return view(request, *args, **kwargs)

    return guarded


def too_often(request: HttpRequest) -> HttpResponse:
    return render(request, "account/too_often.html", status=429)


def form_too_old(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - as Django calls it
    return render(request, "account/form_too_old.html", status=403)


@require_http_methods(["GET", "HEAD", "POST"])
@for_strangers
@limited
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for a number and send a code to it; whether anybody has it makes no difference to see."""
    form = NumberForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        _keep_code(request, _SIGN_IN, next=next_of(request, _home()), number=form.cleaned_data["number"])
        _send_sign_in_code(request)
        return HttpResponseRedirect(reverse("sign_in_code"))
    context = {
        "form": form,
        "next": next_of(request, ""),
        "has_operator": bool(settings.OIDC_ISSUER),
        "is_passkey_unknown": request.GET.get("passkey") == "unknown",
    }
    return render(request, "account/sign_in.html", context, status=_status(form))


@require_http_methods(["GET", "HEAD", "POST"])
@for_strangers
@limited
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """Check the code that was sent, and let in whoever has it."""
    kept = request.session.get(_SIGN_IN)
    if not kept:
        return HttpResponseRedirect(reverse("sign_in"))
    form = CodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        count_try(request, "check_from_address")
        checked = check_kept_code(kept, Purpose.SIGN_IN, form)
        if checked.is_right and checked.subscriber_id is not None:
            return _let_in(request, checked.subscriber_id, str(kept["next"]))
    context = {
        "form": form,
        "number": shown_number(str(kept["number"])),
        "again": reverse("sign_in_code_again"),
        "minutes": VALID_MINUTES,
    }
    return render(request, "account/enter_code.html", context, status=_status(form))


@require_POST
@for_strangers
@limited
def sign_in_code_again(request: HttpRequest) -> HttpResponse:
    """Send another code to the same number; the one before is worth nothing any more."""
    if not request.session.get(_SIGN_IN):
        return HttpResponseRedirect(reverse("sign_in"))
    _send_sign_in_code(request)
    return HttpResponseRedirect(f"{reverse('sign_in_code')}?sent=again")


def _send_sign_in_code(request: HttpRequest) -> None:
    kept = request.session[_SIGN_IN]
    number = str(kept["number"])
    count_try(request, "code_from_address")
    count_try(request, "code_to_number", key=number)
    code_id = send_sign_in_code(number=number, language=language_now().value, now=real_now())
    _keep_code(request, _SIGN_IN, **{**kept, "code_id": str(code_id)})


def _let_in(request: HttpRequest, subscriber_id: UUID, next_: str) -> HttpResponse:
    """Sign in the user of a line, who registers by coming for the first time."""
    try:
        with transaction.atomic():
            entered = enter(subscriber_id=subscriber_id, language=language_now().value, now=real_now())
            if entered.is_new:
                user = entered.user
                done = report(request, "acc.register", f"acc.register:{user.pk}", line=user.line)
                next_ = _receipt_first(next_, done)
    except NobodyThereError:
        return HttpResponseRedirect(reverse("account_inactive"))
    del request.session[_SIGN_IN]
    record_authentication(request, entered.user, method="code")
    response: HttpResponse = perform_login(request, Login(user=entered.user, redirect_url=next_))
    return response


def _receipt_first(next_: str, done: Done) -> str:
    """Show whoever came only to sign in what registering brought; others go on with what they came for."""
    return reverse("receipt", args=[done.receipt]) if next_ == _home() else next_


def back_from_operator(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Sign in whoever the operator's own sign-in has sent back."""
    response: HttpResponseBase = operator_callback(request, provider_id)
    if getattr(request, "is_new_user", False) and request.user.is_authenticated:
        done = report(request, "acc.register", f"acc.register:{request.user.pk}")
        if isinstance(response, HttpResponseRedirect):
            return HttpResponseRedirect(_receipt_first(response.url, done))
    return response


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@for_strangers
def sign_in_password(request: HttpRequest) -> HttpResponse:
    """Sign in by number or e-mail address and password; a wrong one does not say which part is wrong."""
    form = PasswordSignInForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        user = _user_by_password(request, form)
        if user is not None:
            login = Login(user=user, redirect_url=next_of(request, _home()))
            response: HttpResponse = perform_password_login(request, {}, login)
            return response
    context = {"form": form, "next": next_of(request, "")}
    return render(request, "account/sign_in_password.html", context, status=_status(form))


def _user_by_password(request: HttpRequest, form: PasswordSignInForm) -> User | None:
    identifier = form.cleaned_data["identifier"]
    name = name_to_sign_in(identifier, now=real_now())
    try:
        # A name that is nobody's takes as long and is limited as strictly as one that is somebody's.
        user = get_adapter().authenticate(
            request, username=name or f"nobody:{identifier}", password=form.cleaned_data["password"]
        )
    except ValidationError as error:
        form.add_error(None, error)
        return None
    if not isinstance(user, User):
        form.add_error(None, WRONG_PASSWORD)
        return None
    return user


@require_safe
def forgotten_password(request: HttpRequest) -> HttpResponse:
    """Lead from a forgotten password to a code, and from there to a new password."""
    return render(request, "account/forgotten.html", {"next": reverse("change_password")})


@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out on POST; only ask on GET, so that no link from elsewhere can do it."""
    if request.method == "POST":
        get_adapter().logout(request)
        return HttpResponseRedirect(next_of(request, resolve_url(settings.LOGOUT_REDIRECT_URL)))
    return render(request, "account/sign_out.html")


@require_safe
def refused(request: HttpRequest) -> HttpResponse:
    """Say that nobody can sign in with this line."""
    return render(request, "account/refused.html", status=403)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@limited
def confirm(request: HttpRequest) -> HttpResponse:
    """Ask for a second proof in one of the ways that count for it, and go on to where it was needed."""
    if level_of(request) is Level.NOBODY:
        return ask_first(request, "sign_in")
    next_ = next_of(request, _home())
    user = user_of(request)
    ways = ways_to_confirm(means_of(user), proofs_of(request))
    forms = _confirm_forms(user, ways)
    if request.method == "POST":
        if request.POST.get("way") == "send" and Way.CODE in ways:
            return _send_second_proof_code(request, user, next_)
        way = next((way for way in ways if way == request.POST.get("way")), None)
        if way is not None:
            forms[way] = _confirm_forms(user, ways, request.POST)[way]
            if _is_proved(request, user, way, forms[way]):
                return HttpResponseRedirect(next_)
    kept = request.session.get(_CONFIRM)
    context = {
        "forms": {way.value: form for way, form in forms.items()},
        "next": next_,
        "is_code_sent": kept is not None and Way.CODE in ways,
        "minutes": VALID_MINUTES,
        "is_confirmed": level_of(request) >= Level.CONFIRMED,
    }
    if Way.PASSKEY in ways:
        context["js_data"] = {"request_options": begin_authentication(user)}
    has_errors = any(form.is_bound for form in forms.values())
    return render(request, "account/confirm.html", context, status=422 if has_errors else 200)


def _confirm_forms(user: User, ways: frozenset[Way], data: Any = None) -> dict[Way, Form]:
    makers: dict[Way, Callable[[], Form]] = {
        Way.PASSWORD: lambda: PasswordForm(data),
        Way.APP: lambda: ReauthenticateForm(data, user=user, auto_id="app_%s"),
        Way.PASSKEY: lambda: ReauthenticateWebAuthnForm(data, user=user, auto_id="passkey_%s"),
        Way.CODE: lambda: CodeForm(data),
    }
    return {way: make() for way, make in makers.items() if way in ways}


def _is_proved(request: HttpRequest, user: User, way: Way, form: Form) -> bool:
    """Check a second proof and record it; what is wrong is said at the form."""
    count_try(request, "second_proof", key=str(user.pk))
    if not form.is_valid():
        return False
    if way is Way.CODE:
        kept = request.session.get(_CONFIRM) or {}
        checked = check_kept_code(kept, Purpose.SECOND_PROOF, form)
        if not checked.is_right or checked.user_id != user.pk:
            return False
        del request.session[_CONFIRM]
        record_authentication(request, user, method="code", reauthenticated=True)
        return True
    if way is Way.PASSWORD:
        return _is_own_password(request, user, form)
    assert isinstance(form, ReauthenticateForm | ReauthenticateWebAuthnForm)  # noqa: S101 - the two that remain
    form.save()
    return True


def _is_own_password(request: HttpRequest, user: User, form: Form) -> bool:
    try:
        is_right = get_adapter().reauthenticate(user, form.cleaned_data["password"])
    except ValidationError as error:
        form.add_error("password", error)
        return False
    if not is_right:
        form.add_error("password", both("Dieses Passwort stimmt nicht.", "This password is not right."))
        return False
    reauthenticate_by_password(request)
    return True


def _send_second_proof_code(request: HttpRequest, user: User, next_: str) -> HttpResponse:
    count_try(request, "code_from_address")
    count_try(request, "code_to_number", key=str(user.pk))
    code_id = send_second_proof_code(user=user, language=language_now().value, now=real_now())
    _keep_code(request, _CONFIRM, code_id=str(code_id))
    # Shown anew, so that reloading the page sends no second code.
    return HttpResponseRedirect(f"{reverse('confirm')}?{urlencode({'next': next_})}")


def check_kept_code(kept: dict[str, Any], purpose: Purpose, form: Form) -> Checked:
    """Check the code of a form against the one whose id the session keeps; say at the form what is wrong."""
    code_id = kept.get("code_id")
    if code_id is None:
        checked = Checked(Verdict.OVER)
    else:
        checked = check_code(
            code_id=UUID(str(code_id)), purpose=purpose, given=form.cleaned_data["code"], now=real_now()
        )
    if checked.verdict is not Verdict.RIGHT:
        form.add_error("code", WRONG_CODE if checked.verdict is Verdict.WRONG else CODE_OVER)
    return checked


def _keep_code(request: HttpRequest, place: str, **values: str) -> None:
    """Keep in the session which code was sent; without that session the code is worth nothing."""
    request.session[place] = values


def _status(form: Form) -> int:
    return 422 if form.is_bound and not form.is_valid() else 200


def _home() -> str:
    return resolve_url(settings.LOGIN_REDIRECT_URL)

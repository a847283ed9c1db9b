"""The addresses of signing in and of the account; allauth looks up some of them by names of its own."""

from __future__ import annotations

from allauth.socialaccount.providers.openid_connect import views as operator
from allauth.socialaccount.views import login_cancelled
from django.urls import URLPattern, path

from selbsthelfer.portal import account_views as account
from selbsthelfer.portal import signing_in_views as signing_in
from selbsthelfer.portal.signing_in import needs_level

own = needs_level(1)

urlpatterns: list[URLPattern] = [
    path("sign-in", signing_in.sign_in, name="account_login"),
    path("sign-in", signing_in.sign_in, name="sign_in"),
    path("sign-in/code", signing_in.sign_in_code, name="sign_in_code"),
    path("sign-in/code/again", signing_in.sign_in_code_again, name="sign_in_code_again"),
    path("sign-in/password", signing_in.sign_in_password, name="sign_in_password"),
    path("sign-in/forgotten", signing_in.forgotten_password, name="forgotten_password"),
    path("sign-in/passkey", account.SignInByPasskey.as_view(), name="mfa_login_webauthn"),
    path("sign-in/second-factor", account.SecondFactor.as_view(), name="mfa_authenticate"),
    path("sign-in/confirm", signing_in.confirm, name="confirm"),
    path("sign-in/refused", signing_in.refused, name="account_inactive"),
    path("sign-out", signing_in.sign_out, name="sign_out"),
    path("account/security", account.security, name="mfa_index"),
    path("account/security", account.security, name="security"),
    path("account/password", account.change_password, name="change_password"),
    path("account/email", account.email, name="email"),
    path("account/email/code", account.email_code, name="email_code"),
    path("account/app", own(account.AddApp.as_view()), name="mfa_activate_totp"),
    path("account/app/remove", own(account.RemoveApp.as_view()), name="mfa_deactivate_totp"),
    path("account/passkeys/add", own(account.AddPasskey.as_view()), name="mfa_add_webauthn"),
    path(
        "account/passkeys/<int:pk>/remove", own(account.RemovePasskey.as_view()), name="mfa_remove_webauthn"
    ),
    path("account/recovery-codes", account.recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "account/recovery-codes/renew",
        own(account.RenewRecoveryCodes.as_view()),
        name="mfa_generate_recovery_codes",
    ),
    path("account/sessions", account.sessions, name="sessions"),
    path("account/sessions/end-others", account.end_sessions, name="end_sessions"),
    path("account/sessions/<int:session_id>/end", account.end_one_session, name="end_session"),
    path("sign-in/with/<slug:provider_id>", operator.login, name="openid_connect_login"),
    path(
        "sign-in/with/<slug:provider_id>/back", signing_in.back_from_operator, name="openid_connect_callback"
    ),
    path("sign-in/cancelled", login_cancelled, name="socialaccount_login_cancelled"),
]

"""Django settings. Everything an operator sets is an environment variable; nothing here is secret."""

from __future__ import annotations

import os
from pathlib import Path

from selbsthelfer.kit.logs import logging_settings
from selbsthelfer.project.database import database_settings

HTTPS = os.environ.get("SELBSTHELFER_HTTPS") == "1"
"""Whether people reach the pages by HTTPS, as they must everywhere but on this machine."""
PROXIES = int(os.environ.get("SELBSTHELFER_PROXIES", "0"))
"""How many proxies of the operator's stand before the server; only their headers are believed."""
ALLOWED_HOSTS = os.environ.get("SELBSTHELFER_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
_IS_AT_HOME = not HTTPS and PROXIES == 0 and {"localhost", "127.0.0.1", "[::1]"}.issuperset(ALLOWED_HOSTS)
"""Whether only this machine reaches the pages: no proxy stands before them, and they have no other name."""
_HOME_KEY = "only-for-the-embedded-demo-on-this-machine" if _IS_AT_HOME else ""
SECRET_KEY = os.environ.get("SELBSTHELFER_SECRET_KEY") or _HOME_KEY
"""Without one of its own nothing runs that strangers reach: Django refuses an empty key."""
SECRET_KEY_FALLBACKS = [key for key in os.environ.get("SELBSTHELFER_OLD_SECRET_KEYS", "").split(",") if key]
DEBUG = False

DEMO = os.environ.get("SELBSTHELFER_DEMO") == "1"
"""Whether the made-up operator is shown: messages can be read in an inbox, clocks can be moved on."""
BRAND = os.environ.get("SELBSTHELFER_BRAND", "Musterfunk")
"""The operator's name on every page and receipt."""
IMPRINT = os.environ.get("SELBSTHELFER_IMPRINT", "")
"""Who answers for these pages (§ 5 DDG), as plain text with line breaks; the demo has a made-up one."""
PANEL_FRAME_ANCESTORS = os.environ.get("SELBSTHELFER_PANEL_FRAME_ANCESTORS", "").replace(",", " ").split()
"""The origins whose pages may hold the reward panel in a frame; without any it opens by itself only."""
APP_ORIGINS = os.environ.get("SELBSTHELFER_APP_ORIGINS", "").replace(",", " ").split()
"""The origins whose scripts may read the API with a token for one line; without any, none may."""
OIDC_ISSUER = os.environ.get("SELBSTHELFER_OIDC_ISSUER", "")
"""Where the operator's own sign-in is, by OpenID Connect; empty where there is none."""
OIDC_LINE_CLAIM = os.environ.get("SELBSTHELFER_OIDC_LINE_CLAIM", "line")
"""The claim in which the operator's sign-in names its own id of the line."""

FORM_RENDERER = "selbsthelfer.portal.forms.PageRenderer"

INSTALLED_APPS = [
    "django.contrib.postgres",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "selbsthelfer.outbox",
    "selbsthelfer.subscribers",
    "selbsthelfer.identity",
    "selbsthelfer.charging",
    "selbsthelfer.activities",
    "selbsthelfer.contacts",
    "selbsthelfer.allowances",
    "selbsthelfer.programmes",
    "selbsthelfer.intake",
    "selbsthelfer.conversations",
    "selbsthelfer.selfservice",
    "selbsthelfer.partners",
    "selbsthelfer.privacy",
    "selbsthelfer.demo",
    "selbsthelfer.api",
    "selbsthelfer.portal",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]
"""The portal stands before allauth, whose pages it replaces by its own of the same names."""

DATABASES = {"default": database_settings(os.environ)}

MIDDLEWARE = [
    "selbsthelfer.api.operation.OperationMiddleware",
    "selbsthelfer.api.origins.OriginsMiddleware",
    "selbsthelfer.api.middleware.ApiMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "selbsthelfer.portal.rendering.PageMiddleware",
    "selbsthelfer.portal.languages.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "selbsthelfer.project.urls"
WSGI_APPLICATION = "selbsthelfer.project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "selbsthelfer.portal.rendering.page_context",
            ]
        },
    }
]

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "de"
LANGUAGES = [("de", "Deutsch"), ("en", "English")]
LOCALE_PATHS = [Path(__file__).parent.parent / "locale"]

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
"""Here allauth keeps wrong passwords and used codes of apps, for all servers; identity makes the table."""

AUTH_USER_MODEL = "identity.User"
AUTHENTICATION_BACKENDS = ["selbsthelfer.identity.backends.LineBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "selbsthelfer.identity.passwords.UnlikeUserValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

_HOST_ONLY = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{_HOST_ONLY}session"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3_600
CSRF_COOKIE_NAME = f"{_HOST_ONLY}csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if host != "*"] if HTTPS else []
CSRF_FAILURE_VIEW = "selbsthelfer.portal.signing_in_views.form_too_old"
SECURE_HSTS_SECONDS = 365 * 24 * 3_600 if HTTPS else 0

ALLAUTH_TRUSTED_PROXY_COUNT = PROXIES
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS and PROXIES else None
ACCOUNT_ADAPTER = "selbsthelfer.identity.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "name"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"login_failed": "300/10m/ip,5/10m/key"}
MFA_RATE_LIMITS = {"webauthn_login": "100/m/ip"}
MFA_ADAPTER = "selbsthelfer.identity.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_TOLERANCE = 1
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEMO and not HTTPS
USERSESSIONS_TRACK_ACTIVITY = False
SOCIALACCOUNT_ADAPTER = "selbsthelfer.identity.adapters.OperatorAdapter"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "operator",
                "name": BRAND,
                "client_id": os.environ.get("SELBSTHELFER_OIDC_CLIENT_ID", ""),
                "secret": os.environ.get("SELBSTHELFER_OIDC_CLIENT_SECRET", ""),
                "settings": {"server_url": OIDC_ISSUER, "fetch_userinfo": False},
            }
        ]
        if OIDC_ISSUER
        else [],
    }
}

LOGGING = logging_settings(as_json=os.environ.get("SELBSTHELFER_LOGS") == "json")
"""What went wrong is told on standard error, with where in the code; addresses hold nothing personal."""

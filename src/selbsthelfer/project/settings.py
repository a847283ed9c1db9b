"""Django settings. Everything an operator sets is an environment variable; nothing here is secret."""

from __future__ import annotations

import os
from pathlib import Path

from selbsthelfer.project.database import database_settings

SECRET_KEY = os.environ.get("SELBSTHELFER_SECRET_KEY", "only-for-the-embedded-demo-on-this-machine")
DEBUG = False
ALLOWED_HOSTS = os.environ.get("SELBSTHELFER_HOSTS", "localhost,127.0.0.1,[::1]").split(",")

INSTALLED_APPS = [
    "django.contrib.postgres",
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
    "selbsthelfer.privacy",
    "selbsthelfer.portal",
]

DATABASES = {"default": database_settings(os.environ)}

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "selbsthelfer.project.urls"
WSGI_APPLICATION = "selbsthelfer.project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
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

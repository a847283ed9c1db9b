"""In which language a page speaks: as asked for, else as chosen before, else as the browser prefers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import get_user
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.functional import lazy

from selbsthelfer.kit.wording import Language, Words

COOKIE: Final = "language"
YEAR_SECONDS: Final = 365 * 24 * 3_600
_FILES: Final = "/assets/"
"""Where files are that speak no language, so that nobody is asked for theirs."""


class LanguageMiddleware:
    """Choose the language of a page, and keep the choice where one was made.

    First `?language=`, then the cookie that keeps a choice of this browser, then what somebody signed in has
    chosen anywhere, then what the browser prefers, and German where it prefers neither. Whoever signs in goes
    on in the language in which they did.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = _known(request.GET.get("language"))
        kept = _known(request.COOKIES.get(COOKIE))
        language = asked or kept or _of_user(request) or _of_browser(request)
        was_signed_in = _is_signed_in(request)
        with translation.override(language.value):
            response = self.get_response(request)
        has_signed_in = not was_signed_in and _is_signed_in(request)
        if (asked or has_signed_in) and language is not kept and COOKIE not in response.cookies:
            keep_language(response, language, is_secure=request.is_secure())
        response.headers.setdefault("Content-Language", language.value)
        return response


def _is_signed_in(request: HttpRequest) -> bool:
    """Tell whether somebody is signed in; without a cookie nobody was before the request was answered."""
    has_session = settings.SESSION_COOKIE_NAME in request.COOKIES or request.session.modified
    return has_session and not request.path.startswith(_FILES) and SESSION_KEY in request.session


def _of_user(request: HttpRequest) -> Language | None:
    """Tell what somebody signed in has chosen; the user is read once for the whole request."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or request.path.startswith(_FILES):
        return None
    return _known(getattr(get_user(request), "language", None))


def _of_browser(request: HttpRequest) -> Language:
    return Language(translation.get_language_from_request(request))


def keep_language(response: HttpResponse, language: Language, *, is_secure: bool) -> None:
    """Have the browser keep a choice of language for a year."""
    response.set_cookie(
        COOKIE,
        language.value,
        max_age=YEAR_SECONDS,
        secure=is_secure or settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )


def language_now() -> Language:
    """Tell the language in which the running request is answered."""
    return Language.ENGLISH if (translation.get_language() or "").startswith("en") else Language.GERMAN


def tell(words: Words) -> str:
    """Give a text in the language of the running request."""
    return words.told(language_now())


def _both(german: str, english: str) -> str:
    return tell(Words(german, english))


both = lazy(_both, str)
"""A text that is told in the language of whichever request it is shown in: for labels of forms."""


def _known(text: str | None) -> Language | None:
    return Language(text) if text in set(Language) else None

"""Files that pages refer to: each at an address that changes with its content, kept by browsers for ever.

All come from our own server; scripts of libraries are served from the installed package.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

_FOR_EVER: Final = "public, max-age=31536000, immutable"
_SCRIPT: Final = "text/javascript; charset=utf-8"
_LEAST_GZIPPED: Final = 1_000
_TAKES_GZIP: Final = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file with its address's digest, plain and compressed."""

    content: bytes
    compressed: bytes
    content_type: str
    digest: str


@dataclass(frozen=True, slots=True)
class _Source:
    package: str
    path: str
    content_type: str


_SOURCES: Final = {
    "portal.css": _Source("selbsthelfer.portal", "assets/portal.css", "text/css; charset=utf-8"),
    "portal.js": _Source("selbsthelfer.portal", "assets/portal.js", _SCRIPT),
    "service-worker.js": _Source("selbsthelfer.portal", "assets/service-worker.js", _SCRIPT),
    "icon.svg": _Source("selbsthelfer.portal", "assets/icon.svg", "image/svg+xml"),
    "htmx.js": _Source("django_htmx", "static/django_htmx/htmx-2.min.js", _SCRIPT),
    "onload.js": _Source("allauth.account", "static/account/js/onload.js", _SCRIPT),
    "webauthn-json.js": _Source("allauth.mfa", "static/mfa/js/webauthn-json.js", _SCRIPT),
    "webauthn.js": _Source("allauth.mfa", "static/mfa/js/webauthn.js", _SCRIPT),
}


@cache
def find_asset(name: str) -> Asset:
    """Read a file of ours; raises `KeyError` for a name that is not one."""
    source = _SOURCES[name]
    content = files(source.package).joinpath(source.path).read_bytes()
    return Asset(
        content=content,
        compressed=gzip.compress(content, mtime=0),
        content_type=source.content_type,
        digest=sha256(content).hexdigest()[:16],
    )


def asset_url(name: str) -> str:
    """Tell the address of a file as it is now; raises `KeyError`."""
    return reverse("asset", args=[find_asset(name).digest, name])


@require_safe
def serve(request: HttpRequest, digest: str, name: str) -> HttpResponse:
    """Serve a file; only under the address that belongs to its content."""
    if name not in _SOURCES or find_asset(name).digest != digest:
        raise Http404
    asset = find_asset(name)
    can_unpack = _TAKES_GZIP.search(request.headers.get("Accept-Encoding", "")) is not None
    is_packed = can_unpack and len(asset.content) > _LEAST_GZIPPED
    response = HttpResponse(asset.compressed if is_packed else asset.content, content_type=asset.content_type)
    if is_packed:
        response["Content-Encoding"] = "gzip"
    response["Vary"] = "Accept-Encoding"
    response["Cache-Control"] = _FOR_EVER
    return response

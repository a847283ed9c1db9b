"""Answers that need not be sent again: a strong ETag of what was read, and 304 where it is known."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from django.http import HttpRequest, HttpResponse

_DIGEST_CHARACTERS: Final = 32
_KEPT_HEADERS: Final = ("Cache-Control", "Vary", "Link")


def with_etag(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Name what was read by its digest; answer 304 without it to whoever has it already."""
    if request.method != "GET" or response.status_code != 200 or response.streaming:
        return response
    if "ETag" not in response.headers:
        response.headers["ETag"] = f'"{sha256(response.content).hexdigest()[:_DIGEST_CHARACTERS]}"'
    etag = response.headers["ETag"]
    if not _is_known(request.headers.get("If-None-Match", ""), etag):
        return response
    kept = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return HttpResponse(status=304, headers={"ETag": etag, **kept})


def _is_known(known: str, etag: str) -> bool:
    """Compare as `If-None-Match` asks to: weakly, since a proxy that packs an answer makes its ETag weak."""
    return known.strip() == "*" or etag in {one.strip().removeprefix("W/") for one in known.split(",")}

"""Bodies of requests: how much of them is read, how they are unpacked, and what counts as sound JSON."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from email.message import Message
from typing import Any, Final

import msgspec
from django.http import HttpRequest
from ninja.parser import Parser

from selbsthelfer.api.problems import Problem

MAX_FACTS_BYTES: Final = 16 * 1024 * 1024
"""A body of facts, unpacked: 10,000 of them at 1,600 bytes each; most have 300."""
MAX_BODY_BYTES: Final = 1024 * 1024
"""Any other body, unpacked."""
MAX_DEPTH: Final = 32
"""How deep arrays and objects may lie in each other."""
FACTS_PATH: Final = "/api/v1/facts"
_CHUNK_BYTES: Final = 65_536
_GZIP: Final = 31
"""What zlib calls gzip with its whole window."""


def check_announced(request: HttpRequest) -> None:
    """Refuse a body by what its headers say, before any of it is read; raises `Problem` 400, 413 or 415."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if not (announced.isascii() and announced.isdigit()):
        raise Problem(400, "length_invalid", "The header Content-Length is not a number.")
    if int(announced) > most_bytes(request):
        raise _too_large(request)
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        raise Problem(
            415,
            "encoding_unknown",
            "A body is sent as it is, or in gzip.",
            headers={"Accept-Encoding": "gzip"},
        )


def read_body(request: HttpRequest) -> None:
    """Read and unpack the body into `request.body`, for somebody who may send one.

    Raises `Problem` 400 for a body that breaks off or is no gzip, 413 for one that is too large.
    """
    if hasattr(request, "_body") or request.method in {"GET", "HEAD"}:
        return
    check_announced(request)
    most = most_bytes(request)
    body = _read(request, most)
    if body and request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() == "gzip":
        body = _unpacked(request, body, most)
    # Django reads what is here instead of the stream, which is used up.
    request._body = body


def most_bytes(request: HttpRequest) -> int:
    """Tell how large the body of a request may be."""
    return MAX_FACTS_BYTES if request.path_info == FACTS_PATH else MAX_BODY_BYTES


def _read(request: HttpRequest, most: int) -> bytes:
    announced = int(request.META.get("CONTENT_LENGTH") or 0)
    is_chunked = not announced and "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    # Django takes a body without a length for empty; the server marks the end of one that comes in chunks.
    stream = request.environ["wsgi.input"] if is_chunked else request  # type: ignore[attr-defined]
    try:
        body: bytes = stream.read(most + 1)
    except OSError as error:
        raise Problem(400, "body_broken_off", "The body broke off.") from error
    if len(body) > most:
        raise _too_large(request)
    if len(body) < announced:
        raise Problem(400, "body_broken_off", "The body is shorter than announced.")
    return body


def _unpacked(request: HttpRequest, packed: bytes, most: int) -> bytes:
    """Unpack gzip, of one member, and stop where it grows beyond what is allowed."""
    unpacking = zlib.decompressobj(_GZIP)
    try:
        body = unpacking.decompress(packed, most + 1)
    except zlib.error as error:
        raise Problem(400, "encoding_broken", "The body is not the gzip that its header says.") from error
    if len(body) > most:
        raise _too_large(request)
    if not unpacking.eof or unpacking.unused_data:
        raise Problem(400, "encoding_broken", "The body is not one whole piece of gzip.")
    return body


def _too_large(request: HttpRequest) -> Problem:
    return Problem(
        413,
        "body_too_large",
        f"A body may have {most_bytes(request):,} bytes here, unpacked.",
        "Send it in parts.",
    )


class JsonParser(Parser):
    """Read bodies as strict JSON, within bounds of depth and without the character NUL."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Read a body; raises `Problem` 400 and 415, which ninja hands on as the cause of its own error."""
        check_media_type(request)
        return read_json(request.body)


def check_media_type(request: HttpRequest) -> None:
    """Raise `Problem` 415 for a body that does not say it is JSON in UTF-8."""
    said = Message()
    said["Content-Type"] = request.headers.get("Content-Type", "")
    kind = said.get_content_type()
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    charset = said.get_param("charset", "utf-8")
    if not is_json or not isinstance(charset, str) or charset.lower() not in {"utf-8", "utf8"}:
        raise Problem(
            415, "media_type_unknown", "A body is JSON in UTF-8.", headers={"Accept": "application/json"}
        )


def read_json(body: bytes) -> Any:
    """Read JSON; raises `Problem` 400 for what is malformed, too deep, holds NUL or names a member twice."""
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth_may_exceed(body):
        raise Problem(400, "body_too_deep", f"The body nests deeper than {MAX_DEPTH} levels.")
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "body_malformed", "The body is not JSON.", _place(error)) from error
    json.loads(body, object_pairs_hook=_check_names, parse_int=_left_aside, parse_float=_left_aside)
    if b"\\u0000" in body and _holds_nul(content):
        raise Problem(400, "character_nul", "The body holds the character NUL, which no text of ours can.")
    return content


def _check_names(pairs: Sequence[tuple[str, Any]]) -> None:
    """Refuse an object that names a member twice: of two readers each might take another one for meant."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise Problem(400, "member_twice", "An object in the body names a member twice.")


def _left_aside(_: str) -> None:
    """Read no number; a long one would take long."""


def _place(error: Exception) -> str:
    """Say where JSON breaks, without repeating any of it."""
    text = str(error)
    place = text[text.rfind("(byte ") + 6 : -1]
    return f"It breaks at byte {place}." if place.isdigit() else ""


def _depth_may_exceed(body: bytes) -> bool:
    """Measure the depth by counting brackets outside of texts, before anything is built."""
    depth, in_text, is_escaped = 0, False, False
    for character in body:
        if in_text:
            is_escaped, in_text = (
                character == 0x5C and not is_escaped,
                is_escaped or character != 0x22,
            )
        elif character == 0x22:
            in_text = True
        elif character in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif character in b"]}":
            depth -= 1
    return False


def _holds_nul(content: Any) -> bool:
    waiting = [content]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and "\0" in one:
            return True
        if isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one
    return False

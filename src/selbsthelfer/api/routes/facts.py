"""Facts come in by HTTP: one, or a batch; the answer comes after they are durably committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import Router

from selbsthelfer.api.callers import Needs, caller_of
from selbsthelfer.api.problems import Problem, refusals
from selbsthelfer.api.shapes.facts import FactsOut, request_body
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.intake.core.validation import MAX_FACT_BYTES
from selbsthelfer.intake.gathering import BusyError, Gathering, Taken
from selbsthelfer.intake.operations import MAX_BATCH, Terms

RETRY_SECONDS: Final = 2
"""When to come again, where too many requests wait."""

_ONE: Final = "application/cloudevents+json"
_MANY: Final = "application/cloudevents-batch+json"
_EITHER: Final = "application/json"

NEEDED: Final = Needs(Scope.FACTS_WRITE)
"""Who may send facts; the short way asks the same."""
router = Router(tags=["facts"])
_gathering: Final = Gathering()


class _Named(msgspec.Struct):
    """What names a fact, as far as it can be read."""

    id: Any = None
    source: Any = None


class _Told(msgspec.Struct, omit_defaults=True):
    id: str | None
    source: str | None
    result: str
    code: str | None = None
    pointer: str | None = None
    detail: str | None = None


_split: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_skip: Final = msgspec.json.Decoder(msgspec.Raw).decode
_name: Final = msgspec.json.Decoder(_Named).decode
_encode: Final = msgspec.json.Encoder().encode


@router.post(
    "/facts",
    auth=NEEDED,
    summary="Send facts",
    response={200: FactsOut, **refusals(400, 413, 415, 503)},
    openapi_extra={"requestBody": request_body()},
)
def send_facts(request: HttpRequest) -> HttpResponse:
    """Take one fact, or up to 10,000 in an array, each once.

    The answer comes when they are durably committed, with all that follows from them, and says of each what
    became of it. A fact is known for ever by its line, `source` and `id`: sending it again changes nothing,
    so whatever got no answer is sent again as it was. A rejected fact hinders no other. The attribute
    `received` needs the scope `facts:backdate`; sources that begin with `/selbsthelfer/` are our own. Other
    attributes are extensions, which are allowed and left aside. An empty array is answered with nothing.
    """
    batch = _read(request)
    may_backdate = Scope.FACTS_BACKDATE in caller_of(request).scopes
    terms = Terms(now=datetime.now(UTC), may_backdate=may_backdate, is_foreign=True)
    try:
        taken = _gathering.take(batch, terms=terms) if batch else Taken([], [])
    except BusyError as error:
        raise Problem(
            503,
            error.code,
            "Too many requests wait to be taken.",
            "Send the facts again as they are.",
            headers={"Retry-After": str(RETRY_SECONDS)},
        ) from error
    answer = _answer(batch, taken)
    return HttpResponse(answer, content_type="application/json", headers={"Content-Length": str(len(answer))})


def _read(request: HttpRequest) -> Sequence[bytes]:
    """Read the facts of a request, each as its JSON."""
    kind = _media_type(request)
    body = request.body
    is_array = body.lstrip(b" \t\r\n")[:1] == b"["
    if (kind == _ONE and is_array) or (kind == _MANY and not is_array):
        raise Problem(
            400,
            "body_of_other_kind",
            "The body is not what its content type says.",
            f"{_ONE} is one fact, {_MANY} an array of facts, {_EITHER} either.",
        )
    try:
        facts = [bytes(fact) for fact in _split(body)] if is_array else [bytes(_skip(body))]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        deep = isinstance(error, RecursionError)
        why = "It is nested too deeply." if deep else f"{error}."
        raise Problem(400, "body_not_json", "The body is not JSON that can be read.", why) from error
    if len(facts) > MAX_BATCH:
        raise Problem(
            413,
            "batch_too_large",
            "These are too many facts for one request.",
            f"A request has at most {MAX_BATCH:,}, this one has {len(facts):,}.",
        )
    return facts


def _media_type(request: HttpRequest) -> str:
    kind = (request.content_type or "").lower()
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if kind not in (_ONE, _MANY, _EITHER) or charset not in ("utf-8", "utf8"):
        raise Problem(
            415,
            "media_type_unknown",
            "Facts are JSON in UTF-8.",
            f"Send {_ONE}, {_MANY} or {_EITHER}.",
            headers={"Accept": f"{_ONE}, {_MANY}, {_EITHER}"},
        )
    return kind


def _answer(batch: Sequence[bytes], taken: Taken) -> bytes:
    """Write down what became of each fact, in the order given."""
    told = [_Told(*_name_of(fact), result) for fact, result in zip(batch, taken.results, strict=True)]
    for place, rejection in taken.rejections:
        one = told[place]
        one.code, one.detail = rejection.code, rejection.reason
        one.pointer = None if rejection.field is None else pointer_of(rejection.field)
    counts = Counter(taken.results)
    return _encode(
        {
            "counts": {name: counts[name] for name in ("accepted", "known", "parked", "rejected")},
            "results": told,
        }
    )


def _name_of(fact: bytes) -> tuple[str | None, str | None]:
    """Read a fact's id and source, where they are short enough to be ones."""
    if len(fact) > MAX_FACT_BYTES:
        return None, None
    try:
        named = _name(fact)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, None
    return _text(named.id), _text(named.source)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= 200 else None


def pointer_of(field: str) -> str:
    """Write a member's path (`data.topics[...]`) as a JSON pointer (`/data/topics`)."""
    return "/" + field.replace("[...]", "").replace("~", "~0").replace("/", "~1").replace(".", "/")

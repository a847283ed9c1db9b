"""Everything a partner system can ask, by the names of TM Forum's APIs: the one way in for faces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from django.db import transaction

from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.partners import interacting, listening, reserving, sandbox, volume
from selbsthelfer.partners.core.asking import Asking
from selbsthelfer.partners.core.keeping import is_id
from selbsthelfer.partners.core.refusals import NotOfferedError, RefusedError, UnknownError
from selbsthelfer.partners.filing import Answered, Partner, Request
from selbsthelfer.partners.queries import (
    MAX_LISTED,
    MAX_SEARCHED,
    Found,
    accumulated_asked,
    bucket_asked,
    buckets_asked,
    count,
    newest,
    read_filed,
    subject_of_number,
    sum_asked,
)
from selbsthelfer.partners.showing import shown
from selbsthelfer.subscribers.core.lines import subscriber_id_of

_Verb = Callable[..., Answered]

_ASK: Final[Mapping[str, _Verb]] = MappingProxyType(
    {
        "topupBalance": volume.give,
        "adjustBalance": volume.give,
        "reserveBalance": reserving.reserve,
        "partyInteraction": interacting.take,
    }
)
_LINE_FILTERS: Final = ("partyAccount.id", "logicalResource.id", "relatedParty.id")


def ask(request: Request, *, now: datetime) -> Answered:
    """Do what a partner asks, once; raises `RefusedError`, `ConflictError`, `NotOfferedError`."""
    if request.partner.is_sandbox and request.kind in (*_ASK, "bucket"):
        return _ask_sandbox(request, now=now)
    if request.kind not in _ASK:
        raise NotOfferedError(
            "not_offered", f"a {request.kind} is not made here: it follows from what is given"
        )
    return _ASK[request.kind](request, now=now)


def alter(
    partner: Partner, kind: str, id_: str, body: Mapping[str, Any], *, now: datetime
) -> Mapping[str, Any]:
    """Alter a partner's interaction, or cancel its reservation; raises as they do, and `NotOfferedError`."""
    if not is_id(id_):
        raise UnknownError(kind)
    if kind == interacting.KIND:
        return interacting.alter(partner, id_, body, now=now)
    if kind == reserving.KIND:
        return reserving.alter_reservation(partner, id_, body, now=now)
    raise NotOfferedError("not_offered", f"a {kind} is not altered: nothing given is ever taken back")


def delete(partner: Partner, kind: str, id_: str, *, now: datetime) -> None:
    """Let go of a partner's own reservation; nothing else goes. Raises `UnknownError`, `NotOfferedError`."""
    if not is_id(id_):
        raise UnknownError(kind)
    if kind != reserving.KIND:
        raise NotOfferedError("not_offered", f"a {kind} is not deleted: what happened stays")
    reserving.release(partner, id_, now=now)


def listen(partner: Partner, api: str, body: Mapping[str, Any], *, now: datetime) -> Mapping[str, Any]:
    """Let a partner listen to an API, `TMF654` or `TMF683`; raises `RefusedError` and `ConflictError`."""
    if partner.is_sandbox:
        return sandbox.listen(partner, body, now=now)
    return listening.listen(partner, api, body, now=now)


def stop_listening(partner: Partner, api: str, id_: str, *, now: datetime) -> None:
    """Strike a listener of this partner's; raises `UnknownError`."""
    if not is_id(id_):
        raise UnknownError("hub")
    if partner.is_sandbox:
        sandbox.stop_listening(id_, now=now)
    else:
        listening.stop_listening(partner, api, id_)


def find(partner: Partner, kind: str, id_: str, *, now: datetime) -> Mapping[str, Any]:
    """Find one document; raises `UnknownError`."""
    if not is_id(id_):
        raise UnknownError(kind)
    with transaction.atomic():
        cursor = open_cursor()
        if kind == "accumulatedBalance" and partner.is_sandbox:
            found = sandbox.sums(cursor, Asking({"id": frozenset({id_})}))
            if not found.documents:
                raise UnknownError(kind)
            return found.documents[0]
        if kind == "accumulatedBalance":
            return sum_asked(cursor, id_, at=now)
        if kind == "bucket" and not partner.is_sandbox:
            return bucket_asked(cursor, id_, at=now)
        filed = read_filed(cursor, kind, id_, is_sandbox=partner.is_sandbox)
    if filed is None:
        raise UnknownError(kind)
    return shown(filed)


def search(partner: Partner, kind: str, asking: Asking, *, now: datetime) -> Found:
    """List documents of a kind, the newest first; raises `RefusedError` where too much is asked at once.

    Lists reach the newest `MAX_LISTED`; filters by more than line and id the newest `MAX_SEARCHED`.
    """
    with transaction.atomic():
        cursor = open_cursor()
        if kind == "accumulatedBalance":
            return (
                sandbox.sums(cursor, asking)
                if partner.is_sandbox
                else accumulated_asked(cursor, asking, at=now)
            )
        if kind == "bucket" and not partner.is_sandbox:
            return buckets_asked(cursor, asking, at=now)
        return _search_filed(cursor, partner, kind, asking)


def _ask_sandbox(request: Request, *, now: datetime) -> Answered:
    if request.kind == interacting.KIND:
        answered = interacting.take(request, now=now)
        with transaction.atomic():
            sandbox.forget_oldest(open_cursor(), request.kind)
        return answered
    return sandbox.play(request, now=now)


def _search_filed(cursor: Any, partner: Partner, kind: str, asking: Asking) -> Found:
    is_sandbox = partner.is_sandbox
    if (id_ := asking.only("id")) is not None:
        filed = None if not is_id(id_) else read_filed(cursor, kind, id_, is_sandbox=is_sandbox)
        documents = [shown(filed)] if filed is not None else []
    else:
        account, rest = (None, asking) if is_sandbox else _account_asked(cursor, asking)
        line = None if account is None else subscriber_id_of(account)
        if not rest.filters:
            total = count(cursor, kind, is_sandbox=is_sandbox, line=line)
            limit = min(asking.limit, MAX_LISTED)
            page = newest(cursor, kind, is_sandbox=is_sandbox, line=line, limit=limit, offset=asking.offset)
            return Found([shown(filed) for filed in page], total)
        if count(cursor, kind, is_sandbox=is_sandbox, line=line) > MAX_SEARCHED and line is None:
            raise RefusedError("line_needed", "there are too many to look through; name the line as well")
        documents = [
            shown(f) for f in newest(cursor, kind, is_sandbox=is_sandbox, line=line, limit=MAX_SEARCHED)
        ]
        asking = rest
    matching = [document for document in documents if asking.matches(document)]
    return Found(matching[asking.offset : asking.offset + asking.limit], len(matching))


def _account_asked(cursor: Any, asking: Asking) -> tuple[str | None, Asking]:
    """Find the line by which a list is filtered, and the filters that are left."""
    number = asking.only("logicalResource.id")
    if number is not None:
        return subject_of_number(cursor, number) or "", asking.without("logicalResource.id")
    for name in ("partyAccount.id", "relatedParty.id"):
        if (account := asking.only(name)) is not None:
            return account, asking.without(name)
    return None, asking

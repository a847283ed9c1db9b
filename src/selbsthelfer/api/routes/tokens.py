"""Let an app of the operator's in to one line: a token to read it by, or a link to its panel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from os import environ

from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from ninja import Router, Status

from selbsthelfer.api.callers import Needs, caller_of
from selbsthelfer.api.lines import line_asked
from selbsthelfer.api.problems import Fault, Problem, refusals
from selbsthelfer.api.shapes.parameters import LineId
from selbsthelfer.api.shapes.tokens import PanelLinkOut, PanelLinkWanted, TokenOut, TokenWanted
from selbsthelfer.identity.core.line_tokens import (
    LineToken,
    PanelLink,
    WrongReturnUrlError,
    check_return_url,
)
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.identity.line_tokens import write_panel_link, write_token

router = Router(tags=["apps"])


@router.post(
    "/lines/{line}/tokens",
    auth=Needs(Scope.TOKENS_WRITE),
    summary="Make a token for one line",
    response={201: TokenOut, **refusals(404)},
)
def make_token(request: HttpRequest, line: LineId, wanted: TokenWanted) -> Status[TokenOut]:
    """Let an app read one line by the API for some minutes, from the phone itself.

    Ask only for a line whose holder your server has just recognised. The token opens what can be read of
    this line and nothing else; other lines are `line_unknown` to it. It ends with its time, and within a
    second when the client that made it is revoked.

    Nothing is written and no token is kept, so an `Idempotency-Key` is not needed and would change nothing:
    asked again, this makes another token, and both hold.
    """
    with transaction.atomic():
        subject = line_asked(request, line).subject
    valid_until = _until(wanted.seconds_valid)
    token = write_token(LineToken(caller_of(request).name, subject, valid_until))
    return Status(201, TokenOut(token=token, line=subject, valid_until=valid_until))


@router.post(
    "/lines/{line}/panel-links",
    auth=Needs(Scope.TOKENS_WRITE),
    summary="Make a link to the reward panel of one line",
    response={201: PanelLinkOut, **refusals(404)},
)
def make_panel_link(request: HttpRequest, line: LineId, wanted: PanelLinkWanted) -> Status[PanelLinkOut]:
    """Let a page or a web view of your app show what is left, how far the line is, and what was credited why.

    The panel sets no cookie and needs no script. By itself it opens anywhere; in a frame only on pages whose
    origin `SELBSTHELFER_PANEL_FRAME_ANCESTORS` names. Make the link when it is needed: it can be opened, and
    opened again, until its time is over.

    Nothing is written, so an `Idempotency-Key` is not needed and would change nothing.
    """
    with transaction.atomic():
        ref = line_asked(request, line)
    valid_until = _until(wanted.seconds_valid)
    token = write_panel_link(
        PanelLink(
            client=caller_of(request).name,
            line=ref.subscriber_id,
            valid_until=valid_until,
            language=wanted.language,
            appearance=wanted.appearance,
            return_url=_return_url(wanted.return_url),
        )
    )
    url = _address(request, reverse("panel", args=[token]))
    return Status(201, PanelLinkOut(url=url, valid_until=valid_until))


def _until(seconds: int) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)


def _return_url(url: str | None) -> str:
    try:
        return "" if url is None else check_return_url(url)
    except WrongReturnUrlError as error:
        raise Problem(
            422,
            error.code,
            "The panel cannot lead back there.",
            faults=[Fault("/return_url", error.code, str(error))],
        ) from error


def _address(request: HttpRequest, path: str) -> str:
    """Write an address as people reach it: where links of messages lead too, else as this request came."""
    base = environ.get("SELBSTHELFER_BASE_URL", "").rstrip("/")
    return f"{base}{path}" if base else request.build_absolute_uri(path)

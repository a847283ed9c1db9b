"""Who may ask: a client with its key, or, where the sandbox is open, anybody on this machine."""

from __future__ import annotations

import os
from typing import Final

from django.conf import settings
from django.http import HttpRequest

from selbsthelfer.api.callers import Needs
from selbsthelfer.api.nearness import is_from_here, is_loopback
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.partners.filing import Partner

SANDBOX_SETTING: Final = "SELBSTHELFER_TMF_SANDBOX"
SANDBOX_PARTNER: Final = Partner("sandbox", is_sandbox=True)


def admit(request: HttpRequest, scope: Scope) -> Partner:
    """Tell who asks; raises `Problem` 401 or 403.

    A request with a key is never one of the sandbox, so a kit that brings a key meets real lines.
    """
    if "Authorization" not in request.headers and is_sandbox_open(request):
        return SANDBOX_PARTNER
    return Partner(Needs(scope)(request).name)


def is_sandbox_open(request: HttpRequest) -> bool:
    """Tell whether a request without a key may play: asked for by the operator, and made on this machine.

    Where people come by HTTPS or through a proxy, strangers do, and the sandbox stays shut.
    """
    if os.environ.get(SANDBOX_SETTING) != "1" or settings.HTTPS or settings.PROXIES:
        return False
    return is_from_here(request) and _is_here(request.get_host())


def _is_here(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name in ("localhost", "testserver") or is_loopback(name.strip("[]"))

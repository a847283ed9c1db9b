"""Who may ask: a client with its key, or, where the sandbox is open, anybody on this machine."""

from __future__ import annotations

import os
from ipaddress import ip_address
from typing import Final

from django.conf import settings
from django.http import HttpRequest

from selbsthelfer.api.callers import Needs
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.partners.filing import Partner

SANDBOX_SETTING: Final = "SELBSTHELFER_TMF_SANDBOX"
SANDBOX_PARTNER: Final = Partner("sandbox", is_sandbox=True)

_PASSED_ON: Final = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via")
"""Headers that only a proxy writes: then the request came from elsewhere."""


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
    if any(header in request.headers for header in _PASSED_ON):
        return False
    return _is_loopback(request.META.get("REMOTE_ADDR", "")) and _is_here(request.get_host())


def _is_here(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name in ("localhost", "testserver") or _is_loopback(name.strip("[]"))


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False

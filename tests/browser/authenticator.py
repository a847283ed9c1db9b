"""The two things that people have beside a password: an authenticator app and a passkey."""

from __future__ import annotations

import base64
import hmac
import struct
from time import time
from typing import Final

from playwright.sync_api import CDPSession, Page

STEP_SECONDS: Final = 30


def code_of(secret: str, *, steps_later: int = 0) -> str:
    """Compute what an authenticator app shows (RFC 6238)."""
    key = base64.b32decode(secret)
    counter = struct.pack(">Q", int(time()) // STEP_SECONDS + steps_later)
    digest = hmac.digest(key, counter, "sha1")
    place = digest[-1] & 0xF
    number = int(struct.unpack(">I", digest[place : place + 4])[0]) & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def give_passkeys(page: Page) -> CDPSession:
    """Give a browser a device that keeps passkeys, and whose owner has just touched it."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    return session

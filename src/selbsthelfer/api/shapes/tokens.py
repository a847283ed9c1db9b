"""What is asked for and answered where an app of the operator's is let in to one line."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ninja import Field, Schema

from selbsthelfer.api.shapes.base import Sent, WholeNumber
from selbsthelfer.identity.core.line_tokens import (
    MAX_PANEL_SECONDS,
    MAX_RETURN_URL_CHARACTERS,
    MAX_TOKEN_SECONDS,
    MIN_VALID_SECONDS,
    PANEL_SECONDS,
    TOKEN_SECONDS,
)
from selbsthelfer.kit.wording import Language


class TokenWanted(Sent):
    """How long a token is to hold."""

    seconds_valid: WholeNumber = Field(
        TOKEN_SECONDS,
        ge=MIN_VALID_SECONDS,
        le=MAX_TOKEN_SECONDS,
        description="For how many seconds the token holds.",
        examples=[TOKEN_SECONDS],
    )


class TokenOut(Schema):
    """A token for one line. It is kept nowhere: an app that lost it is given another one."""

    token: str = Field(
        description="What the app sends as `Authorization: Bearer …`; it reads this line and nothing else.",
        examples=["slt_WyJhcHAiLCJsaW5lLTQ3MTEiLDE3OTUzNDM0MDBd.7kPp0Yl0h3b9VqS6cI3f0m2n4rA1xZ5tEoUuW8yBjD0"],
    )
    line: str = Field(description="The line that it reads, by your own id of it.", examples=["line-4711"])
    valid_until: datetime = Field(
        description="From this instant on it opens nothing.", examples=["2026-11-22T10:25:00Z"]
    )


class PanelLinkWanted(Sent):
    """How the panel is to look, how long its link is to hold, and where it leads back to."""

    language: Language = Field(description="The language in which the panel speaks.", examples=["de"])
    appearance: Literal["system", "light", "dark"] = Field(
        "system", description="Light or dark colours; `system` as the device is set.", examples=["dark"]
    )
    seconds_valid: WholeNumber = Field(
        PANEL_SECONDS,
        ge=MIN_VALID_SECONDS,
        le=MAX_PANEL_SECONDS,
        description="For how many seconds the link can be opened. What is open stays open.",
        examples=[PANEL_SECONDS],
    )
    return_url: str | None = Field(
        None,
        max_length=MAX_RETURN_URL_CHARACTERS,
        description="Where “Back to the app” leads: an address with `https://`, or on this machine "
        "with `http://`. It is told as it is, so it should hold nothing personal.",
        examples=["https://app.example/rewards"],
    )


class PanelLinkOut(Schema):
    """A link that opens the panel of one line for whoever holds it, so it goes to that person only."""

    url: str = Field(
        description="The address of the panel, to be opened or put into a frame at once.",
        examples=[
            "https://portal.example/panel/WyJhcHAiLCI4ZjE0.7kPp0Yl0h3b9VqS6cI3f0m2n4rA1xZ5tEoUuW8yBjD0"
        ],
    )
    valid_until: datetime = Field(
        description="From this instant on it only says that it is over.", examples=["2026-11-22T10:20:00Z"]
    )

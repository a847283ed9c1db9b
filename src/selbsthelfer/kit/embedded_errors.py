"""The one type that every failure of the embedded server shares."""

from __future__ import annotations

from typing import ClassVar


class EmbeddedServerError(Exception):
    """The embedded server cannot do what was asked; the text is one plain sentence, `code` is stable."""

    code: ClassVar[str] = "embedded_server"

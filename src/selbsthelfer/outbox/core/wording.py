"""Make the text of a message from its kind, its content and a language.

The content is data. `language` ("de" unless told), `timezone` ("Europe/Berlin" unless told) and `path` (where
the link leads instead of where it leads by kind; none for no link) may stand in every content. Instants are
RFC 3339 text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from selbsthelfer.kit.wording import Language, Words, last_day, moment, volume

DEFAULT_ZONE: Final = "Europe/Berlin"
MAX_SHORT_CHARACTERS: Final = 1_000
"""Of a short message, which takes seven parts then; all but answers in full need one."""
_PLACEHOLDER = re.compile(r"\{(\w+)\}", re.ASCII)
_PATH = re.compile(r"/(?![/\\])[^\s\\]*")

Content = Mapping[str, Any]
Teller = Callable[[Any, str], Words]
"""Tells one value of a content, in the time zone given; raises what a wrong value raises."""


class UntoldError(ValueError):
    """There are no words for this kind of message, or its content lacks what they need."""

    code = "untold"


@dataclass(frozen=True, slots=True)
class Wording:
    """The words for one kind of message; `{name}` stands for a value of the content.

    `text` alone is the short message. `letter` is what an e-mail says besides. `path` is where the link
    leads. The content of a secret message is emptied once it has been sent.
    """

    subject: Words
    text: Words
    letter: Words | None = None
    path: str | None = None
    values: Mapping[str, Teller] = field(default_factory=dict)
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Worded:
    """A message in one language; `link` is a whole address or None."""

    subject: str
    text: str
    letter: str
    link: str | None

    @property
    def text_with_link(self) -> str:
        """The short text, cut at `MAX_SHORT_CHARACTERS`, and its link, in signs that a short message has."""
        text = self.text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")
        if len(text) > MAX_SHORT_CHARACTERS:
            text = text[: MAX_SHORT_CHARACTERS - 3] + "..."
        return text if self.link is None else f"{text} {self.link}"


def language_of(content: Content) -> Language:
    """Tell in which language a message is written: German unless the content says English."""
    return Language.ENGLISH if str(content.get("language")).startswith("en") else Language.GERMAN


def word(wording: Wording, content: Content, *, language: Language, base_url: str) -> Worded:
    """Put a message into words; raises `UntoldError`."""
    zone = str(content.get("timezone") or DEFAULT_ZONE)
    try:
        told = {name: tell(content[name], zone).told(language) for name, tell in wording.values.items()}
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UntoldError("the content of a message lacks a value or has a wrong one") from error
    text = _filled(wording.text, told, language)
    link = _link(wording, content, base_url)
    parts = [
        _GREETING.told(language),
        text,
        None if wording.letter is None else _filled(wording.letter, told, language),
        link,
        _CLOSING.told(language),
    ]
    letter = "\n\n".join(part for part in parts if part)
    subject = " ".join(_filled(wording.subject, told, language).split())
    return Worded(subject, text, letter, link)


def _filled(words: Words, told: Mapping[str, str], language: Language) -> str:
    filled = _PLACEHOLDER.sub(lambda match: told[match[1]], words.told(language))
    return filled.strip()


def _link(wording: Wording, content: Content, base_url: str) -> str | None:
    if "path" in content:
        path = content["path"]
    elif wording.path is not None:
        path = _PLACEHOLDER.sub(lambda match: quote(str(content[match[1]]), safe=""), wording.path)
    else:
        path = None
    if path is None:
        return None
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise UntoldError("the path of a message does not lead into this house")
    return base_url.rstrip("/") + path


def plain(value: Any, zone: str) -> Words:  # noqa: ARG001 - a teller gets the zone
    """Tell a text or a whole number as it is."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise TypeError("neither a text nor a number")
    return Words(str(value), str(value))


def both(value: Any, zone: str) -> Words:
    """Tell a text that the author gives in both languages, as `{"de": …, "en": …}`, or in one for both."""
    if isinstance(value, Mapping):
        return Words(str(value["de"]), str(value["en"]))
    return plain(value, zone)


def in_bytes(value: Any, zone: str) -> Words:  # noqa: ARG001 - a teller gets the zone
    """Tell a volume given in bytes."""
    return volume(int(value))


def at_moment(value: Any, zone: str) -> Words:
    """Tell an instant by date and time."""
    return moment(datetime.fromisoformat(value), zone)


def until_day(value: Any, zone: str) -> Words:
    """Tell the last day before the instant at which something ends."""
    return last_day(datetime.fromisoformat(value), zone)


def in_minutes(value: Any, zone: str) -> Words:  # noqa: ARG001 - a teller gets the zone
    """Tell a number of minutes."""
    one = int(value) == 1
    return Words(
        f"{int(value)} Minute" + "n" * (not one),
        f"{int(value)} minute" + "s" * (not one),
    )


def listed(value: Any, zone: str) -> Words:
    """Tell pairs of a name and a value, each pair on a line of its own."""
    pairs = [(both(name, zone), both(told, zone)) for name, told in value]
    return Words(
        "\n".join(f"{name.de}: {told.de}" for name, told in pairs),
        "\n".join(f"{name.en}: {told.en}" for name, told in pairs),
    )


_GREETING: Final = Words("Guten Tag,", "Hello,")
_CLOSING: Final = Words(
    "Ihr Kundenservice\n\nDiese Nachricht wurde automatisch verschickt.",
    "Your customer service team\n\nThis message was sent automatically.",
)

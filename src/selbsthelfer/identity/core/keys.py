"""Keys of clients: how one is made, read and told from a mistyped one."""

from __future__ import annotations

import secrets
import string
from hashlib import sha256
from typing import Final, NamedTuple
from zlib import crc32

PREFIX: Final = "shk"
"""What every key begins with, so that scanners for secrets know it when it lies about."""
_DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_CHARACTERS: Final = 10
_SECRET_BYTES: Final = 32
_SECRET_CHARACTERS: Final = 43
"""So many of 62 digits hold 256 bits."""
_CHECK_CHARACTERS: Final = 6
KEY_CHARACTERS: Final = len(PREFIX) + 1 + _ID_CHARACTERS + 1 + _SECRET_CHARACTERS + _CHECK_CHARACTERS


class Key(NamedTuple):
    """A key as it is looked up: its public id, and the digest of all of it."""

    key_id: str
    digest: str


def new_key() -> str:
    """Draw a key that nobody can foresee: `shk_<key id>_<secret and check characters>`."""
    key_id = "".join(secrets.choice(_DIGITS) for _ in range(_ID_CHARACTERS))
    secret = _write(int.from_bytes(secrets.token_bytes(_SECRET_BYTES)), _SECRET_CHARACTERS)
    return _with_check(f"{PREFIX}_{key_id}_{secret}")


def read_key(text: str) -> Key | None:
    """Read a key as given; nothing where it is mistyped, cut off or no key at all."""
    if len(text) != KEY_CHARACTERS or not text.isascii() or _with_check(text[:-_CHECK_CHARACTERS]) != text:
        return None
    prefix, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != PREFIX or len(key_id) != _ID_CHARACTERS or not (key_id + secret).isalnum():
        return None
    return Key(key_id, sha256(text.encode()).hexdigest())


def _with_check(text: str) -> str:
    return text + _write(crc32(text.encode()), _CHECK_CHARACTERS)


def _write(number: int, characters: int) -> str:
    written = ""
    for _ in range(characters):
        number, digit = divmod(number, len(_DIGITS))
        written = _DIGITS[digit] + written
    return written

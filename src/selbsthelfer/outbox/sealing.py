"""Keep secrets that must be read again: sealed with the secret key of the site."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class SealBrokenError(RuntimeError):
    """A secret was sealed with a secret key that the site does not know any more; rotate the secret."""

    code = "seal_broken"


def seal(text: str) -> str:
    """Seal a text with the newest secret key."""
    return _ciphers().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Read a sealed text, also with a secret key of before; raises `SealBrokenError`."""
    try:
        return _ciphers().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise SealBrokenError("the secret was sealed with a secret key that is not known any more") from error


def _ciphers() -> MultiFernet:
    keys = [str(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return MultiFernet(
        [Fernet(urlsafe_b64encode(sha256(f"webhooks:{key}".encode()).digest())) for key in keys]
    )

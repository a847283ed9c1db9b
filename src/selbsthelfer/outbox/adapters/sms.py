"""Hand short messages to an SMS gateway over HTTP."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import httpx

from selbsthelfer.outbox.core.messages import Outgoing, PermanentFailureError, TemporaryFailureError

TIMEOUT_SECONDS: Final = 10
"""For each of connecting, writing and reading."""
ALREADY_TAKEN: Final = 409
"""The gateway knows the reference: an earlier attempt arrived after all."""
_WORTH_ANOTHER_ATTEMPT: Final = frozenset({401, 402, 403, 404, 408, 425, 429})
"""What an operator can put right: credentials, an empty account, an address, too many at once."""


class HttpSmsNotifier:
    """Posts `{"to", "text", "reference"}` with a bearer token; any 2xx means taken."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
            trust_env=False,
        )

    def send(self, message: Outgoing) -> None:
        """Hand a message over; raises `TemporaryFailureError`, `PermanentFailureError`."""
        status = self._post({"to": message.to, "text": message.text, "reference": message.reference})
        if 200 <= status < 300 or status == ALREADY_TAKEN:
            return
        if 400 <= status < 500 and status not in _WORTH_ANOTHER_ATTEMPT:
            raise PermanentFailureError(f"sms_{status}")
        raise TemporaryFailureError(f"sms_{status}")

    def _post(self, body: dict[str, str]) -> int:
        """Post and return the status; what the gateway says besides is not read."""
        headers = {"Idempotency-Key": quote(body["reference"], safe="/:")}
        try:
            with self._client.stream("POST", self._url, json=body, headers=headers) as response:
                return response.status_code
        except httpx.HTTPError as error:
            raise TemporaryFailureError("sms_unreachable") from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

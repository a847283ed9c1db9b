"""Hand messages to nobody: they are kept with their text and shown in the demo inbox."""

from __future__ import annotations

from selbsthelfer.outbox.core.messages import Outgoing, PermanentFailureError


class InboxNotifier:
    """Takes every message; it is read where it was written, in the table of messages."""

    def send(self, message: Outgoing) -> None:
        """Do nothing: the message is there already."""


class MissingNotifier:
    """Refuses every message of a channel that is not set up, while another one is."""

    def send(self, message: Outgoing) -> None:
        """Raise `PermanentFailureError`."""
        raise PermanentFailureError(f"no_{message.channel}_gateway")

"""Messages waiting to go out."""

from __future__ import annotations

from django.db import models

from selbsthelfer.kit.fields import Identifier


class Message(models.Model):
    """A message, written with the facts that cause it and sent after they are committed; once per `key`."""

    message_id = models.BigAutoField(primary_key=True)
    key = Identifier(unique=True)
    kind = Identifier()
    subscriber_id = models.UUIDField(null=True)
    content = models.JSONField()
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                name="outbox_waiting", fields=["message_id"], condition=models.Q(sent_at__isnull=True)
            ),
        ]

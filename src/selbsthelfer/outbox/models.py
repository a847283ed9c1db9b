"""Messages waiting to go out, and what became of them."""

from __future__ import annotations

from django.db import models

from selbsthelfer.kit.fields import Identifier


class Message(models.Model):
    """A message, written with the facts that cause it and sent after they are committed; once per `key`.

    It waits until it is sent or has failed. `due_at` is when it may be taken; taking it moves that to the end
    of the taker's lease and counts `attempts`. `failure` is the code of the last failed attempt. Once emptied
    it has neither content nor address, and only its key keeps it from being written again.
    """

    message_id = models.BigAutoField(primary_key=True)
    key = Identifier(unique=True)
    kind = Identifier()
    subscriber_id = models.UUIDField(null=True)
    channel = Identifier()
    address = Identifier(null=True)
    content = models.JSONField()
    is_secret = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.SmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    failure = Identifier(null=True)
    emptied_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                name="outbox_due",
                fields=["due_at", "message_id"],
                condition=models.Q(sent_at__isnull=True, failed_at__isnull=True),
            ),
            models.Index(
                name="outbox_of_line",
                fields=["subscriber_id", "message_id"],
                condition=models.Q(subscriber_id__isnull=False),
            ),
            models.Index(
                name="outbox_of_address",
                fields=["address", "message_id"],
                condition=models.Q(address__isnull=False),
            ),
            models.Index(
                name="outbox_failed", fields=["failure"], condition=models.Q(failed_at__isnull=False)
            ),
            models.Index(
                name="outbox_kept", fields=["created_at"], condition=models.Q(emptied_at__isnull=True)
            ),
            models.Index(
                name="outbox_kept_secrets",
                fields=["created_at"],
                condition=models.Q(emptied_at__isnull=True, is_secret=True),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="outbox_channel_is_known", condition=models.Q(channel__in=["sms", "email", "inbox"])
            ),
            models.CheckConstraint(
                name="outbox_inbox_has_no_address",
                condition=~models.Q(channel="inbox") | models.Q(address__isnull=True),
            ),
            models.CheckConstraint(
                name="outbox_sent_or_failed",
                condition=models.Q(sent_at__isnull=True) | models.Q(failed_at__isnull=True),
            ),
        ]

"""Messages and events waiting to go out, and what became of them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
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


class Endpoint(models.Model):
    """A system of the operator's that wants events of some kinds.

    `owner` is the client that listens by it, empty where it is the operator's own. Secrets are sealed with
    the secret key of the site. `failing_since` is the first failure after the last success; until
    `rests_until` it is left alone.
    """

    endpoint_id = models.UUIDField(primary_key=True)
    owner = Identifier(default="")
    url = Identifier()
    kinds = ArrayField(Identifier())
    description = models.TextField(default="")
    sealed_secret = Identifier()
    sealed_old_secret = Identifier(null=True)
    old_secret_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = Identifier(null=True)
    failing_since = models.DateTimeField(null=True)
    failures = models.IntegerField(default=0)
    rests_until = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="endpoint_disabled_for_a_reason",
                condition=models.Q(disabled_at__isnull=True, disabled_reason__isnull=True)
                | models.Q(disabled_at__isnull=False, disabled_reason__in=["gone", "failing", "by_hand"]),
            ),
            models.CheckConstraint(
                name="endpoint_old_secret_ends",
                condition=models.Q(sealed_old_secret__isnull=True, old_secret_until__isnull=True)
                | models.Q(sealed_old_secret__isnull=False, old_secret_until__isnull=False),
            ),
        ]


class Event(models.Model):
    """An event that at least one endpoint wanted when it happened; its id is made of its key.

    With `is_whole_body` its data is all that is sent, else type and instant are put around it.
    """

    event_id = models.UUIDField(primary_key=True)
    kind = Identifier()
    subscriber_id = models.UUIDField(null=True)
    data = models.JSONField()
    happened_at = models.DateTimeField()
    is_whole_body = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(name="event_kept", fields=["happened_at"]),
            models.Index(
                name="event_of_line",
                fields=["subscriber_id"],
                condition=models.Q(subscriber_id__isnull=False),
            ),
        ]


class Delivery(models.Model):
    """An event on its way to an endpoint; it waits until it is delivered or has failed.

    Until `leased_until` it belongs to the sender that took it. `attempts` counts for ever; those up to
    `attempts_before` were made before it was last replayed. Neither event nor endpoint is a foreign key: to
    delete an endpoint must not hinder a fact that is told to it in the same moment.
    """

    delivery_id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField()
    endpoint_id = models.UUIDField()
    kind = Identifier()
    happened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    attempts_before = models.IntegerField(default=0)
    first_tried_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    failure = Identifier(null=True)

    class Meta:
        indexes = [
            models.Index(
                name="delivery_due",
                fields=["endpoint_id", "due_at", "delivery_id"],
                condition=models.Q(delivered_at__isnull=True, failed_at__isnull=True),
            ),
            models.Index(name="delivery_of_endpoint", fields=["endpoint_id", "delivery_id"]),
            models.Index(
                name="delivery_failed",
                fields=["endpoint_id", "delivery_id"],
                condition=models.Q(failed_at__isnull=False),
            ),
            models.Index(name="delivery_kept", fields=["happened_at"]),
        ]
        constraints = [
            models.UniqueConstraint(name="delivery_once", fields=["event_id", "endpoint_id"]),
            models.CheckConstraint(
                name="delivery_delivered_or_failed",
                condition=models.Q(delivered_at__isnull=True) | models.Q(failed_at__isnull=True),
            ),
        ]


class Attempt(models.Model):
    """One attempt of a delivery and what came of it; `status` is none where no answer came."""

    attempt_id = models.BigAutoField(primary_key=True)
    endpoint_id = models.UUIDField()
    event_id = models.UUIDField()
    kind = Identifier()
    number = models.IntegerField()
    started_at = models.DateTimeField()
    latency_ms = models.IntegerField()
    status = models.SmallIntegerField(null=True)
    failure = Identifier(null=True)

    class Meta:
        indexes = [
            models.Index(name="attempt_of_endpoint", fields=["endpoint_id", "attempt_id"]),
            models.Index(name="attempt_kept", fields=["started_at"]),
            models.Index(
                name="attempt_failed",
                fields=["started_at"],
                condition=models.Q(failure__isnull=False),
                include=["endpoint_id"],
            ),
        ]

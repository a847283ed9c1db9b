"""Tasks with what became of them, choices of reminders, and the tables of the embedded back end."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from selbsthelfer.kit.fields import Identifier
from selbsthelfer.selfservice.embedded.models import (
    EmbeddedBill,
    EmbeddedFault,
    EmbeddedLine,
    EmbeddedOrder,
    EmbeddedOutage,
    EmbeddedSim,
)

__all__ = [
    "EmbeddedBill",
    "EmbeddedFault",
    "EmbeddedLine",
    "EmbeddedOrder",
    "EmbeddedOutage",
    "EmbeddedSim",
    "ReminderChoice",
    "Task",
]


class Task(models.Model):
    """A task of a line and its receipt. `task_id` is made from the key that its originator made.

    The order is kept until the back end has answered, so that it can be asked again, and not longer.
    """

    pk = models.CompositePrimaryKey("subscriber_id", "task_id")
    subscriber_id = models.UUIDField()
    task_id = models.UUIDField()
    subject = Identifier()
    activity = Identifier()
    receipt = Identifier(unique=True)
    state = Identifier()
    is_view = models.BooleanField(default=False)
    order = models.JSONField(null=True)
    details = models.JSONField(default=list)
    reason = models.JSONField(null=True)
    field = Identifier(null=True)
    effective = models.JSONField(null=True)
    reference = Identifier(null=True)
    has_fact = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=1)
    ask_again_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="task_state_known",
                condition=Q(state__in=["started", "unknown", "succeeded", "refused", "failed"]),
            ),
            models.CheckConstraint(
                name="task_open_is_asked_again",
                condition=Q(
                    state__in=["started", "unknown"], ask_again_at__isnull=False, finished_at__isnull=True
                )
                | Q(
                    state__in=["succeeded", "refused", "failed"],
                    ask_again_at__isnull=True,
                    finished_at__isnull=False,
                    order__isnull=True,
                ),
            ),
        ]
        indexes = [
            models.Index(name="task_by_time", fields=["subscriber_id", "-started_at"]),
            models.Index(name="task_open", fields=["ask_again_at"], condition=Q(ask_again_at__isnull=False)),
        ]


class ReminderChoice(models.Model):
    """Whether a line wants to be reminded of something; without a row it is not."""

    pk = models.CompositePrimaryKey("subscriber_id", "kind")
    subscriber_id = models.UUIDField()
    kind = Identifier()
    is_on = models.BooleanField()
    chosen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="reminder_kind_known", condition=Q(kind__in=["tranche_waiting", "bucket_ending"])
            ),
        ]
        indexes = [
            models.Index(name="reminder_wanted", fields=["kind", "subscriber_id"], condition=Q(is_on=True))
        ]

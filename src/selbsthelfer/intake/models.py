"""What intake keeps: the key of every fact, the frontier of every line, parked facts and rejects."""

from __future__ import annotations

from django.db import models

from selbsthelfer.kit.fields import Identifier


class Line(models.Model):
    """A registered line and up to which instant (`frontier_at`) its facts are decided. The row is its lock.

    `earlier_frontier_at` is the frontier before the last advance, told to whoever advances it.
    """

    subscriber_id = models.UUIDField(primary_key=True)
    frontier_at = models.DateTimeField()
    earlier_frontier_at = models.DateTimeField(null=True)


class Key(models.Model):
    """The key of a fact that was taken; held for ever, so that no fact is taken twice."""

    pk = models.CompositePrimaryKey("subscriber_id", "source", "id")
    subscriber_id = models.UUIDField()
    source = Identifier()
    id = Identifier()
    received_at = models.DateTimeField()


class Parked(models.Model):
    """A fact of a line that is not registered yet; it enters when the line is, unless 30 days pass first."""

    pk = models.CompositePrimaryKey("subscriber_id", "source", "id")
    subscriber_id = models.UUIDField()
    source = Identifier()
    id = Identifier()
    received_at = models.DateTimeField()
    parked_at = models.DateTimeField()
    body = models.BinaryField()

    class Meta:
        indexes = [models.Index(name="parked_by_age", fields=["parked_at"])]


class Reject(models.Model):
    """A fact that was refused, with its reason; a repeated refusal of the same text is counted, not added."""

    digest = models.BinaryField(primary_key=True)
    code = Identifier()
    field = Identifier(null=True)
    reason = models.TextField()
    source = Identifier(null=True)
    id = Identifier(null=True)
    subject = Identifier(null=True)
    body = models.TextField()
    first_rejected_at = models.DateTimeField()
    times = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(name="reject_by_code", fields=["code", "first_rejected_at"])]

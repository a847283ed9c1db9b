"""Contacts, what agents said of them, and declared crises."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from selbsthelfer.kit.fields import Identifier


class ExemptTopic(models.Model):
    """A topic that never counts, with the code shown for it; a reference table from `core/topics.py`."""

    topic = Identifier(primary_key=True)
    code = Identifier()


class Contact(models.Model):
    """A fact `contact.ended`; `happened_at` is its end. An empty column was not told."""

    pk = models.CompositePrimaryKey("subscriber_id", "happened_at", "id", "source")
    subscriber_id = models.UUIDField()
    happened_at = models.DateTimeField()
    id = Identifier()
    source = Identifier()
    received_at = models.DateTimeField()
    channel = Identifier(null=True)
    direction = Identifier(null=True)
    outcome = Identifier(null=True)
    wait_seconds = models.IntegerField(null=True)
    talk_seconds = models.IntegerField(null=True)
    topic = Identifier(null=True)
    queue = Identifier(null=True)


class Coding(models.Model):
    """A fact `contact.coded`: an agent gave a contact its topic."""

    pk = models.CompositePrimaryKey(
        "subscriber_id", "contact_source", "contact_id", "happened_at", "id", "source"
    )
    subscriber_id = models.UUIDField()
    contact_source = Identifier()
    contact_id = Identifier()
    happened_at = models.DateTimeField()
    id = Identifier()
    source = Identifier()
    received_at = models.DateTimeField()
    topic = Identifier()
    by = Identifier(null=True)


class Reclassification(models.Model):
    """A fact `contact.reclassified`: an agent decided whether a contact counts."""

    pk = models.CompositePrimaryKey(
        "subscriber_id", "contact_source", "contact_id", "happened_at", "id", "source"
    )
    subscriber_id = models.UUIDField()
    contact_source = Identifier()
    contact_id = Identifier()
    happened_at = models.DateTimeField()
    id = Identifier()
    source = Identifier()
    received_at = models.DateTimeField()
    counts = models.BooleanField()
    reason = models.TextField(null=True)
    by = Identifier(null=True)


class Crisis(models.Model):
    """A fact `crisis.declared`, about every line: from ≤ time < until; no topics means all."""

    pk = models.CompositePrimaryKey("source", "id")
    source = Identifier()
    id = Identifier()
    declared_at = models.DateTimeField()
    received_at = models.DateTimeField()
    from_at = models.DateTimeField()
    until_at = models.DateTimeField()
    topics = ArrayField(Identifier(), null=True)
    swept_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="crisis_has_a_duration", condition=models.Q(from_at__lt=models.F("until_at"))
            ),
        ]

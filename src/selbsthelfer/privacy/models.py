"""Consents, and the wishes for data and for erasure."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from selbsthelfer.kit.fields import Identifier


class Consent(models.Model):
    """A consent from when it was given until it was withdrawn; a new one is a new row."""

    consent_id = models.BigAutoField(primary_key=True)
    subscriber_id = models.UUIDField()
    purpose = Identifier()
    given_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="consent_is_given_once",
                fields=["subscriber_id", "purpose"],
                condition=Q(withdrawn_at__isnull=True),
            ),
            models.CheckConstraint(
                name="consent_is_withdrawn_after_given",
                condition=Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gte=F("given_at")),
            ),
        ]


class Wish(models.Model):
    """A wish for one's data (`export`) or for erasure (`erase`), and when it was fulfilled."""

    wish_id = models.BigAutoField(primary_key=True)
    subscriber_id = models.UUIDField()
    kind = Identifier()
    wished_at = models.DateTimeField()
    fulfilled_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="wish_kind_known", condition=Q(kind__in=["export", "erase"]))
        ]
        indexes = [models.Index(name="wish_of_line", fields=["subscriber_id", "wished_at"])]

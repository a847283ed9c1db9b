"""Orders to the charging system to credit volume."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from selbsthelfer.kit.fields import Identifier


class CreditOrder(models.Model):
    """An order to credit a bucket, under an id made before the first attempt.

    With the embedded system the allowances room is the charging system, so the order is born `confirmed`.
    """

    pk = models.CompositePrimaryKey("subscriber_id", "credit_id")
    subscriber_id = models.UUIDField()
    credit_id = models.UUIDField()
    system = Identifier()
    state = Identifier()
    bytes = models.BigIntegerField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    ordered_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="order_state_known",
                condition=Q(state__in=["open", "confirmed", "uncertain", "refused"]),
            ),
            models.CheckConstraint(
                name="order_confirmed_has_instant",
                condition=Q(state="confirmed", confirmed_at__isnull=False) | ~Q(state="confirmed"),
            ),
            models.CheckConstraint(name="order_has_volume", condition=Q(bytes__gt=0)),
            models.CheckConstraint(
                name="order_ends_after_it_starts", condition=Q(valid_from__lt=F("valid_until"))
            ),
        ]

"""Orders to the charging system to credit volume, every attempt at them, and where the system differs."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from selbsthelfer.kit.fields import Identifier


class CreditOrder(models.Model):
    """An order to credit a bucket, under an id made before the first attempt.

    With the embedded system the allowances room is the charging system, so the order is born `confirmed`.
    `core/orders.py` says what each column means and how it moves.
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
    recipient = Identifier(null=True)
    due_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(db_default=0)
    sent_at = models.DateTimeField(null=True)
    place = Identifier(null=True)
    failure = Identifier(null=True)
    troubled_at = models.DateTimeField(null=True)
    owed_at = models.DateTimeField(null=True)
    made_good_at = models.DateTimeField(null=True)
    failures = models.IntegerField(db_default=0)

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
            # An open order that no worker would ever take is lost without a word.
            models.CheckConstraint(
                name="order_open_is_due",
                condition=Q(state="open", due_at__isnull=False)
                | Q(state="uncertain")
                | Q(state__in=["confirmed", "refused"], due_at__isnull=True),
            ),
            models.CheckConstraint(
                name="order_made_good_was_owed",
                condition=Q(made_good_at__isnull=True) | Q(owed_at__isnull=False),
            ),
        ]
        # Nearly all orders are confirmed and over, so each index holds only those that somebody looks for:
        # what a worker takes, what usage must not burn, what is compared, what people are told of, what is
        # to be made good, how long delivery takes.
        indexes = [
            models.Index(
                name="order_due",
                fields=["state", "due_at", "ordered_at"],
                condition=Q(due_at__isnull=False),
            ),
            models.Index(
                name="order_unconfirmed",
                fields=["subscriber_id", "credit_id"],
                condition=~Q(state="confirmed"),
            ),
            models.Index(
                name="order_by_recipient",
                fields=["recipient", "subscriber_id", "credit_id"],
                condition=Q(recipient__isnull=False),
            ),
            models.Index(
                name="order_in_trouble", fields=["troubled_at"], condition=Q(troubled_at__isnull=False)
            ),
            models.Index(
                name="order_owed",
                fields=["owed_at"],
                condition=Q(owed_at__isnull=False, made_good_at__isnull=True),
            ),
            models.Index(
                name="order_delivered",
                fields=["confirmed_at"],
                condition=Q(state="confirmed", sent_at__isnull=False),
            ),
            models.Index(
                name="order_recipient_kept",
                fields=["valid_until"],
                condition=Q(recipient__isnull=False),
            ),
        ]


class Attempt(models.Model):
    """An attempt at an order, written before it starts; one without an end was broken off or goes on."""

    pk = models.CompositePrimaryKey("subscriber_id", "credit_id", "ordinal")
    subscriber_id = models.UUIDField()
    credit_id = models.UUIDField()
    ordinal = models.IntegerField()
    action = Identifier()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = Identifier(null=True)
    code = Identifier(null=True)
    by = Identifier(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="attempt_action_known",
                condition=Q(action__in=["credit", "read_back", "resolve", "retry"]),
            ),
            models.CheckConstraint(
                name="attempt_ends_with_an_outcome",
                condition=Q(ended_at__isnull=True, outcome__isnull=True)
                | Q(ended_at__isnull=False, outcome__isnull=False),
            ),
        ]
        # Old ones are looked for to be forgotten; new ones are always written at its end.
        indexes = [models.Index(name="attempt_started", fields=["started_at"])]


class Drift(models.Model):
    """A difference between an order and the charging system; open until it is resolved."""

    pk = models.CompositePrimaryKey("subscriber_id", "credit_id", "kind")
    subscriber_id = models.UUIDField()
    credit_id = models.UUIDField()
    kind = Identifier()
    system = Identifier()
    place = Identifier(null=True)
    ends_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(name="drift_open", fields=["kind"], condition=Q(resolved_at__isnull=True)),
        ]


class Alerting(models.Model):
    """Up to when people were told of orders in trouble: one row, which also lets only one tell at a time."""

    alerting_id = models.SmallIntegerField(primary_key=True)
    told_until = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="alerting_is_one_row", condition=Q(alerting_id=1))]

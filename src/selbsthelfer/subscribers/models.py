"""Lines, what changed about them, and who has which number."""

from __future__ import annotations

from django.db import models

from selbsthelfer.kit.fields import Identifier


class Subscriber(models.Model):
    """A line as it stands now; what it was earlier is in the facts about it.

    `subscriber_id` is made from the operator's own id of the line (`subject`), so that no look-up is needed.
    `included_bytes` is the tariff's volume per billing period; none means unlimited.
    """

    subscriber_id = models.UUIDField(primary_key=True)
    subject = Identifier()
    account = Identifier(null=True)
    msisdn = Identifier(null=True)
    timezone = Identifier()
    billing_day = models.SmallIntegerField(null=True)
    period_days = models.SmallIntegerField(null=True)
    period_anchor = models.DateField(null=True)
    language = Identifier(null=True)
    tariff = Identifier(null=True)
    included_bytes = models.BigIntegerField(null=True)
    suspended = models.BooleanField(default=False)
    registered_tariff = Identifier(null=True)
    registered_included_bytes = models.BigIntegerField(null=True)
    registered_at = models.DateTimeField()
    received_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="subscriber_has_one_billing_cycle",
                condition=models.Q(
                    billing_day__isnull=False, period_days__isnull=True, period_anchor__isnull=True
                )
                | models.Q(billing_day__isnull=True, period_days__isnull=False, period_anchor__isnull=False),
            ),
            models.CheckConstraint(
                name="subscriber_billing_day_in_month",
                condition=models.Q(billing_day__isnull=True) | models.Q(billing_day__range=(1, 31)),
            ),
        ]


class Change(models.Model):
    """A fact `subscriber.changed`; a column that is empty did not change."""

    pk = models.CompositePrimaryKey("subscriber_id", "happened_at", "id", "source")
    subscriber_id = models.UUIDField()
    happened_at = models.DateTimeField()
    id = Identifier()
    source = Identifier()
    received_at = models.DateTimeField()
    msisdn = Identifier(null=True)
    language = Identifier(null=True)
    tariff = Identifier(null=True)
    included_bytes = models.BigIntegerField(null=True)
    suspended = models.BooleanField(null=True)


class BillingDayChanged(models.Model):
    """A fact `subscriber.billing_day_changed`."""

    pk = models.CompositePrimaryKey("subscriber_id", "happened_at", "id", "source")
    subscriber_id = models.UUIDField()
    happened_at = models.DateTimeField()
    id = Identifier()
    source = Identifier()
    received_at = models.DateTimeField()
    billing_day = models.SmallIntegerField()


class Ended(models.Model):
    """A fact `subscriber.ended`; the earliest holds."""

    pk = models.CompositePrimaryKey("subscriber_id", "happened_at", "id", "source")
    subscriber_id = models.UUIDField()
    happened_at = models.DateTimeField()
    id = Identifier()
    source = Identifier()
    received_at = models.DateTimeField()


class Number(models.Model):
    """Who has a number from when on: the look-up from a caller to a line. An ordinary table."""

    pk = models.CompositePrimaryKey("msisdn", "assigned_at", "subscriber_id")
    msisdn = Identifier()
    assigned_at = models.DateTimeField()
    subscriber_id = models.UUIDField()

    class Meta:
        # For the one who asks which numbers are kept of a line.
        indexes = [models.Index(name="number_of_line", fields=["subscriber_id", "assigned_at"])]

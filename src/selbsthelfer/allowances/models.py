"""Buckets of volume, the entries that move them, usage, courtesy volume and notices."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from selbsthelfer.kit.fields import Identifier


class Bucket(models.Model):
    """Volume with a validity, `valid_from` ≤ time < `valid_until`; neither ever changes.

    What is left is the balance of its newest entry. The end of the line ends its buckets; that is a predicate
    on reading, not a change here.
    """

    pk = models.CompositePrimaryKey("subscriber_id", "bucket_id")
    subscriber_id = models.UUIDField()
    bucket_id = models.UUIDField()
    kind = Identifier()
    size_bytes = models.BigIntegerField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="bucket_has_volume", condition=Q(size_bytes__gt=0)),
            models.CheckConstraint(
                name="bucket_ends_after_it_starts", condition=Q(valid_from__lt=F("valid_until"))
            ),
            models.CheckConstraint(
                name="bucket_kind_known", condition=Q(kind__in=["included", "bonus", "courtesy", "topup"])
            ),
        ]
        # A line keeps its ended buckets for years; usage must not read past them. The second tells, across
        # lines, which bonus is about to end.
        indexes = [
            models.Index(name="bucket_by_end", fields=["subscriber_id", "valid_until"]),
            models.Index(
                name="bucket_bonus_ending",
                fields=["valid_until", "subscriber_id", "bucket_id"],
                condition=Q(kind="bonus"),
            ),
        ]


class Entry(models.Model):
    """A movement of a bucket, appended and never changed.

    Entries of a bucket form a chain: each names the balance its predecessor left, so that no two can follow
    the same one and no balance can fall below zero or rise above the bucket's size.
    """

    pk = models.CompositePrimaryKey("subscriber_id", "bucket_id", "ordinal")
    subscriber_id = models.UUIDField()
    bucket_id = models.UUIDField()
    ordinal = models.IntegerField()
    amount_bytes = models.BigIntegerField()
    balance_bytes = models.BigIntegerField()
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField()
    fact_source = Identifier(null=True)
    fact_id = Identifier(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="entry_never_overdraws", condition=Q(balance_bytes__gte=0)),
            models.CheckConstraint(name="entry_moves_something", condition=~Q(amount_bytes=0)),
            models.CheckConstraint(name="entry_counts_from_one", condition=Q(ordinal__gte=1)),
            models.CheckConstraint(
                name="entry_credits_first_then_burns",
                condition=Q(ordinal=1, amount_bytes__gt=0, balance_bytes=F("amount_bytes"))
                | Q(ordinal__gt=1, amount_bytes__lt=0),
            ),
        ]
        # For what was left at a past instant, and for pages of entries. Being partial, it can never be taken
        # for the check of the chain, which would read all entries of a line for each.
        indexes = [
            models.Index(
                name="entry_burned_by_time",
                fields=["subscriber_id", "happened_at"],
                condition=Q(amount_bytes__lt=0),
            )
        ]


class Usage(models.Model):
    """A fact `usage.recorded`: `unmet_bytes` of it found no volume to burn."""

    pk = models.CompositePrimaryKey("subscriber_id", "happened_at", "id", "source")
    subscriber_id = models.UUIDField()
    happened_at = models.DateTimeField()
    id = Identifier()
    source = Identifier()
    received_at = models.DateTimeField()
    bytes = models.BigIntegerField()
    unmet_bytes = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="usage_unmet_within_bytes",
                condition=Q(unmet_bytes__gte=0) & Q(unmet_bytes__lte=F("bytes")),
            ),
        ]


class Courtesy(models.Model):
    """A fact `courtesy.granted`: volume given by staff, outside every programme's cap."""

    pk = models.CompositePrimaryKey("subscriber_id", "happened_at", "id", "source")
    subscriber_id = models.UUIDField()
    happened_at = models.DateTimeField()
    id = Identifier()
    source = Identifier()
    received_at = models.DateTimeField()
    bytes = models.BigIntegerField()
    reason = models.TextField(null=True)
    by = Identifier(null=True)
    bucket_id = models.UUIDField()


class Notice(models.Model):
    """A fact about an included bucket: 80 % or 100 % of it is used; once each."""

    pk = models.CompositePrimaryKey("subscriber_id", "bucket_id", "percent")
    subscriber_id = models.UUIDField()
    bucket_id = models.UUIDField()
    percent = models.SmallIntegerField()
    noticed_at = models.DateTimeField()
    received_at = models.DateTimeField()
    bonus_bytes = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="notice_at_80_or_100", condition=Q(percent__in=[80, 100])),
        ]

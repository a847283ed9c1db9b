"""Programme versions, enrolments, and what was released to them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from selbsthelfer.kit.fields import Identifier


class Version(models.Model):
    """A published version of a programme; it never changes. The columns are the settings that sets join."""

    pk = models.CompositePrimaryKey("programme", "version")
    programme = Identifier()
    version = models.IntegerField()
    definition = models.TextField()
    digest = Identifier()
    published_at = models.DateTimeField()
    stage_bytes = ArrayField(models.BigIntegerField())
    stage_count = models.SmallIntegerField()
    periods_per_stage = models.SmallIntegerField()
    activities_min = models.IntegerField()
    contacts_max = models.IntegerField()
    goodwill_contacts = models.IntegerField()
    settle_delay = models.DurationField()
    talk_seconds_min = models.IntegerField()
    channels = ArrayField(Identifier())
    exemptions = Identifier()
    on_missed_stage = Identifier()
    release = Identifier()
    cap_bytes = models.BigIntegerField()
    budget_bytes = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="version_published_once", fields=["programme", "digest"]),
        ]


class NotOnline(models.Model):
    """A version's exception: in this tariff the activity cannot be done online."""

    pk = models.CompositePrimaryKey("programme", "version", "tariff", "activity")
    programme = Identifier()
    version = models.IntegerField()
    tariff = Identifier()
    activity = Identifier()


class Budget(models.Model):
    """What is promised and granted of a version's budget; the row is the lock of enrolling."""

    pk = models.CompositePrimaryKey("programme", "version")
    programme = Identifier()
    version = models.IntegerField()
    reserved_bytes = models.BigIntegerField(default=0)
    granted_bytes = models.BigIntegerField(default=0)


class Enrolment(models.Model):
    """A line in a version of a programme, with the boundaries of its billing periods.

    `period_bounds[n]` (from 1) is the start of the period with index n. `known_from` is when registration and
    enrolment were both known. `altered` says that boundaries or end depend on when one looks: the decision
    then draws them anew. Two projections save work and may be rebuilt without changing any answer:
    `released_mask` has bit n set when the tranche of index n is released, `missed_mask` has bit w set when
    window w was missed at the last decision. `told_mask` is no projection: it keeps what was told to the
    operator, bit 2w that window w was passed, bit 2w + 1 that it was missed.
    """

    pk = models.CompositePrimaryKey("subscriber_id", "programme")
    subscriber_id = models.UUIDField()
    programme = Identifier()
    version = models.IntegerField()
    variant = Identifier()
    enrolled_at = models.DateTimeField()
    known_from = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    closes_at = models.DateTimeField()
    period_bounds = ArrayField(models.DateTimeField())
    altered = models.BooleanField(default=False)
    released_mask = models.BigIntegerField(default=0)
    missed_mask = models.BigIntegerField(default=0)
    told_mask = models.BigIntegerField(default=0, db_default=0)
    reserved_bytes = models.BigIntegerField(default=0)
    cap_bytes = models.BigIntegerField()
    source = Identifier()
    id = Identifier()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="enrolment_holds_its_cap", fields=["subscriber_id", "programme", "cap_bytes"]
            ),
            models.CheckConstraint(
                name="enrolment_variant_known", condition=Q(variant__in=["treatment", "control"])
            ),
        ]


class Invitation(models.Model):
    """A line that may join a programme that is joined by invitation; lines in `control` are never invited."""

    pk = models.CompositePrimaryKey("subscriber_id", "programme")
    subscriber_id = models.UUIDField()
    programme = Identifier()
    invited_at = models.DateTimeField()


class InvitationCode(models.Model):
    """A code by which lines may join; only its SHA-256 is kept, so that nobody can read codes here."""

    pk = models.CompositePrimaryKey("programme", "code_digest")
    programme = Identifier()
    code_digest = Identifier()
    uses = models.IntegerField()
    uses_left = models.IntegerField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="code_not_overused", condition=Q(uses_left__gte=0) & Q(uses_left__lte=F("uses"))
            ),
        ]


class Withdrawal(models.Model):
    """A fact `programme.withdrawn`; the earliest holds."""

    pk = models.CompositePrimaryKey("subscriber_id", "programme", "happened_at", "id", "source")
    subscriber_id = models.UUIDField()
    programme = Identifier()
    happened_at = models.DateTimeField()
    id = Identifier()
    source = Identifier()
    received_at = models.DateTimeField()


class Release(models.Model):
    """A tranche released; with `bytes` above 0 it is a grant, and `credit_id` names its bucket and order.

    The key allows one per (enrolment, index). The releases of an enrolment form a chain of running totals
    that may not pass the cap, so that the database itself forbids more than was promised.
    """

    pk = models.CompositePrimaryKey("subscriber_id", "programme", "index")
    subscriber_id = models.UUIDField()
    programme = Identifier()
    index = models.SmallIntegerField()
    window = models.SmallIntegerField()
    level = models.SmallIntegerField()
    bytes = models.BigIntegerField()
    granted_at = models.DateTimeField()
    valid_until = models.DateTimeField()
    activity_source = Identifier(null=True)
    activity_id = Identifier(null=True)
    credit_id = models.UUIDField()
    ordinal = models.SmallIntegerField()
    total_bytes = models.BigIntegerField()
    cap_bytes = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="release_follows_one_total",
                fields=["subscriber_id", "programme", "ordinal", "total_bytes"],
            ),
            models.CheckConstraint(name="release_within_cap", condition=Q(total_bytes__lte=F("cap_bytes"))),
            models.CheckConstraint(name="release_takes_nothing_back", condition=Q(bytes__gte=0)),
        ]

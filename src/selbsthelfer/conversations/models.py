"""Written cases and what was written in them. Ordinary tables: a case may have no line."""

from __future__ import annotations

from django.db import models

from selbsthelfer.kit.fields import Identifier


class Case(models.Model):
    """A case, once per `key`, made by the form that opened it. `address` is where the person wants answers.

    `erase_at` is set where erasure was asked for and proof of a declaration must be kept until then.
    """

    case_id = models.UUIDField(primary_key=True)
    key = models.UUIDField(unique=True)
    number = Identifier(unique=True)
    kind = Identifier()
    state = Identifier()
    subscriber_id = models.UUIDField(null=True)
    topic = Identifier(null=True)
    about_source = Identifier(null=True)
    about_id = Identifier(null=True)
    address = Identifier(null=True)
    name = models.TextField(null=True)
    language = Identifier()
    details = models.JSONField()
    decision = Identifier(null=True)
    opened_at = models.DateTimeField()
    promised_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    erase_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(name="case_of_line", fields=["subscriber_id", "opened_at"]),
            models.Index(
                name="case_waiting", fields=["promised_at", "number"], condition=models.Q(state="open")
            ),
            models.Index(
                name="case_to_erase",
                fields=["erase_at"],
                condition=models.Q(erase_at__isnull=False, erased_at__isnull=True),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                name="case_one_dispute_per_contact",
                fields=["subscriber_id", "about_source", "about_id"],
                condition=models.Q(kind="dispute") & ~models.Q(state="closed"),
            ),
            models.CheckConstraint(
                name="case_kind_is_known",
                condition=models.Q(
                    kind__in=[
                        "message",
                        "complaint",
                        "objection",
                        "dispute",
                        "fault",
                        "cancellation",
                        "withdrawal",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="case_state_is_known", condition=models.Q(state__in=["open", "answered", "closed"])
            ),
            models.CheckConstraint(
                name="case_decision_of_dispute",
                condition=models.Q(decision__isnull=True)
                | models.Q(kind="dispute", decision__in=["reinstated", "upheld"]),
            ),
        ]


class Message(models.Model):
    """What one side wrote in a case; once per `key`. `by` is the name of the member of staff."""

    message_id = models.BigAutoField(primary_key=True)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, db_index=False)
    key = models.UUIDField()
    author = Identifier()
    by = Identifier(null=True)
    text = models.TextField()
    written_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="message_of_case", fields=["case", "message_id"])]
        constraints = [
            models.UniqueConstraint(name="message_once_per_key", fields=["case", "key"]),
            models.CheckConstraint(
                name="message_author_is_known", condition=models.Q(author__in=["subscriber", "staff"])
            ),
            models.CheckConstraint(
                name="message_staff_has_a_name",
                condition=models.Q(author="staff", by__isnull=False)
                | models.Q(author="subscriber", by__isnull=True),
            ),
        ]

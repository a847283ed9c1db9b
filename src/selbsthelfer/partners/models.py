"""What partner systems asked."""

from __future__ import annotations

from django.db import models

from selbsthelfer.kit.fields import Identifier


class Document(models.Model):
    """A document of a TM Forum API as a partner asked it, without free text; an ordinary table, found by id.

    `digest` tells a repetition from another request under the same id. `bucket_id` is the volume that it made
    or holds, `held_bytes` what a reservation holds until `ends_at`. Documents of the sandbox are of no line.
    """

    pk = models.CompositePrimaryKey("is_sandbox", "kind", "id")
    is_sandbox = models.BooleanField()
    kind = Identifier()
    id = Identifier()
    client = Identifier()
    digest = models.BinaryField()
    subscriber_id = models.UUIDField(null=True)
    bucket_id = models.UUIDField(null=True)
    held_bytes = models.BigIntegerField(null=True)
    status = Identifier(null=True)
    content = models.JSONField()
    asked_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    fact_source = Identifier(null=True)
    changes = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="partners_sandbox_has_no_line",
                condition=models.Q(is_sandbox=False) | models.Q(subscriber_id__isnull=True),
            ),
            models.CheckConstraint(
                name="partners_held_is_positive",
                condition=models.Q(held_bytes__isnull=True) | models.Q(held_bytes__gt=0),
            ),
        ]
        indexes = [
            models.Index(name="partners_document_newest", fields=["is_sandbox", "kind", "-asked_at", "id"]),
            models.Index(
                name="partners_document_of_line",
                fields=["subscriber_id", "kind", "-asked_at", "id"],
                condition=models.Q(subscriber_id__isnull=False),
            ),
            models.Index(
                name="partners_held",
                fields=["subscriber_id", "bucket_id"],
                condition=models.Q(held_bytes__isnull=False, status="completed"),
            ),
            models.Index(
                name="partners_document_kept", fields=["changed_at"], condition=models.Q(is_sandbox=False)
            ),
        ]

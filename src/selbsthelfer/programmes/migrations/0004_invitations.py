"""Invitations: lines on a list, and codes of which only the digest is kept."""

from django.db import migrations, models

import selbsthelfer.kit.fields


class Migration(migrations.Migration):
    dependencies = [("programmes", "0003_projections")]

    operations = [
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "subscriber_id",
                        "programme",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("subscriber_id", models.UUIDField()),
                ("programme", selbsthelfer.kit.fields.Identifier()),
                ("invited_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="InvitationCode",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "programme",
                        "code_digest",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("programme", selbsthelfer.kit.fields.Identifier()),
                ("code_digest", selbsthelfer.kit.fields.Identifier()),
                ("uses", models.IntegerField()),
                ("uses_left", models.IntegerField()),
                ("made_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        name="code_not_overused",
                        condition=models.Q(uses_left__gte=0) & models.Q(uses_left__lte=models.F("uses")),
                    )
                ],
            },
        ),
    ]

from django.db import migrations, models

import selbsthelfer.kit.fields

LISTENERS = """
UPDATE outbox_endpoint
SET owner = regexp_replace(description, '^TMF6(54|83) hub of ', '')
WHERE description ~ '^TMF6(54|83) hub of .' AND kinds[1] !~ '[.]'
"""
"""What partners listen by was told from the operator's own by its description; their kinds have no dot."""

WHOLE_BODIES = "UPDATE outbox_event SET is_whole_body = true WHERE kind !~ '[.]'"


class Migration(migrations.Migration):

    dependencies = [
        ("outbox", "0004_webhooks"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="owner",
            field=selbsthelfer.kit.fields.Identifier(default=""),
        ),
        migrations.AddField(
            model_name="event",
            name="is_whole_body",
            field=models.BooleanField(default=False),
        ),
        migrations.RunSQL(LISTENERS, migrations.RunSQL.noop),
        migrations.RunSQL(WHOLE_BODIES, migrations.RunSQL.noop),
    ]

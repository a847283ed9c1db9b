import django.contrib.postgres.fields
import selbsthelfer.kit.fields
from django.db import migrations, models

# Not logged: tries are written often, and nothing of them need outlive a crash.
UNLOGGED = "ALTER TABLE identity_tries SET UNLOGGED"
LOGGED = "ALTER TABLE identity_tries SET LOGGED"


class Migration(migrations.Migration):

    dependencies = [
        ("identity", "0002_cache"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tries",
            fields=[
                ("key", selbsthelfer.kit.fields.Identifier(primary_key=True, serialize=False)),
                ("kept", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("ends_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.RunSQL(UNLOGGED, LOGGED),
    ]

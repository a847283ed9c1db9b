"""Failures are counted by themselves, and old attempts can be found."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("charging", "0002_delivery")]

    operations = [
        migrations.AddField(
            model_name="creditorder",
            name="failures",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(name="attempt_started", fields=["started_at"]),
        ),
    ]

"""Find valid buckets without reading the ended ones, and what burned by time."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("allowances", "0002_chain")]

    operations = [
        migrations.AddIndex(
            model_name="bucket",
            index=models.Index(name="bucket_by_end", fields=["subscriber_id", "valid_until"]),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                name="entry_burned_by_time",
                fields=["subscriber_id", "happened_at"],
                condition=models.Q(amount_bytes__lt=0),
            ),
        ),
    ]

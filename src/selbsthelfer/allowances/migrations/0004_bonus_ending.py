"""Find, across lines, the bonus that is about to end."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("allowances", "0003_indexes")]

    operations = [
        migrations.AddIndex(
            model_name="bucket",
            index=models.Index(
                name="bucket_bonus_ending",
                fields=["valid_until", "subscriber_id", "bucket_id"],
                condition=models.Q(kind="bonus"),
            ),
        ),
    ]

"""Note when a fact was parked: an import of old history waits as long as a fact of today."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("intake", "0003_projections")]

    operations = [
        migrations.RemoveIndex(model_name="parked", name="parked_by_age"),
        migrations.AddField(
            model_name="parked",
            name="parked_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="parked", index=models.Index(fields=["parked_at"], name="parked_by_age")
        ),
    ]

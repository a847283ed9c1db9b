from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("outbox", "0002_sending"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                name="outbox_failed", fields=["failure"], condition=models.Q(failed_at__isnull=False)
            ),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("subscribers", "0001_tables"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="number",
            index=models.Index(name="number_of_line", fields=["subscriber_id", "assigned_at"]),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("partners", "0001_tables"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="document",
            index=models.Index(
                name="partners_document_kept", fields=["changed_at"], condition=models.Q(is_sandbox=False)
            ),
        ),
    ]

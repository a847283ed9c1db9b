"""Messages get a channel, an address, and what becomes of them; those that are there stay in the inbox."""

from datetime import UTC, datetime

from django.db import migrations, models

import selbsthelfer.kit.fields


class Migration(migrations.Migration):
    dependencies = [("outbox", "0001_tables")]

    operations = [
        migrations.RemoveIndex(model_name="message", name="outbox_waiting"),
        migrations.AddField(
            model_name="message",
            name="channel",
            field=selbsthelfer.kit.fields.Identifier(default="inbox"),
            preserve_default=False,
        ),
        migrations.AddField(model_name="message", name="address", field=selbsthelfer.kit.fields.Identifier(null=True)),
        migrations.AddField(model_name="message", name="is_secret", field=models.BooleanField(default=False)),
        migrations.AddField(
            model_name="message",
            name="due_at",
            field=models.DateTimeField(default=datetime(1970, 1, 1, tzinfo=UTC)),
            preserve_default=False,
        ),
        migrations.AddField(model_name="message", name="attempts", field=models.SmallIntegerField(default=0)),
        migrations.AddField(model_name="message", name="failed_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="message", name="failure", field=selbsthelfer.kit.fields.Identifier(null=True)),
        migrations.AddField(model_name="message", name="emptied_at", field=models.DateTimeField(null=True)),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                name="outbox_due",
                fields=["due_at", "message_id"],
                condition=models.Q(sent_at__isnull=True, failed_at__isnull=True),
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                name="outbox_of_line",
                fields=["subscriber_id", "message_id"],
                condition=models.Q(subscriber_id__isnull=False),
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                name="outbox_of_address",
                fields=["address", "message_id"],
                condition=models.Q(address__isnull=False),
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                name="outbox_kept", fields=["created_at"], condition=models.Q(emptied_at__isnull=True)
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                name="outbox_kept_secrets",
                fields=["created_at"],
                condition=models.Q(emptied_at__isnull=True, is_secret=True),
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                name="outbox_channel_is_known", condition=models.Q(channel__in=["sms", "email", "inbox"])
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                name="outbox_inbox_has_no_address",
                condition=~models.Q(channel="inbox") | models.Q(address__isnull=True),
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                name="outbox_sent_or_failed",
                condition=models.Q(sent_at__isnull=True) | models.Q(failed_at__isnull=True),
            ),
        ),
    ]

import django.contrib.postgres.fields
import django.db.models.deletion
import selbsthelfer.kit.fields
from django.db import migrations, models

# Not logged: calls are counted often, and nothing of them need outlive a crash.
UNLOGGED = "ALTER TABLE identity_clientcalls SET UNLOGGED"
LOGGED = "ALTER TABLE identity_clientcalls SET LOGGED"


class Migration(migrations.Migration):

    dependencies = [
        ('identity', '0003_tries'),
    ]

    operations = [
        migrations.CreateModel(
            name='Answer',
            fields=[
                ('pk', models.CompositePrimaryKey('client', 'key', blank=True, editable=False, primary_key=True, serialize=False)),
                ('client', selbsthelfer.kit.fields.Identifier()),
                ('key', selbsthelfer.kit.fields.Identifier()),
                ('asked', selbsthelfer.kit.fields.Identifier()),
                ('status', models.SmallIntegerField(null=True)),
                ('body', models.BinaryField(null=True)),
                ('made_at', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='ClientCalls',
            fields=[
                ('client', selbsthelfer.kit.fields.Identifier(primary_key=True, serialize=False)),
                ('minute', models.BigIntegerField()),
                ('taken', models.IntegerField()),
                ('granted', models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Client',
            fields=[
                ('name', selbsthelfer.kit.fields.Identifier(primary_key=True, serialize=False)),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=selbsthelfer.kit.fields.Identifier(), size=None)),
                ('requests_per_minute', models.IntegerField()),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('requests_per_minute__gt', 0)), name='identity_client_may_ask')],
            },
        ),
        migrations.CreateModel(
            name='ClientKey',
            fields=[
                ('key_id', selbsthelfer.kit.fields.Identifier(primary_key=True, serialize=False)),
                ('digest', selbsthelfer.kit.fields.Identifier()),
                ('created_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField(null=True)),
                ('last_used_on', models.DateField(null=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='keys', to='identity.client')),
            ],
        ),
        migrations.RunSQL(UNLOGGED, LOGGED),
    ]

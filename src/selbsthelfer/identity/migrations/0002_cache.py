from django.db import migrations

# The table of Django's database cache, as its command `createcachetable` would make it. Nothing in it need
# outlive a crash, so it is not logged: limits of tries are written often.
CREATE = """
CREATE UNLOGGED TABLE IF NOT EXISTS django_cache (
    cache_key varchar(255) COLLATE "C" NOT NULL PRIMARY KEY,
    value text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS django_cache_expires ON django_cache (expires);
"""


class Migration(migrations.Migration):

    dependencies = [
        ("identity", "0001_users"),
    ]

    operations = [
        migrations.RunSQL(CREATE, "DROP TABLE IF EXISTS django_cache"),
    ]

"""Carry the rest of the row in the key's index, so that the counting classes are answered by the index alone."""

from django.db import migrations

COVER = """
ALTER TABLE activities_activity
    DROP CONSTRAINT activities_activity_pkey,
    ADD PRIMARY KEY (subscriber_id, activity, happened_at, id, source) INCLUDE (received_at, succeeded);
"""
UNCOVER = """
ALTER TABLE activities_activity
    DROP CONSTRAINT activities_activity_pkey,
    ADD PRIMARY KEY (subscriber_id, activity, happened_at, id, source);
"""


class Migration(migrations.Migration):
    dependencies = [("activities", "0001_tables")]

    operations = [migrations.RunSQL(COVER, UNCOVER)]

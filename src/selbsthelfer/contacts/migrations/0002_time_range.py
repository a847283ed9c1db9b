"""Find the contacts inside a crisis by time: contacts arrive nearly in order, so a small index is enough."""

from django.db import migrations

ADD = "CREATE INDEX contacts_contact_by_time ON contacts_contact USING brin (happened_at);"
DROP = "DROP INDEX contacts_contact_by_time;"


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_tables")]

    operations = [migrations.RunSQL(ADD, DROP)]

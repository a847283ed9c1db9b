"""Chain the entries of a bucket, so that the database itself forbids an overdrawn or forked bucket."""

from django.db import migrations

# The first entry names its bucket; each later one follows its predecessor: one check for each.
CHAIN = """
ALTER TABLE allowances_entry
    ADD COLUMN previous_ordinal integer GENERATED ALWAYS AS (nullif(ordinal, 1) - 1) STORED,
    ADD COLUMN previous_balance_bytes bigint GENERATED ALWAYS AS (balance_bytes - amount_bytes) STORED,
    ADD COLUMN credited_bucket_id uuid GENERATED ALWAYS AS (CASE WHEN ordinal = 1 THEN bucket_id END) STORED,
    ADD CONSTRAINT entry_leaves_one_balance UNIQUE (subscriber_id, bucket_id, ordinal, balance_bytes),
    ADD CONSTRAINT entry_follows_its_predecessor
        FOREIGN KEY (subscriber_id, bucket_id, previous_ordinal, previous_balance_bytes)
        REFERENCES allowances_entry (subscriber_id, bucket_id, ordinal, balance_bytes),
    ADD CONSTRAINT entry_moves_a_bucket
        FOREIGN KEY (subscriber_id, credited_bucket_id) REFERENCES allowances_bucket (subscriber_id, bucket_id);
"""
UNCHAIN = """
ALTER TABLE allowances_entry
    DROP CONSTRAINT entry_moves_a_bucket, DROP CONSTRAINT entry_follows_its_predecessor,
    DROP CONSTRAINT entry_leaves_one_balance, DROP COLUMN credited_bucket_id, DROP COLUMN previous_balance_bytes,
    DROP COLUMN previous_ordinal;
"""


class Migration(migrations.Migration):
    dependencies = [("allowances", "0001_tables")]

    operations = [migrations.RunSQL(CHAIN, UNCHAIN)]

"""Guards that the database keeps itself: a release chain within the cap, and versions that never change."""

from django.db import migrations

CHAIN = """
ALTER TABLE programmes_release
    ADD COLUMN previous_ordinal smallint GENERATED ALWAYS AS (nullif(ordinal, 1) - 1) STORED,
    ADD COLUMN previous_total_bytes bigint GENERATED ALWAYS AS (total_bytes - bytes) STORED,
    ADD CONSTRAINT release_starts_from_nothing CHECK (ordinal > 1 OR (ordinal = 1 AND total_bytes = bytes)),
    ADD CONSTRAINT release_follows_its_predecessor
        FOREIGN KEY (subscriber_id, programme, previous_ordinal, previous_total_bytes)
        REFERENCES programmes_release (subscriber_id, programme, ordinal, total_bytes),
    ADD CONSTRAINT release_within_the_enrolments_cap
        FOREIGN KEY (subscriber_id, programme, cap_bytes)
        REFERENCES programmes_enrolment (subscriber_id, programme, cap_bytes);
ALTER TABLE programmes_enrolment
    ADD CONSTRAINT enrolment_joins_a_version
        FOREIGN KEY (programme, version) REFERENCES programmes_version (programme, version);
ALTER TABLE programmes_enrolment SET (fillfactor = 80);
"""
UNCHAIN = """
ALTER TABLE programmes_enrolment RESET (fillfactor), DROP CONSTRAINT enrolment_joins_a_version;
ALTER TABLE programmes_release
    DROP CONSTRAINT release_within_the_enrolments_cap, DROP CONSTRAINT release_follows_its_predecessor,
    DROP CONSTRAINT release_starts_from_nothing, DROP COLUMN previous_total_bytes, DROP COLUMN previous_ordinal;
"""
IMMUTABLE = """
CREATE FUNCTION programmes_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a published version never changes: publish a new one' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER version_never_changes BEFORE UPDATE OR DELETE ON programmes_version
    FOR EACH ROW EXECUTE FUNCTION programmes_refuse_change();
CREATE TRIGGER exception_never_changes BEFORE UPDATE OR DELETE ON programmes_notonline
    FOR EACH ROW EXECUTE FUNCTION programmes_refuse_change();
"""
MUTABLE = """
DROP TRIGGER exception_never_changes ON programmes_notonline;
DROP TRIGGER version_never_changes ON programmes_version;
DROP FUNCTION programmes_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("programmes", "0001_tables")]

    operations = [migrations.RunSQL(CHAIN, UNCHAIN), migrations.RunSQL(IMMUTABLE, MUTABLE)]

from django.db import migrations

REFUSE_CHANGE = """
CREATE FUNCTION tiltyard_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: rows are never changed or removed', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
"""

JOURNAL = """
CREATE TRIGGER journal_is_append_only BEFORE UPDATE OR DELETE ON foundation_journalentry
    FOR EACH ROW EXECUTE FUNCTION tiltyard_refuse_change();
CREATE TRIGGER journal_is_never_truncated BEFORE TRUNCATE ON foundation_journalentry
    FOR EACH STATEMENT EXECUTE FUNCTION tiltyard_refuse_change();
"""

PROJECT_CLOCK = """
CREATE FUNCTION tiltyard_keep_project_clock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.clock_kind, NEW.clock_origin, NEW.clock_speed, NEW.clock_started_at, NEW.pepper)
       IS DISTINCT FROM (OLD.clock_kind, OLD.clock_origin, OLD.clock_speed, OLD.clock_started_at, OLD.pepper) THEN
        RAISE EXCEPTION 'clock and pepper of a project are fixed at creation'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER project_clock_is_fixed BEFORE UPDATE ON foundation_project
    FOR EACH ROW EXECUTE FUNCTION tiltyard_keep_project_clock();
"""

# The lock makes concurrent writers of a new day wait for one another; the one who waited may still not see the table
# in its catalogue cache, and learns of it when it creates it. ATTACH takes a lock on the parent that lets
# reads and writes of other partitions go on, which CREATE TABLE ... PARTITION OF would not.
ENSURE_PARTITION = """
CREATE FUNCTION tiltyard_ensure_partition(parent text, day date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    child text := parent || to_char(day, '"_y"YYYY"m"MM"d"DD');
BEGIN
    IF to_regclass(child) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('tiltyard_partition:' || parent));
    BEGIN
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child, parent);
    EXCEPTION WHEN duplicate_table THEN
        RETURN false;
    END;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, child, day, day + 1);
    RETURN true;
END $$;
"""

NOTIFY = """
CREATE FUNCTION tiltyard_ring() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('tiltyard_jobs', NEW.id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER job_rings AFTER INSERT ON foundation_job
    FOR EACH ROW WHEN (NEW.state = 'READY') EXECUTE FUNCTION tiltyard_ring();
"""


class Migration(migrations.Migration):
    dependencies = [("foundation", "0001_initial")]

    operations = [
        migrations.RunSQL(REFUSE_CHANGE, "DROP FUNCTION tiltyard_refuse_change()"),
        migrations.RunSQL(
            JOURNAL,
            "DROP TRIGGER journal_is_append_only ON foundation_journalentry;"
            "DROP TRIGGER journal_is_never_truncated ON foundation_journalentry;",
        ),
        migrations.RunSQL(
            PROJECT_CLOCK,
            "DROP TRIGGER project_clock_is_fixed ON foundation_project; DROP FUNCTION tiltyard_keep_project_clock();",
        ),
        migrations.RunSQL(ENSURE_PARTITION, "DROP FUNCTION tiltyard_ensure_partition(text, date)"),
        migrations.RunSQL(
            NOTIFY, "DROP TRIGGER job_rings ON foundation_job; DROP FUNCTION tiltyard_ring();"
        ),
    ]

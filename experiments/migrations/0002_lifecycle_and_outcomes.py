from django.db import migrations

OUTCOME = """
CREATE TABLE experiments_outcome (
    project_id bigint NOT NULL,
    day date NOT NULL,
    message_id text NOT NULL,
    line integer NOT NULL,
    event text NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    visitor text,
    customer text,
    session text,
    item text,
    store text,
    value bigint,
    quantity bigint,
    order_id text,
    PRIMARY KEY (project_id, day, message_id, line)
) PARTITION BY RANGE (day);
CREATE INDEX experiments_outcome_order ON experiments_outcome (project_id, order_id)
    WHERE order_id IS NOT NULL AND line = 0;
"""

# The statuses repeat experiments.lifecycle.TRANSITIONS; a test walks every pair and compares.
LIFECYCLE = """
CREATE FUNCTION tiltyard_guard_experiment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'DRAFT' THEN
            RAISE EXCEPTION 'an experiment begins as DRAFT, not %', NEW.status USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
        ('DRAFT', 'IN_REVIEW'), ('IN_REVIEW', 'DRAFT'), ('IN_REVIEW', 'RUNNING'), ('RUNNING', 'PAUSED'),
        ('PAUSED', 'RUNNING'), ('RUNNING', 'STOPPED'), ('PAUSED', 'STOPPED'), ('STOPPED', 'CONCLUDED')
    ) THEN
        RAISE EXCEPTION 'an experiment cannot go from % to %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.salt, NEW.project_id, NEW.key, NEW.source) IS DISTINCT FROM (OLD.salt, OLD.project_id, OLD.key, OLD.source)
    THEN
        RAISE EXCEPTION 'salt, project, key and source of an experiment never change'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.status NOT IN ('DRAFT', 'IN_REVIEW') AND (
        (NEW.unit_kind, NEW.layer_id, NEW.holdout_id, NEW.audience, NEW.coverage, NEW.personalised, NEW.horizon_days,
         NEW.minimum_effect, NEW.plan_overrides, NEW.started_at)
        IS DISTINCT FROM
        (OLD.unit_kind, OLD.layer_id, OLD.holdout_id, OLD.audience, OLD.coverage, OLD.personalised, OLD.horizon_days,
         OLD.minimum_effect, OLD.plan_overrides, OLD.started_at)
    ) THEN
        RAISE EXCEPTION 'the design of an experiment is frozen at launch' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER experiment_lifecycle BEFORE INSERT OR UPDATE ON experiments_experiment
    FOR EACH ROW EXECUTE FUNCTION tiltyard_guard_experiment();

CREATE FUNCTION tiltyard_guard_launched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' AND EXISTS (
        SELECT 1 FROM experiments_experiment
        WHERE id = NEW.experiment_id AND status NOT IN ('DRAFT', 'IN_REVIEW')
    ) OR TG_OP <> 'INSERT' AND EXISTS (
        SELECT 1 FROM experiments_experiment
        WHERE id = OLD.experiment_id AND status NOT IN ('DRAFT', 'IN_REVIEW')
    ) THEN
        RAISE EXCEPTION '% of an experiment cannot change after launch', TG_ARGV[0]
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER variants_are_frozen BEFORE INSERT OR UPDATE OR DELETE ON experiments_variant
    FOR EACH ROW EXECUTE FUNCTION tiltyard_guard_launched('variants');
CREATE TRIGGER metrics_are_frozen BEFORE INSERT OR UPDATE OR DELETE ON experiments_experimentmetric
    FOR EACH ROW EXECUTE FUNCTION tiltyard_guard_launched('metrics and margins');
CREATE TRIGGER plan_is_frozen BEFORE INSERT OR UPDATE OR DELETE ON experiments_analysisplan
    FOR EACH ROW EXECUTE FUNCTION tiltyard_guard_launched('the analysis plan');
"""

LIFECYCLE_REVERSE = """
DROP TRIGGER experiment_lifecycle ON experiments_experiment;
DROP TRIGGER variants_are_frozen ON experiments_variant;
DROP TRIGGER metrics_are_frozen ON experiments_experimentmetric;
DROP TRIGGER plan_is_frozen ON experiments_analysisplan;
DROP FUNCTION tiltyard_guard_experiment();
DROP FUNCTION tiltyard_guard_launched();
"""

SALTS = """
CREATE FUNCTION tiltyard_keep_salt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.salt, NEW.project_id, NEW.key) IS DISTINCT FROM (OLD.salt, OLD.project_id, OLD.key) THEN
        RAISE EXCEPTION 'salt, project and key never change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER layer_salt_is_fixed BEFORE UPDATE ON experiments_layer
    FOR EACH ROW EXECUTE FUNCTION tiltyard_keep_salt();
CREATE TRIGGER holdout_salt_is_fixed BEFORE UPDATE ON experiments_holdout
    FOR EACH ROW EXECUTE FUNCTION tiltyard_keep_salt();
"""

SALTS_REVERSE = """
DROP TRIGGER layer_salt_is_fixed ON experiments_layer;
DROP TRIGGER holdout_salt_is_fixed ON experiments_holdout;
DROP FUNCTION tiltyard_keep_salt();
"""

APPEND_ONLY = """
CREATE TRIGGER scorecard_is_append_only BEFORE UPDATE OR DELETE ON experiments_scorecard
    FOR EACH ROW EXECUTE FUNCTION tiltyard_refuse_change();
CREATE TRIGGER metric_is_append_only BEFORE UPDATE ON experiments_metric
    FOR EACH ROW EXECUTE FUNCTION tiltyard_refuse_change();
CREATE TRIGGER epoch_is_append_only BEFORE UPDATE ON experiments_allocationepoch
    FOR EACH ROW EXECUTE FUNCTION tiltyard_refuse_change();
CREATE TRIGGER allocation_is_append_only BEFORE UPDATE ON experiments_epochallocation
    FOR EACH ROW EXECUTE FUNCTION tiltyard_refuse_change();
"""

APPEND_ONLY_REVERSE = """
DROP TRIGGER scorecard_is_append_only ON experiments_scorecard;
DROP TRIGGER metric_is_append_only ON experiments_metric;
DROP TRIGGER epoch_is_append_only ON experiments_allocationepoch;
DROP TRIGGER allocation_is_append_only ON experiments_epochallocation;
"""


class Migration(migrations.Migration):
    dependencies = [("experiments", "0001_initial"), ("foundation", "0002_append_only_and_partitions")]

    operations = [
        migrations.RunSQL(OUTCOME, "DROP TABLE experiments_outcome"),
        migrations.RunSQL(LIFECYCLE, LIFECYCLE_REVERSE),
        migrations.RunSQL(SALTS, SALTS_REVERSE),
        migrations.RunSQL(APPEND_ONLY, APPEND_ONLY_REVERSE),
    ]

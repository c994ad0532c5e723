from django.db import migrations

APPEND_ONLY = """
CREATE TRIGGER artifacts_are_append_only BEFORE UPDATE OR DELETE ON models_registry_artifactchunk
    FOR EACH ROW EXECUTE FUNCTION tiltyard_refuse_change();
CREATE TRIGGER versions_are_append_only BEFORE UPDATE OR DELETE ON models_registry_modelversion
    FOR EACH ROW EXECUTE FUNCTION tiltyard_refuse_change();
CREATE TRIGGER moves_are_append_only BEFORE UPDATE OR DELETE ON models_registry_aliasmove
    FOR EACH ROW EXECUTE FUNCTION tiltyard_refuse_change();
"""

APPEND_ONLY_REVERSE = """
DROP TRIGGER artifacts_are_append_only ON models_registry_artifactchunk;
DROP TRIGGER versions_are_append_only ON models_registry_modelversion;
DROP TRIGGER moves_are_append_only ON models_registry_aliasmove;
"""

RUNS = """
CREATE FUNCTION tiltyard_guard_training_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('QUEUED', 'RUNNING'), ('QUEUED', 'FAILED'), ('RUNNING', 'SUCCEEDED'), ('RUNNING', 'REFUSED'),
        ('RUNNING', 'FAILED')
    ) THEN
        RAISE EXCEPTION 'a training run cannot go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.model_id, NEW.recipe, NEW.parameters, NEW.seed, NEW.data_start, NEW.data_end, NEW.margin)
       IS DISTINCT FROM
       (OLD.model_id, OLD.recipe, OLD.parameters, OLD.seed, OLD.data_start, OLD.data_end, OLD.margin) THEN
        RAISE EXCEPTION 'what a training run was asked for never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER training_run_states BEFORE UPDATE ON models_registry_trainingrun
    FOR EACH ROW EXECUTE FUNCTION tiltyard_guard_training_run();
"""

RUNS_REVERSE = """
DROP TRIGGER training_run_states ON models_registry_trainingrun;
DROP FUNCTION tiltyard_guard_training_run();
"""


class Migration(migrations.Migration):
    dependencies = [("models_registry", "0001_initial"), ("foundation", "0002_append_only_and_partitions")]

    operations = [migrations.RunSQL(APPEND_ONLY, APPEND_ONLY_REVERSE), migrations.RunSQL(RUNS, RUNS_REVERSE)]

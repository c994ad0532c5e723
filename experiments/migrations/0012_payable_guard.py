from django.db import migrations

# What changes the amount to pay does not start on persons: the launch checks tell people so, this holds for everybody.
# The lifecycle's own trigger freezes the rest of the design.
GUARD = """
CREATE FUNCTION tiltyard_guard_payable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status NOT IN ('DRAFT', 'IN_REVIEW') AND (
        (NEW.payable, NEW.blackouts, NEW.period_minutes, NEW.period_design, NEW.burn_in_minutes, NEW.periods_from,
         NEW.budget)
        IS DISTINCT FROM
        (OLD.payable, OLD.blackouts, OLD.period_minutes, OLD.period_design, OLD.burn_in_minutes, OLD.periods_from,
         OLD.budget)
    ) THEN
        RAISE EXCEPTION 'the design of an experiment is frozen at launch' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.status = 'IN_REVIEW' AND NEW.status = 'RUNNING' AND NEW.source = 'OWN' AND NEW.payable <> '' AND (
        NEW.personalised
        OR (NEW.unit_kind IN ('visitor', 'customer', 'session') AND NOT EXISTS (
            SELECT 1 FROM experiments_payableoverride WHERE experiment_id = NEW.id
        ))
    ) THEN
        RAISE EXCEPTION 'what a person pays is not tried on persons' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER experiment_payable BEFORE UPDATE ON experiments_experiment
    FOR EACH ROW EXECUTE FUNCTION tiltyard_guard_payable();
CREATE TRIGGER payable_override_is_frozen BEFORE INSERT OR UPDATE OR DELETE ON experiments_payableoverride
    FOR EACH ROW EXECUTE FUNCTION tiltyard_guard_launched('the override of the legal unit');
"""

GUARD_REVERSE = """
DROP TRIGGER payable_override_is_frozen ON experiments_payableoverride;
DROP TRIGGER experiment_payable ON experiments_experiment;
DROP FUNCTION tiltyard_guard_payable();
"""


class Migration(migrations.Migration):
    dependencies = [("experiments", "0011_payable_and_blackouts")]

    operations = [migrations.RunSQL(GUARD, GUARD_REVERSE)]

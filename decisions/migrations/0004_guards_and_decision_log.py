from django.db import migrations

# The states repeat decisions.promotion.STEPS; a test walks every pair and compares.
PROPOSALS = """
CREATE FUNCTION tiltyard_guard_proposal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('OPEN', 'PROMOTED'), ('OPEN', 'REJECTED'), ('OPEN', 'STALE'), ('PROMOTED', 'ROLLED_BACK')
    ) THEN
        RAISE EXCEPTION 'a proposal cannot go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.experiment_id, NEW.point_id, NEW.scorecard_id, NEW.winner, NEW.challenger_id, NEW.control_id, NEW.audience,
        NEW.unit_kind, NEW.bundle_version, NEW.reasons)
       IS DISTINCT FROM
       (OLD.experiment_id, OLD.point_id, OLD.scorecard_id, OLD.winner, OLD.challenger_id, OLD.control_id, OLD.audience,
        OLD.unit_kind, OLD.bundle_version, OLD.reasons) THEN
        RAISE EXCEPTION 'what a proposal rests on never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER proposal_states BEFORE UPDATE ON decisions_promotionproposal
    FOR EACH ROW EXECUTE FUNCTION tiltyard_guard_proposal();
CREATE TRIGGER proposals_are_kept BEFORE DELETE ON decisions_promotionproposal
    FOR EACH ROW EXECUTE FUNCTION tiltyard_refuse_change();
"""

PROPOSALS_REVERSE = """
DROP TRIGGER proposal_states ON decisions_promotionproposal;
DROP TRIGGER proposals_are_kept ON decisions_promotionproposal;
DROP FUNCTION tiltyard_guard_proposal();
"""

FROZEN = """
CREATE TRIGGER point_is_frozen BEFORE INSERT OR UPDATE OR DELETE ON decisions_pointexperiment
    FOR EACH ROW EXECUTE FUNCTION tiltyard_guard_launched('the decision point');
CREATE TRIGGER policies_are_frozen BEFORE INSERT OR UPDATE OR DELETE ON decisions_variantpolicy
    FOR EACH ROW EXECUTE FUNCTION tiltyard_guard_launched('policies of variants');
"""

FROZEN_REVERSE = """
DROP TRIGGER point_is_frozen ON decisions_pointexperiment;
DROP TRIGGER policies_are_frozen ON decisions_variantpolicy;
"""

# Decisions are few beside events: the indexes hold them alone, by the point they were made at and by their id.
DECISIONS = """
CREATE INDEX decisions_eventlog_decisions
    ON decisions_eventlog (project_id, (properties->>'decision_point'), received_at) WHERE kind = 'decision';
CREATE INDEX decisions_eventlog_decision ON decisions_eventlog (project_id, message_id) WHERE kind = 'decision';
"""

DECISIONS_REVERSE = "DROP INDEX decisions_eventlog_decisions; DROP INDEX decisions_eventlog_decision;"


class Migration(migrations.Migration):
    dependencies = [
        ("decisions", "0003_decision_points_and_promotions"),
        ("experiments", "0002_lifecycle_and_outcomes"),
        ("foundation", "0002_append_only_and_partitions"),
    ]

    operations = [
        migrations.RunSQL(PROPOSALS, PROPOSALS_REVERSE),
        migrations.RunSQL(FROZEN, FROZEN_REVERSE),
        migrations.RunSQL(DECISIONS, DECISIONS_REVERSE),
    ]

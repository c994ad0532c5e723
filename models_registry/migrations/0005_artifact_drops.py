import django.contrib.postgres.functions
from django.db import migrations, models

# The default of dropped_at is when the transaction began, so that equal times mean the same transaction.
GUARD = """
DROP TRIGGER artifacts_are_append_only ON models_registry_artifactchunk;
CREATE FUNCTION tiltyard_guard_artifact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'the bytes of an artifact never change' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (
        SELECT FROM models_registry_artifactdrop WHERE sha256 = OLD.sha256 AND dropped_at = transaction_timestamp()
    ) THEN
        RAISE EXCEPTION 'an artifact goes only in the transaction that notes it as dropped'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (
        SELECT FROM models_registry_modelversion version
        JOIN models_registry_alias alias
            ON alias.holders @> jsonb_build_array(jsonb_build_object('version', version.id))
        WHERE version.sha256 = OLD.sha256
    ) THEN
        RAISE EXCEPTION 'the artifact of a version that holds an alias is never dropped'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER artifacts_are_append_only BEFORE UPDATE OR DELETE ON models_registry_artifactchunk
    FOR EACH ROW EXECUTE FUNCTION tiltyard_guard_artifact();
CREATE TRIGGER drops_are_append_only BEFORE UPDATE OR DELETE ON models_registry_artifactdrop
    FOR EACH ROW EXECUTE FUNCTION tiltyard_refuse_change();
CREATE FUNCTION tiltyard_version_has_artifact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The lock waits for whoever is about to drop the same bytes.
    PERFORM FROM models_registry_artifactchunk WHERE sha256 = NEW.sha256 FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a version needs its artifact' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER versions_have_artifacts BEFORE INSERT ON models_registry_modelversion
    FOR EACH ROW EXECUTE FUNCTION tiltyard_version_has_artifact();
"""

GUARD_REVERSE = """
DROP TRIGGER versions_have_artifacts ON models_registry_modelversion;
DROP FUNCTION tiltyard_version_has_artifact();
DROP TRIGGER drops_are_append_only ON models_registry_artifactdrop;
DROP TRIGGER artifacts_are_append_only ON models_registry_artifactchunk;
DROP FUNCTION tiltyard_guard_artifact();
CREATE TRIGGER artifacts_are_append_only BEFORE UPDATE OR DELETE ON models_registry_artifactchunk
    FOR EACH ROW EXECUTE FUNCTION tiltyard_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("models_registry", "0004_drift_checks"),
        ("foundation", "0002_append_only_and_partitions"),
    ]

    operations = [
        migrations.CreateModel(
            name="ArtifactDrop",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sha256", models.CharField(db_index=True, max_length=64, verbose_name="SHA-256")),
                ("size", models.PositiveIntegerField(verbose_name="bytes")),
                ("actor", models.CharField(max_length=150, verbose_name="who")),
                ("reason", models.TextField(verbose_name="reason")),
                (
                    "dropped_at",
                    models.DateTimeField(
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        editable=False,
                        verbose_name="dropped",
                    ),
                ),
            ],
            options={
                "verbose_name": "dropped artifact",
                "verbose_name_plural": "dropped artifacts",
                "ordering": ["-id"],
            },
        ),
        migrations.RunSQL(GUARD, GUARD_REVERSE),
    ]

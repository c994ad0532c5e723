import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


_GUARD = """
CREATE OR REPLACE FUNCTION tiltyard_guard_training_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('QUEUED', 'RUNNING'), ('QUEUED', 'FAILED'), ('RUNNING', 'SUCCEEDED'), ('RUNNING', 'REFUSED'),
        ('RUNNING', 'FAILED'){more_steps}
    ) THEN
        RAISE EXCEPTION 'a training run cannot go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.model_id, NEW.recipe, NEW.parameters, NEW.seed, NEW.data_start, NEW.data_end, NEW.margin{new})
       IS DISTINCT FROM
       (OLD.model_id, OLD.recipe, OLD.parameters, OLD.seed, OLD.data_start, OLD.data_end, OLD.margin{old}) THEN
        RAISE EXCEPTION 'what a training run was asked for never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
RUNS = _GUARD.format(
    more_steps=", ('QUEUED', 'CANCELLED'), ('RUNNING', 'CANCELLED')",
    new=", NEW.search, NEW.rule, NEW.data_policy, NEW.schedule_id, NEW.cause",
    old=", OLD.search, OLD.rule, OLD.data_policy, OLD.schedule_id, OLD.cause",
)
RUNS_REVERSE = _GUARD.format(more_steps="", new="", old="")

SCHEDULES = """
CREATE FUNCTION tiltyard_guard_schedule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.model_id, NEW.key, NEW.recipe, NEW.parameters, NEW.search, NEW.gate, NEW.data_policy, NEW.window_days,
        NEW.every_hours, NEW.drift)
       IS DISTINCT FROM
       (OLD.model_id, OLD.key, OLD.recipe, OLD.parameters, OLD.search, OLD.gate, OLD.data_policy, OLD.window_days,
        OLD.every_hours, OLD.drift) THEN
        RAISE EXCEPTION 'what a training schedule trains never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER schedule_is_what_it_is BEFORE UPDATE ON models_registry_trainingschedule
    FOR EACH ROW EXECUTE FUNCTION tiltyard_guard_schedule();
"""

SCHEDULES_REVERSE = """
DROP TRIGGER schedule_is_what_it_is ON models_registry_trainingschedule;
DROP FUNCTION tiltyard_guard_schedule();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("models_registry", "0002_immutable_versions"),
    ]

    operations = [
        migrations.CreateModel(
            name="TrainingSchedule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9][a-z0-9._-]{0,63}$",
                                "Use 1 to 64 lower-case letters, digits, dots, dashes or underscores, starting with a letter or digit.",
                            )
                        ],
                        verbose_name="key",
                    ),
                ),
                ("recipe", models.CharField(max_length=64, verbose_name="recipe")),
                ("parameters", models.JSONField(blank=True, default=dict, verbose_name="parameters")),
                ("search", models.JSONField(blank=True, default=dict, verbose_name="search")),
                ("gate", models.JSONField(blank=True, default=dict, verbose_name="gate")),
                (
                    "data_policy",
                    models.CharField(
                        choices=[
                            ("pooled", "All traffic"),
                            ("own_arm", "Only what its own arm showed"),
                            ("weighted", "All traffic, weighted by how likely the own arm was to show it"),
                        ],
                        default="pooled",
                        max_length=10,
                        verbose_name="training data",
                    ),
                ),
                ("window_days", models.PositiveSmallIntegerField(default=28, verbose_name="days of data")),
                ("every_hours", models.PositiveIntegerField(default=24, verbose_name="every so many hours")),
                ("drift", models.JSONField(blank=True, default=dict, verbose_name="drift bounds")),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                ("due_at", models.DateTimeField(blank=True, null=True, verbose_name="next due")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="created"
                    ),
                ),
            ],
            options={
                "verbose_name": "training schedule",
                "verbose_name_plural": "training schedules",
                "ordering": ["-id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="trainingrun",
            name="run_finished_when_it_ended",
        ),
        migrations.AddField(
            model_name="trainingrun",
            name="cause",
            field=models.CharField(
                choices=[("PERSON", "Asked for"), ("SCHEDULE", "Scheduled"), ("DRIFT", "Drift")],
                default="PERSON",
                max_length=10,
                verbose_name="cause",
            ),
        ),
        migrations.AddField(
            model_name="trainingrun",
            name="data_policy",
            field=models.CharField(
                choices=[
                    ("pooled", "All traffic"),
                    ("own_arm", "Only what its own arm showed"),
                    ("weighted", "All traffic, weighted by how likely the own arm was to show it"),
                ],
                default="pooled",
                max_length=10,
                verbose_name="training data",
            ),
        ),
        migrations.AddField(
            model_name="trainingrun",
            name="is_cancelled",
            field=models.BooleanField(default=False, editable=False, verbose_name="to be cancelled"),
        ),
        migrations.AddField(
            model_name="trainingrun",
            name="rule",
            field=models.JSONField(blank=True, default=dict, verbose_name="gate rule"),
        ),
        migrations.AddField(
            model_name="trainingrun",
            name="search",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="Values to try of each parameter; empty for none.",
                verbose_name="search",
            ),
        ),
        migrations.AddField(
            model_name="trainingrun",
            name="trials",
            field=models.JSONField(blank=True, default=list, editable=False, verbose_name="trials"),
        ),
        migrations.AddField(
            model_name="trainingrun",
            name="trigger",
            field=models.JSONField(blank=True, default=dict, verbose_name="what caused it"),
        ),
        migrations.AlterField(
            model_name="modelversion",
            name="kind",
            field=models.CharField(
                choices=[
                    ("popularity", "Popularity"),
                    ("item_item", "Item to item"),
                    ("ranking_network", "Ranking network"),
                    ("two_tower", "Two towers"),
                    ("ease", "EASE"),
                    ("factors", "Matrix factors"),
                    ("hashed_logistic", "Logistic on hashed features"),
                    ("hashed_network", "Network on hashed features"),
                ],
                max_length=20,
                verbose_name="predictor",
            ),
        ),
        migrations.AlterField(
            model_name="trainingrun",
            name="state",
            field=models.CharField(
                choices=[
                    ("QUEUED", "Waiting"),
                    ("RUNNING", "Training"),
                    ("SUCCEEDED", "Registered"),
                    ("REFUSED", "Refused by the gate"),
                    ("FAILED", "Failed"),
                    ("CANCELLED", "Cancelled"),
                ],
                default="QUEUED",
                max_length=9,
                verbose_name="state",
            ),
        ),
        migrations.AddField(
            model_name="trainingschedule",
            name="model",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="schedules",
                to="models_registry.registeredmodel",
                verbose_name="model",
            ),
        ),
        migrations.AddField(
            model_name="trainingrun",
            name="schedule",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="runs",
                to="models_registry.trainingschedule",
                verbose_name="schedule",
            ),
        ),
        migrations.AddConstraint(
            model_name="trainingrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", True), ("state__in", ["QUEUED", "RUNNING"])),
                    models.Q(
                        ("finished_at__isnull", False), ("state__in", ["SUCCEEDED", "REFUSED", "FAILED", "CANCELLED"])
                    ),
                    _connector="OR",
                ),
                name="run_finished_when_it_ended",
            ),
        ),
        migrations.AddConstraint(
            model_name="trainingschedule",
            constraint=models.UniqueConstraint(fields=("model", "key"), name="training_schedule_key"),
        ),
        migrations.AddConstraint(
            model_name="trainingschedule",
            constraint=models.CheckConstraint(
                condition=models.Q(("every_hours__gte", 1), ("window_days__gte", 1)), name="training_schedule_bounds"
            ),
        ),
        migrations.RunSQL(RUNS, RUNS_REVERSE),
        migrations.RunSQL(SCHEDULES, SCHEDULES_REVERSE),
    ]

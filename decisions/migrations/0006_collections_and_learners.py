import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


APPEND_ONLY = """
CREATE TRIGGER learner_states_are_append_only BEFORE UPDATE OR DELETE ON decisions_learnerstate
    FOR EACH ROW EXECUTE FUNCTION tiltyard_refuse_change();
"""

APPEND_ONLY_REVERSE = "DROP TRIGGER learner_states_are_append_only ON decisions_learnerstate;"

LEARNERS = """
CREATE FUNCTION tiltyard_guard_learner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.point_id, NEW.key, NEW.kind, NEW.reward, NEW.floor, NEW.holdback, NEW.settings, NEW.salt)
       IS DISTINCT FROM
       (OLD.point_id, OLD.key, OLD.kind, OLD.reward, OLD.floor, OLD.holdback, OLD.settings, OLD.salt)
       AND EXISTS (SELECT 1 FROM decisions_learnerstate WHERE learner_id = OLD.id) THEN
        RAISE EXCEPTION 'what a learning policy is does not change once it has a state'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER learner_is_what_it_is BEFORE UPDATE ON decisions_learner
    FOR EACH ROW EXECUTE FUNCTION tiltyard_guard_learner();
"""

LEARNERS_REVERSE = """
DROP TRIGGER learner_is_what_it_is ON decisions_learner;
DROP FUNCTION tiltyard_guard_learner();
"""


def keep_what_is_published(apps, _editor):
    """Carry over what bundles name: an edge that starts meanwhile needs it."""
    published = apps.get_model("decisions", "PublishedCatalogue")
    for row in apps.get_model("decisions", "CatalogueState").objects.all():
        published.objects.create(
            project_id=row.project_id, sha256=row.sha256, size=row.size, items=row.items, published_at=row.published_at
        )


class Migration(migrations.Migration):
    dependencies = [
        ("decisions", "0005_intake"),
        ("experiments", "0010_exposures_by_receipt"),
        ("foundation", "0002_append_only_and_partitions"),
        ("models_registry", "0003_schedules_and_searches"),
    ]

    operations = [
        migrations.CreateModel(
            name="CampaignPace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("campaign", models.CharField(max_length=200, verbose_name="campaign")),
                ("experiment_id", models.BigIntegerField(default=0, verbose_name="experiment")),
                ("variant", models.CharField(blank=True, default="", max_length=64, verbose_name="variant")),
                ("day", models.DateField(verbose_name="day")),
                ("budget", models.BigIntegerField(verbose_name="budget")),
                ("spent", models.BigIntegerField(default=0, verbose_name="spent")),
                ("multiplier", models.FloatField(default=0.0, verbose_name="multiplier")),
                ("updated_at", models.DateTimeField(verbose_name="updated")),
            ],
            options={
                "verbose_name": "pace of a campaign",
                "verbose_name_plural": "paces of campaigns",
            },
        ),
        migrations.CreateModel(
            name="CatalogueFeed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("collection", models.CharField(default="items", max_length=32, verbose_name="collection")),
                ("url", models.URLField(max_length=1000, verbose_name="address")),
                ("every_minutes", models.PositiveIntegerField(default=60, verbose_name="every so many minutes")),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                ("etag", models.CharField(blank=True, default="", editable=False, max_length=500)),
                ("pulled_at", models.DateTimeField(editable=False, null=True, verbose_name="last pulled")),
                (
                    "outcome",
                    models.JSONField(blank=True, default=dict, editable=False, verbose_name="what the last pull gave"),
                ),
            ],
            options={
                "verbose_name": "catalogue feed",
                "verbose_name_plural": "catalogue feeds",
            },
        ),
        migrations.CreateModel(
            name="CatalogueFreshness",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("collection", models.CharField(default="items", max_length=32, verbose_name="collection")),
                ("fresh_at", models.DateTimeField(verbose_name="confirmed")),
            ],
            options={
                "verbose_name": "freshness of a catalogue",
                "verbose_name_plural": "freshness of catalogues",
            },
        ),
        migrations.CreateModel(
            name="Learner",
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
                ("name", models.CharField(max_length=200, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("beta", "Thompson sampling, one rate for each action"),
                            ("linear", "Thompson sampling, linear in features of the action"),
                            ("logistic", "Thompson sampling, logistic in features of the action"),
                        ],
                        max_length=20,
                        verbose_name="kind",
                    ),
                ),
                ("reward", models.CharField(max_length=32, verbose_name="reward")),
                (
                    "floor",
                    models.FloatField(
                        default=0.05,
                        help_text="Share of decisions that are spread evenly over all actions.",
                        verbose_name="exploration floor",
                    ),
                ),
                (
                    "holdback",
                    models.FloatField(
                        default=0.05,
                        help_text="Share of units that always get the baseline, to compare with.",
                        verbose_name="control holdback",
                    ),
                ),
                (
                    "update_minutes",
                    models.PositiveIntegerField(default=1440, verbose_name="learns every so many minutes"),
                ),
                ("settings", models.JSONField(blank=True, default=dict, verbose_name="settings")),
                ("salt", models.CharField(editable=False, max_length=64)),
                ("is_learning", models.BooleanField(default=True, verbose_name="learns")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="created"
                    ),
                ),
            ],
            options={
                "verbose_name": "learning policy",
                "verbose_name_plural": "learning policies",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="LearnerState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("batch", models.CharField(max_length=100, verbose_name="batch")),
                ("rewards_from", models.DateTimeField(null=True, verbose_name="decisions from")),
                ("rewards_until", models.DateTimeField(null=True, verbose_name="decisions until")),
                ("rows", models.PositiveIntegerField(default=0, verbose_name="actions folded in")),
                ("rewards_sha256", models.CharField(default="", max_length=64)),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("seal", models.CharField(editable=False, max_length=64)),
                ("content", models.BinaryField()),
                ("figures", models.JSONField(default=dict, verbose_name="figures")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="learnt"
                    ),
                ),
            ],
            options={
                "verbose_name": "state of a learning policy",
                "verbose_name_plural": "states of learning policies",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="PublishedCatalogue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("collection", models.CharField(default="items", max_length=32, verbose_name="collection")),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.PositiveIntegerField()),
                ("items", models.PositiveIntegerField(verbose_name="items")),
                ("published_at", models.DateTimeField(verbose_name="published")),
            ],
            options={
                "verbose_name": "published catalogue",
                "verbose_name_plural": "published catalogues",
            },
        ),
        migrations.RemoveConstraint(
            model_name="item",
            name="item_id",
        ),
        migrations.RemoveConstraint(
            model_name="variantpolicy",
            name="policy_has_what_it_needs",
        ),
        migrations.AddField(
            model_name="decisionpoint",
            name="most_age_minutes",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Minutes since the shop last sent its catalogue; then the baseline answers. Empty: any age.",
                null=True,
                verbose_name="data may be so old",
            ),
        ),
        migrations.AddField(
            model_name="item",
            name="collection",
            field=models.CharField(default="items", max_length=32, verbose_name="collection"),
        ),
        migrations.AddField(
            model_name="item",
            name="properties",
            field=models.JSONField(blank=True, default=dict, verbose_name="properties"),
        ),
        migrations.AddField(
            model_name="variantpolicy",
            name="schedule",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="models_registry.trainingschedule",
                verbose_name="training schedule",
            ),
        ),
        migrations.AlterField(
            model_name="variantpolicy",
            name="policy",
            field=models.CharField(
                choices=[
                    ("baseline", "Baseline (no model)"),
                    ("fixed", "Fixed actions"),
                    ("model_ranked", "Ranked by a model version"),
                    ("recipe", "Ranked by the newest version of a schedule"),
                    ("learned", "Learning policy"),
                ],
                max_length=20,
                verbose_name="policy",
            ),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.UniqueConstraint(fields=("project", "collection", "item_id"), name="item_id"),
        ),
        migrations.AddField(
            model_name="campaignpace",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="foundation.project",
                verbose_name="project",
            ),
        ),
        migrations.AddField(
            model_name="cataloguefeed",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="foundation.project",
                verbose_name="project",
            ),
        ),
        migrations.AddField(
            model_name="cataloguefreshness",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="foundation.project",
                verbose_name="project",
            ),
        ),
        migrations.AddField(
            model_name="learner",
            name="point",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="learners",
                to="decisions.decisionpoint",
                verbose_name="decision point",
            ),
        ),
        migrations.AddField(
            model_name="decisionpoint",
            name="learner",
            field=models.ForeignKey(
                blank=True,
                help_text="Serves all traffic outside experiments in place of the champion, but for its control holdback.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="decisions.learner",
                verbose_name="learning policy",
            ),
        ),
        migrations.AddField(
            model_name="variantpolicy",
            name="learner",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="decisions.learner",
                verbose_name="learning policy",
            ),
        ),
        migrations.AddConstraint(
            model_name="variantpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(("learner__isnull", True), ("schedule__isnull", True)),
                        ("actions", []),
                        ("policy", "model_ranked"),
                        ("version__isnull", False),
                    ),
                    models.Q(
                        models.Q(("learner__isnull", True), ("schedule__isnull", True)),
                        ("actions__len__gt", 0),
                        ("policy", "fixed"),
                        ("version__isnull", True),
                    ),
                    models.Q(
                        models.Q(("learner__isnull", True), ("schedule__isnull", True)),
                        ("actions", []),
                        ("policy", "baseline"),
                        ("version__isnull", True),
                    ),
                    models.Q(
                        ("actions", []),
                        ("learner__isnull", True),
                        ("policy", "recipe"),
                        ("schedule__isnull", False),
                        ("version__isnull", True),
                    ),
                    models.Q(
                        ("actions", []), ("learner__isnull", False), ("policy", "learned"), ("schedule__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="policy_has_what_it_needs",
            ),
        ),
        migrations.AddField(
            model_name="learnerstate",
            name="learner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="states",
                to="decisions.learner",
                verbose_name="learning policy",
            ),
        ),
        migrations.AddField(
            model_name="publishedcatalogue",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="foundation.project",
                verbose_name="project",
            ),
        ),
        migrations.RunPython(keep_what_is_published, migrations.RunPython.noop),
        migrations.DeleteModel(
            name="CatalogueState",
        ),
        migrations.AddConstraint(
            model_name="campaignpace",
            constraint=models.UniqueConstraint(
                fields=("project", "campaign", "experiment_id", "variant", "day"), name="campaign_pace"
            ),
        ),
        migrations.AddConstraint(
            model_name="campaignpace",
            constraint=models.CheckConstraint(
                condition=models.Q(("budget__gte", 0), ("multiplier__gte", 0.0), ("spent__gte", 0)),
                name="campaign_pace_bounds",
            ),
        ),
        migrations.AddConstraint(
            model_name="cataloguefeed",
            constraint=models.UniqueConstraint(fields=("project", "collection"), name="catalogue_feed"),
        ),
        migrations.AddConstraint(
            model_name="cataloguefeed",
            constraint=models.CheckConstraint(
                condition=models.Q(("every_minutes__gte", 1)), name="catalogue_feed_pace"
            ),
        ),
        migrations.AddConstraint(
            model_name="cataloguefreshness",
            constraint=models.UniqueConstraint(fields=("project", "collection"), name="catalogue_freshness"),
        ),
        migrations.AddConstraint(
            model_name="learner",
            constraint=models.UniqueConstraint(fields=("point", "key"), name="learner_key"),
        ),
        migrations.AddConstraint(
            model_name="learner",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("floor__gt", 0.0),
                    ("floor__lte", 1.0),
                    ("holdback__gte", 0.01),
                    ("holdback__lte", 0.9),
                    ("update_minutes__gte", 1),
                ),
                name="learner_bounds",
            ),
        ),
        migrations.AddConstraint(
            model_name="learnerstate",
            constraint=models.UniqueConstraint(fields=("learner", "number"), name="learner_state_number"),
        ),
        migrations.AddConstraint(
            model_name="learnerstate",
            constraint=models.UniqueConstraint(fields=("learner", "batch"), name="learner_state_batch"),
        ),
        migrations.AddConstraint(
            model_name="publishedcatalogue",
            constraint=models.UniqueConstraint(fields=("project", "collection"), name="published_catalogue"),
        ),
        migrations.RunSQL(APPEND_ONLY, APPEND_ONLY_REVERSE),
        migrations.RunSQL(LEARNERS, LEARNERS_REVERSE),
    ]

"""Decision points, and what the variants of their experiments do there."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from decisions.domain import PolicyKind
from foundation.fields import validate_key

POLICY_KINDS = [
    (PolicyKind.BASELINE.value, _("Baseline (no model)")),
    (PolicyKind.FIXED.value, _("Fixed actions")),
    (PolicyKind.MODEL_RANKED.value, _("Ranked by a model version")),
    (PolicyKind.RECIPE.value, _("Ranked by the newest version of a schedule")),
    (PolicyKind.LEARNED.value, _("Learning policy")),
]

_NOTHING_ELSE = Q(schedule__isnull=True, learner__isnull=True)


class DecisionPoint(models.Model):
    """A place in the shop where a decision is asked for."""

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    key = models.CharField(_("key"), max_length=64, validators=[validate_key])
    name = models.CharField(_("name"), max_length=200)
    domain = models.CharField(_("domain"), max_length=64, validators=[validate_key])
    model = models.ForeignKey(
        "models_registry.RegisteredModel",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("model"),
        help_text=_("Its champion serves all traffic outside experiments; without one the baseline does."),
    )
    learner = models.ForeignKey(
        "decisions.Learner",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("learning policy"),
        help_text=_("Serves all traffic outside experiments in place of the champion, but for its control holdback."),
    )
    most_age_minutes = models.PositiveIntegerField(
        _("data may be so old"),
        null=True,
        blank=True,
        help_text=_("Minutes since the shop last sent its catalogue; then the baseline answers. Empty: any age."),
    )
    slate_size = models.PositiveSmallIntegerField(_("slate size"), default=20)
    deadline_ms = models.PositiveSmallIntegerField(
        _("deadline"), default=30, help_text=_("Milliseconds; then the baseline answers.")
    )
    settings = models.JSONField(
        _("settings"),
        default=dict,
        blank=True,
        help_text=_("Of the domain, by name; what is left out has its default."),
    )
    every_minutes = models.PositiveIntegerField(
        _("decides every so many minutes"),
        null=True,
        blank=True,
        help_text=_("For domains that decide in batches: 1440 is once a day, from midnight. Empty: no batches."),
    )
    webhook = models.URLField(
        _("deliver to"),
        max_length=1_000,
        default="",
        blank=True,
        help_text=_("An address of the shop that takes each batch as JSON; empty: batches are fetched."),
    )
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("decision point")
        verbose_name_plural = _("decision points")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="decision_point_key", fields=["project", "key"]),
            models.CheckConstraint(
                name="decision_point_bounds",
                condition=Q(slate_size__gte=1, slate_size__lte=1000, deadline_ms__gte=1, deadline_ms__lte=10_000),
            ),
            models.CheckConstraint(
                name="decision_point_cadence", condition=Q(every_minutes__isnull=True) | Q(every_minutes__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PointExperiment(models.Model):
    """An experiment whose variants decide at a decision point; frozen with the design, by trigger."""

    experiment = models.OneToOneField(
        "experiments.Experiment", models.CASCADE, related_name="+", verbose_name=_("experiment")
    )
    point = models.ForeignKey(
        DecisionPoint, models.PROTECT, related_name="experiments", verbose_name=_("decision point")
    )

    class Meta:
        verbose_name = _("experiment at a decision point")
        verbose_name_plural = _("experiments at decision points")

    def __str__(self) -> str:
        return f"{self.point}: {self.experiment}"


class VariantPolicy(models.Model):
    """What a variant does: the baseline, fixed actions, a pinned version, a schedule's newest, or a learning policy.

    Frozen with the design.
    """

    experiment = models.ForeignKey("experiments.Experiment", models.CASCADE, related_name="+")
    variant = models.OneToOneField("experiments.Variant", models.CASCADE, related_name="+", verbose_name=_("variant"))
    policy = models.CharField(_("policy"), max_length=20, choices=POLICY_KINDS)
    version = models.ForeignKey(
        "models_registry.ModelVersion",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("model version"),
    )
    schedule = models.ForeignKey(
        "models_registry.TrainingSchedule",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("training schedule"),
    )
    learner = models.ForeignKey(
        "decisions.Learner",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("learning policy"),
    )
    actions = ArrayField(models.CharField(max_length=200), verbose_name=_("fixed actions"), default=list, blank=True)

    class Meta:
        verbose_name = _("policy of a variant")
        verbose_name_plural = _("policies of variants")
        constraints = [
            models.CheckConstraint(
                name="policy_has_what_it_needs",
                condition=Q(_NOTHING_ELSE, policy="model_ranked", version__isnull=False, actions=[])
                | Q(_NOTHING_ELSE, policy="fixed", version__isnull=True, actions__len__gt=0)
                | Q(_NOTHING_ELSE, policy="baseline", version__isnull=True, actions=[])
                | Q(policy="recipe", schedule__isnull=False, learner__isnull=True, version__isnull=True, actions=[])
                | Q(policy="learned", learner__isnull=False, schedule__isnull=True, actions=[]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.variant}: {self.policy}"

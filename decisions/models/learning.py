"""Learning policies, the states they went through, and how budgets are paced."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from decisions.learning import LearnerKind
from foundation.fields import validate_key

LEARNER_KINDS = [
    (LearnerKind.BETA.value, _("Thompson sampling, one rate for each action")),
    (LearnerKind.LINEAR.value, _("Thompson sampling, linear in features of the action")),
    (LearnerKind.LOGISTIC.value, _("Thompson sampling, logistic in features of the action")),
    (LearnerKind.DEMAND.value, _("Thompson sampling of demand at each price of an item")),
]


class Learner(models.Model):
    """A learning policy at a decision point. What it is never changes once it has learnt anything (by trigger).

    floor: the least probability of every eligible action is floor divided by their number, added. holdback: share of
    units that always get the baseline. reward: one of the domain's. settings: prior and discount. salt: of its draws.
    """

    point = models.ForeignKey(
        "decisions.DecisionPoint", models.PROTECT, related_name="learners", verbose_name=_("decision point")
    )
    key = models.CharField(_("key"), max_length=64, validators=[validate_key])
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=20, choices=LEARNER_KINDS)
    reward = models.CharField(_("reward"), max_length=32)
    floor = models.FloatField(
        _("exploration floor"), default=0.05, help_text=_("Share of decisions that are spread evenly over all actions.")
    )
    holdback = models.FloatField(
        _("control holdback"),
        default=0.05,
        help_text=_("Share of units that always get the baseline, to compare with."),
    )
    update_minutes = models.PositiveIntegerField(_("learns every so many minutes"), default=1_440)
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    salt = models.CharField(max_length=64, editable=False)
    is_learning = models.BooleanField(_("learns"), default=True)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("learning policy")
        verbose_name_plural = _("learning policies")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="learner_key", fields=["point", "key"]),
            models.CheckConstraint(
                name="learner_bounds",
                condition=Q(
                    floor__gt=0.0, floor__lte=1.0, holdback__gte=0.01, holdback__lte=0.9, update_minutes__gte=1
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class LearnerState(models.Model):
    """What a learner knew after a batch of rewards; append-only by trigger.

    number counts from 0, the prior, without gaps. batch names the rewards that were folded in: those of decisions made
    in [rewards_from, rewards_until), project time. rewards_sha256 is of the rows as they were folded in, sha256 of the
    state; equal priors and batches give equal states.
    """

    learner = models.ForeignKey(Learner, models.PROTECT, related_name="states", verbose_name=_("learning policy"))
    number = models.PositiveIntegerField(_("number"))
    batch = models.CharField(_("batch"), max_length=100)
    rewards_from = models.DateTimeField(_("decisions from"), null=True)
    rewards_until = models.DateTimeField(_("decisions until"), null=True)
    rows = models.PositiveIntegerField(_("actions folded in"), default=0)
    rewards_sha256 = models.CharField(max_length=64, default="")
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    seal = models.CharField(max_length=64, editable=False)
    content = models.BinaryField(editable=False)
    figures = models.JSONField(_("figures"), default=dict)
    created_at = models.DateTimeField(_("learnt"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("state of a learning policy")
        verbose_name_plural = _("states of learning policies")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="learner_state_number", fields=["learner", "number"]),
            models.UniqueConstraint(name="learner_state_batch", fields=["learner", "batch"]),
        ]

    def __str__(self) -> str:
        return f"{self.learner} #{self.number}"


class CampaignPace(models.Model):
    """How a campaign's budget of a day is spent: divided among the variants of a budget split, "" outside of one.

    Money in millionths of the currency. multiplier: by which values are divided, less one (0 is unpaced).
    """

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    campaign = models.CharField(_("campaign"), max_length=200)
    experiment_id = models.BigIntegerField(_("experiment"), default=0)
    variant = models.CharField(_("variant"), max_length=64, default="", blank=True)
    day = models.DateField(_("day"))
    budget = models.BigIntegerField(_("budget"))
    spent = models.BigIntegerField(_("spent"), default=0)
    multiplier = models.FloatField(_("multiplier"), default=0.0)
    updated_at = models.DateTimeField(_("updated"))

    class Meta:
        verbose_name = _("pace of a campaign")
        verbose_name_plural = _("paces of campaigns")
        constraints = [
            models.UniqueConstraint(
                name="campaign_pace", fields=["project", "campaign", "experiment_id", "variant", "day"]
            ),
            models.CheckConstraint(
                name="campaign_pace_bounds", condition=Q(budget__gte=0, spent__gte=0, multiplier__gte=0.0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} {self.day}"

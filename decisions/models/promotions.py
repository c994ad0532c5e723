"""Proposals to make a challenger the champion."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from decisions.models.points import DecisionPoint
from decisions.promotion import ProposalState

PROPOSAL_STATES = [
    (ProposalState.OPEN.value, _("Waiting for approval")),
    (ProposalState.PROMOTED.value, _("Promoted")),
    (ProposalState.REJECTED.value, _("Rejected")),
    (ProposalState.STALE.value, _("Out of date")),
    (ProposalState.ROLLED_BACK.value, _("Rolled back")),
]


class PromotionProposal(models.Model):
    """What the evidence of one experiment proposes; a trigger keeps its states in order.

    It cites the scorecard and the bundle it rests on, and holds for the audience and the unit that were tested.
    """

    experiment = models.OneToOneField(
        "experiments.Experiment", models.PROTECT, related_name="+", verbose_name=_("experiment")
    )
    point = models.ForeignKey(DecisionPoint, models.PROTECT, related_name="proposals", verbose_name=_("decision point"))
    scorecard = models.ForeignKey(
        "experiments.Scorecard", models.PROTECT, related_name="+", verbose_name=_("scorecard")
    )
    winner = models.CharField(_("winning variant"), max_length=64)
    challenger = models.ForeignKey(
        "models_registry.ModelVersion", models.PROTECT, related_name="+", verbose_name=_("challenger")
    )
    control = models.ForeignKey(
        "models_registry.ModelVersion", models.PROTECT, null=True, related_name="+", verbose_name=_("champion tested")
    )
    audience = models.JSONField(_("audience"), null=True)
    unit_kind = models.CharField(_("randomization unit"), max_length=10)
    bundle_version = models.BigIntegerField(_("bundle"), null=True)
    reasons = models.JSONField(_("reasons"), default=list)
    state = models.CharField(_("state"), max_length=11, choices=PROPOSAL_STATES, default=ProposalState.OPEN.value)
    created_at = models.DateTimeField(_("proposed"), db_default=Now())
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.CharField(_("decided by"), max_length=150, default="", blank=True)
    decision_reason = models.TextField(_("reason"), default="", blank=True)
    promotion = models.OneToOneField(
        "models_registry.AliasMove", models.PROTECT, null=True, related_name="+", verbose_name=_("promotion")
    )
    rollback = models.OneToOneField(
        "models_registry.AliasMove", models.PROTECT, null=True, related_name="+", verbose_name=_("rollback")
    )

    class Meta:
        verbose_name = _("promotion proposal")
        verbose_name_plural = _("promotion proposals")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="proposal_decided_by_somebody",
                condition=Q(state__in=["OPEN", "STALE"]) | (Q(decided_at__isnull=False) & ~Q(decided_by="")),
            ),
            models.CheckConstraint(
                name="proposal_promoted_with_a_move",
                condition=~Q(state__in=["PROMOTED", "ROLLED_BACK"]) | Q(promotion__isnull=False),
            ),
            models.CheckConstraint(
                name="proposal_rolled_back_with_a_move", condition=~Q(state="ROLLED_BACK") | Q(rollback__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.experiment}: {self.challenger}"

"""The form of a new learning policy: what it learns from is offered by domain."""

from collections.abc import Iterable
from typing import Any, Final, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from decisions.actions.learners import LARGEST_HOLDBACK, LEAST_HOLDBACK
from decisions.admin.trainings import ObjectField
from decisions.domain import Domain, PolicyKind
from decisions.models import DecisionPoint, Learner
from decisions.queries.points import PointUnknown, point_by_id
from decisions.registry import all_domains
from decisions.reports.domains import domain_name
from decisions.reports.learner_wording import KINDS, reward_words
from foundation.admin_base import choice_field, row_id, text_input
from foundation.admin_fields import PercentField

LONGEST_PACE: Final = 60 * 24 * 31
"""Minutes: a month."""


class LearnerForm(forms.ModelForm):  # type: ignore[type-arg]
    """A learning policy to make; rewards are offered by domain, since a decision point's domain says what they are."""

    floor = PercentField(
        label=gettext_lazy("Exploration floor, per cent"),
        max_value=100,
        initial=0.05,
        help_text=gettext_lazy("Share of its decisions that is spread evenly over all actions, so that each is tried."),
    )
    holdback = PercentField(
        label=gettext_lazy("Control holdback, per cent"),
        initial=0.05,
        help_text=gettext_lazy("Share of shoppers who always get the baseline, for as long as the policy exists."),
    )
    update_minutes = forms.IntegerField(
        label=gettext_lazy("Learns every so many minutes"),
        min_value=1,
        max_value=LONGEST_PACE,
        initial=1_440,
        widget=text_input(),
        help_text=gettext_lazy("Of the shop's time. Rewards whose time is not over yet wait for a later turn."),
    )
    settings = ObjectField(
        label=gettext_lazy("Settings"),
        initial=dict,
        help_text=gettext_lazy(
            'Prior and forgetting, such as {"prior_rewards": 1, "prior_misses": 19, "discount": 0.99}. Empty: as usual.'
        ),
    )

    class Meta:
        model = Learner
        fields = ["point", "key", "name", "kind", "reward", "floor", "holdback", "update_minutes", "settings"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "point" not in self.fields:
            return
        field = cast("forms.ModelChoiceField[Any]", self.fields["point"])
        learning = [domain for domain in all_domains().values() if PolicyKind.LEARNED in domain.policies]
        field.queryset = DecisionPoint.objects.filter(domain__in=[domain.key for domain in learning])
        named = self.initial.get("point")
        self.fields["kind"] = choice_field(label=_("How it learns"), choices=_kinds(_of_point(named, learning)))
        self.fields["reward"] = choice_field(
            label=_("What it learns from"),
            choices=_rewards(_of_point(named, learning)),
            help_text=_(
                "What counts as a reward of an action that was shown; the sooner it comes, the faster it learns."
            ),
        )

    def clean_holdback(self) -> float:
        """Return the share, if it is one that leaves somebody on both sides."""
        share = float(self.cleaned_data["holdback"])
        if not LEAST_HOLDBACK <= share <= LARGEST_HOLDBACK:
            raise forms.ValidationError(_("Hold back from 1 to 90 per cent of the shoppers."))
        return share

    def clean_floor(self) -> float:
        """Return the share, if it is above 0."""
        share = float(self.cleaned_data["floor"])
        if share <= 0.0:
            raise forms.ValidationError(_("Without a floor nothing new is ever tried: write more than 0."))
        return share

    def clean(self) -> dict[str, Any]:
        """Return the values, the reward by its name alone, if it is one of the decision point's domain."""
        values = super().clean() or {}
        point, chosen = values.get("point"), str(values.get("reward") or "")
        domain, _separator, reward = chosen.partition(":")
        if point is not None and reward:
            if domain != point.domain:
                said = {"domain": domain_name(point.domain), "other": domain_name(domain)}
                self.add_error(
                    "reward", _("The decision point is of %(domain)s; this is a reward of %(other)s.") % said
                )
            values["reward"] = reward
        return values


def _of_point(point_id: object, learning: list[Domain]) -> list[Domain]:
    """Return the domain of a decision point, or every one where none is named."""
    try:
        domain = point_by_id(row_id(point_id)).domain
    except PointUnknown:
        return learning
    return [found for found in learning if found.key == domain] or learning


def _kinds(domains: list[Domain]) -> list[Any]:
    """Return how the learning policies of any of these domains may learn."""
    offered = {kind.value for domain in domains for kind in domain.learners}
    return [(kind, told) for kind, told in KINDS.items() if kind in offered]


def _rewards(domains: Iterable[Domain]) -> list[Any]:
    return [
        (domain_name(domain.key), [(f"{domain.key}:{reward.name}", reward_words(reward)) for reward in domain.rewards])
        for domain in domains
        if domain.rewards
    ]

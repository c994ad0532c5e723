"""The forms that ask for trainings: one now, or again and again."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from decisions.registry import all_domains
from decisions.reports.domains import recipe_words
from foundation.admin_base import DialogForm, choice_field, decimal_input, row_id, text_area, text_input
from foundation.fields import validate_key
from models_registry.actions.schedules import LONGEST_CADENCE_HOURS, ScheduleDraft
from models_registry.actions.training import TrainingOrder
from models_registry.queries.versions import ModelUnknown, model_by_id
from models_registry.vocabulary import DataPolicy

LONGEST_WINDOW: Final = 400
DRIFT_BOUNDS: Final = {"psi": 0.2, "metric_drop": 0.2, "calibration": 0.2}
"""What a new schedule begins with; 0.2 is the customary bound of a population stability index that calls for action."""

DATA_POLICIES: Final = [
    (DataPolicy.POOLED.value, gettext_lazy("All traffic")),
    (DataPolicy.OWN_ARM.value, gettext_lazy("Only what its own arm showed")),
    (DataPolicy.WEIGHTED.value, gettext_lazy("All traffic, weighted by how likely the own arm was to show it")),
]


class ObjectField(forms.JSONField):
    """A JSON object; empty is an object without entries."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=text_area(rows=2), **options)

    def clean(self, value: Any) -> dict[str, Any]:
        """Return the object. Raises ValidationError."""
        found = super().clean(value)
        if found is None or found == "":
            return {}
        if not isinstance(found, Mapping):
            raise ValidationError(_("Write a JSON object, such as {}."))
        return dict(found)


class RecipeForm(DialogForm):
    """A recipe of the model's domain, on how many days of its log, by which rule the result is accepted."""

    days = forms.IntegerField(
        label=gettext_lazy("Days of the log to learn from"),
        min_value=1,
        max_value=LONGEST_WINDOW,
        initial=28,
        widget=text_input(),
        help_text=gettext_lazy("Those before now. The latest fifth of them is kept to judge by."),
    )
    margin = forms.FloatField(
        label=gettext_lazy("Gate margin"),
        min_value=0.0,
        max_value=1.0,
        initial=0.0,
        widget=decimal_input(),
        help_text=gettext_lazy(
            "How far it may fall behind what needs no model, in the figure that its gate compares. Zero: it must be"
            " better."
        ),
    )
    search = ObjectField(
        label=gettext_lazy("Search"),
        help_text=gettext_lazy(
            'Values to try of parameters, such as {"neighbours": [50, 200]}: at most 32 trials, each judged on three'
            " folds before the test period. Empty: the recipe's defaults."
        ),
    )
    rule = ObjectField(
        label=gettext_lazy("Gate rule"),
        help_text=gettext_lazy(
            'What else a candidate must show, such as {"champion_margin": 0.01, "latency_ms": 5}. Empty: no more.'
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["recipe"] = choice_field(label=_("Recipe"), choices=recipes(self.object_id))
        self.order_fields(["key", "recipe", "days", "every_hours", "data_policy", "seed", "margin", "search", "rule"])

    @property
    def gate(self) -> dict[str, Any]:
        """The rule with the margin in it; empty where only the margin of the default rule was chosen."""
        rule = self.cleaned_data["rule"]
        return {"margin": self.cleaned_data["margin"], **rule} if rule else {}


class TrainForm(RecipeForm):
    """What to train now."""

    seed = forms.IntegerField(
        label=gettext_lazy("Seed"),
        min_value=0,
        max_value=2**31 - 1,
        initial=1,
        widget=text_input(),
        help_text=gettext_lazy("Equal data and seed give an equal version."),
    )

    def order(self, now: datetime) -> TrainingOrder:
        """Return the order, its window ending at this time of the project."""
        return TrainingOrder(
            recipe=self.cleaned_data["recipe"],
            data_start=now - timedelta(days=self.cleaned_data["days"]),
            data_end=now,
            seed=self.cleaned_data["seed"],
            margin=self.cleaned_data["margin"],
            search=self.cleaned_data["search"],
            rule=self.gate,
        )


class ScheduleForm(RecipeForm):
    """What to train again and again; as the recipe of a variant, it is what an experiment tests."""

    key = forms.CharField(
        label=gettext_lazy("Key"),
        max_length=64,
        validators=[validate_key],
        widget=text_input(),
        help_text=gettext_lazy("Variants name the schedule by it. What it trains never changes."),
    )
    every_hours = forms.IntegerField(
        label=gettext_lazy("Train every so many hours"),
        min_value=1,
        max_value=LONGEST_CADENCE_HOURS,
        initial=24,
        widget=text_input(),
    )
    drift = ObjectField(
        label=gettext_lazy("Drift bounds"),
        initial=DRIFT_BOUNDS,
        help_text=gettext_lazy(
            "What makes it train before it is due: how far features move (psi), and which share of its offline metric"
            " or of its calibration is lost. Checked once a day. Empty: it trains by its clock alone."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["data_policy"] = choice_field(
            label=_("Training data"),
            choices=DATA_POLICIES,
            initial=DataPolicy.POOLED.value,
            help_text=_(
                "Where two variants of an experiment are retrained on all traffic, each learns from the other."
            ),
        )

    def draft(self) -> ScheduleDraft:
        """Return the draft of the schedule."""
        return ScheduleDraft(
            key=self.cleaned_data["key"],
            recipe=self.cleaned_data["recipe"],
            window_days=self.cleaned_data["days"],
            every_hours=self.cleaned_data["every_hours"],
            search=self.cleaned_data["search"],
            gate=self.gate or {"margin": self.cleaned_data["margin"]},
            drift=self.cleaned_data["drift"],
            data_policy=DataPolicy(self.cleaned_data["data_policy"]),
        )


def recipes(object_id: str | None) -> list[tuple[str, str]]:
    """Return the recipes of a model's domain with their words; none where there is no such model."""
    try:
        domain = all_domains().get(model_by_id(row_id(object_id)).domain)
    except ModelUnknown:
        return []
    return [(name, recipe_words(domain.key, name)) for name in domain.recipes] if domain else []

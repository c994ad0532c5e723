"""Forms of the design: they translate what people write and let the product's own parsers judge it."""

from typing import Any, cast

from django import forms
from django.forms import ModelChoiceField
from django.utils.translation import gettext_lazy as _

from experiments.assignment.targeting import compile_audience
from experiments.models import Experiment, ExperimentMetric, Metric, Variant
from experiments.queries.plans import spec_of
from experiments.vocabulary import PERSONAL_UNITS
from foundation.admin_base import choices_field, text_area, text_input
from foundation.admin_fields import LinesField, MicrosField, PercentField, SlotField
from foundation.errors import DomainError

SLOTS = 1_000_000


class LayerSlotsField(forms.CharField):
    """Slots of a layer as percentages of it: "0-25, 50-75" is two quarters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=text_input(), **options)

    def to_python(self, value: Any) -> Any:
        """Return half-open ranges of slots."""
        return tuple(_slots(part) for part in str(value or "").split(",") if part.strip())

    @staticmethod
    def written(ranges: list[tuple[int, int]]) -> str:
        """Return ranges of slots as people write them."""
        return ", ".join(f"{lower / 10_000:g}-{upper / 10_000:g}" for lower, upper in ranges)


def _slots(part: str) -> tuple[int, int]:
    lower, dash, upper = part.partition("-")
    try:
        slots = round(float(lower) * 10_000), round(float(upper) * 10_000)
    except (ValueError, OverflowError) as error:
        raise forms.ValidationError(_("Write ranges such as 0-50 or 0-25, 50-75."), code="invalid") from error
    if not dash or not 0 <= slots[0] < slots[1] <= SLOTS:
        raise forms.ValidationError(_("A range lies between 0 and 100 and ends above its start."), code="invalid")
    return slots


class NewExperimentForm(forms.ModelForm):  # type: ignore[type-arg]
    """What an experiment needs to exist as a draft."""

    class Meta:
        model = Experiment
        fields = ["project", "key", "name", "unit_kind", "hypothesis"]


class ExperimentForm(forms.ModelForm):  # type: ignore[type-arg]
    """A draft's design; shares are percentages."""

    coverage = SlotField(label=_("Coverage (%)"), help_text=_("Share of the eligible units that take part at launch."))
    minimum_effect = PercentField(
        label=_("Smallest lift worth finding (%)"),
        help_text=_("Relative to the control. Smaller lifts need longer: half the lift, about four times the time."),
    )
    dimensions = choices_field(
        label=_("Dimensions"),
        required=False,
        help_text=_(
            "The readout compares the levels of each, such as countries. Only what was known of a visitor before "
            "exposure; few are better, because all of them share one error rate."
        ),
    )
    budget = MicrosField(
        label=_("Budget"),
        required=False,
        help_text=_("In the currency of the project; divided between the variants by their weights. Empty: none."),
    )
    layer_slots = LayerSlotsField(
        label=_("Part of the layer (%)"),
        required=False,
        help_text=_("Such as 0-50 or 0-25, 50-75. Empty takes the whole layer."),
    )

    class Meta:
        model = Experiment
        fields = [
            "name",
            "hypothesis",
            "unit_kind",
            "payable",
            "personalised",
            "layer",
            "holdout",
            "audience",
            "coverage",
            "overrides",
            "horizon_days",
            "minimum_effect",
            "dimensions",
            "plan_overrides",
            "period_minutes",
            "period_design",
            "burn_in_minutes",
            "budget",
        ]
        help_texts = {
            "period_minutes": _(
                "Minutes after which items, stores or clusters are randomised anew: 60 is an hour, 1440 a day. "
                "Empty: once and for all. Periods begin at midnight, at the full hour or at the full minute."
            ),
            "period_design": _(
                "Every variant equally often: each unit meets every variant in each short block of periods, by its "
                "weight. That is far more precise and usually right."
            ),
            "burn_in_minutes": _(
                "Minutes at the start of each period that count for nothing, until what the period before left behind "
                "has faded."
            ),
            "hypothesis": _("What you expect to happen, to which metric, and why. Needed before launch."),
            "unit_kind": _("What is randomised. Visitor is right for most tests of pages and offers."),
            "payable": _(
                "Prices, coupons, shipping fees and benefits are tried on items, stores or clusters, so that everybody "
                "pays the same at one moment. Nothing personal may choose who pays what."
            ),
            "layer": _(
                "Experiments of one layer never share a unit. Choose one if another test changes the same thing."
            ),
            "holdout": _("Units that are kept out of every experiment, to measure them all together."),
            "audience": _(
                'Empty for everyone. Example: {"attribute": "country", "op": "in", "value": ["CN", "SG"]}; '
                "combine with all, any, not."
            ),
            "overrides": _('Unit id to variant key, for testing: {"my-visitor-id": "treatment"}. Never analysed.'),
            "personalised": _("Shoppers who switch personalisation off see the control and are left out."),
            "horizon_days": _("Whole weeks are best: 14 or 28. Empty: no planned end, wider intervals."),
            "plan_overrides": _(
                "For analysts: parts of the plan to change. Empty: the defaults. Example: "
                '{"alpha": 0.01, "futility": false, "secondary_share": 0.3, "segment_q": 0.05, '
                '"planned_information": {"revenue": 4100}}. '
                "futility: whether looks say when going on is hardly worth it. secondary_share: the part of a proven "
                "decision metric's error rate that goes to its secondary metrics. segment_q: the error rate of all "
                "levels of the dimensions together. planned_information: 1/SE² of the difference that the design "
                "expects at the end, by metric."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "burn_in_minutes" in self.fields:
            self.fields["burn_in_minutes"].required = False
        if self.instance.pk:
            ranges = [(held.slots.lower, held.slots.upper) for held in self.instance.layer_ranges.all()]
            self.initial["layer_slots"] = LayerSlotsField.written(sorted(ranges))
            self._offer_dimensions()
            project = self.instance.project_id
            for name in ("layer", "holdout"):
                if name in self.fields:
                    field = cast("ModelChoiceField[Any]", self.fields[name])
                    field.queryset = field.queryset.filter(project_id=project) if field.queryset is not None else None

    def _offer_dimensions(self) -> None:
        """Offer the attributes that the project stores, and those that were chosen while it did."""
        if "dimensions" not in self.fields:
            return
        field = cast("forms.MultipleChoiceField", self.fields["dimensions"])
        names = dict.fromkeys([*self.instance.project.attributes, *self.instance.dimensions])
        field.choices = [(name, name) for name in names]
        if not names:
            field.help_text = _(
                "The project stores no attributes yet. Add them under Projects, as the shop sends them."
            )

    def clean_audience(self) -> Any:
        """Return the audience if the assignment engine can compile it."""
        audience = self.cleaned_data["audience"]
        if audience in (None, "", {}):
            return None
        try:
            compile_audience(audience)
        except DomainError as error:
            raise forms.ValidationError(f"{error.message} {error.hint}", code=error.code) from error
        return audience

    def clean_overrides(self) -> Any:
        """Return test visitors if each unit id is given a variant key; whether it exists is a launch check."""
        overrides = self.cleaned_data["overrides"] or {}
        if not isinstance(overrides, dict) or not all(isinstance(variant, str) for variant in overrides.values()):
            raise forms.ValidationError(_('Write {"unit id": "variant key"}.'), code="invalid")
        return overrides

    def clean_burn_in_minutes(self) -> int:
        """Return the burn-in; none is written as nothing."""
        return self.cleaned_data["burn_in_minutes"] or 0

    def clean_budget(self) -> int | None:
        """Return the budget in micro units; nothing to divide is no budget."""
        return self.cleaned_data["budget"] or None

    def clean(self) -> dict[str, Any]:
        """Return the values if the parts of a calendar fit each other."""
        values = super().clean() or {}
        minutes, burn_in = values.get("period_minutes"), values.get("burn_in_minutes") or 0
        if "period_minutes" not in self.fields or "period_minutes" in self.errors:
            return values
        if minutes is None and (values.get("period_design") or burn_in):
            self.add_error("period_minutes", _("Give the length of a period, or leave design and burn-in empty."))
        elif minutes is not None and minutes < 1:
            self.add_error("period_minutes", _("A period has at least one minute."))
        elif minutes is not None:
            if not values.get("period_design"):
                self.add_error("period_design", _("Choose how periods are drawn."))
            if burn_in >= minutes:
                self.add_error("burn_in_minutes", _("The burn-in has to end before the period does."))
            if values.get("unit_kind") in PERSONAL_UNITS:
                self.add_error("period_minutes", _("People are never randomised by period; choose another unit."))
        return values

    def clean_plan_overrides(self) -> Any:
        """Return parts of the plan by name; whether the plan holds with them is a launch check."""
        return _object(self.cleaned_data["plan_overrides"])


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value or {}, dict):
        raise forms.ValidationError(_('Write a JSON object such as {"colour": "blue"}.'), code="invalid")
    return value or {}


class VariantForm(forms.ModelForm):  # type: ignore[type-arg]
    """A variant; its weight is a percentage."""

    weight = SlotField(label=_("Weight (%)"))

    class Meta:
        model = Variant
        fields = ["key", "name", "is_control", "weight", "parameters", "position"]
        widgets = {"parameters": text_area(rows=2)}

    def clean_parameters(self) -> dict[str, Any]:
        """Return the parameters, which are a JSON object."""
        return _object(self.cleaned_data["parameters"])


class ExperimentMetricForm(forms.ModelForm):  # type: ignore[type-arg]
    """A metric's part; its margin is a percentage."""

    margin = PercentField(
        label=_("Margin (%)"),
        required=False,
        help_text=_("Guardrails: the relative loss that is still acceptable."),
    )

    class Meta:
        model = ExperimentMetric
        fields = ["metric", "role", "margin", "position"]


class MetricForm(forms.ModelForm):  # type: ignore[type-arg]
    """A metric's definition, judged by MetricSpec; events are written one a line, the cap in whole units."""

    numerator_events = LinesField(
        label=_("Events"), help_text=_("Names as the shop sends them, one a line: Order Completed, Product Viewed …")
    )
    denominator_events = LinesField(label=_("Denominator events"), required=False, help_text=_("Only for ratios."))
    cap_micros = MicrosField(
        label=_("Cap per unit"),
        required=False,
        help_text=_(
            "A unit's total above it counts as the cap, so that a few large buyers do not decide. Empty: none."
        ),
    )

    class Meta:
        model = Metric
        fields = [
            "project",
            "key",
            "name",
            "description",
            "kind",
            "direction",
            "numerator_events",
            "numerator_what",
            "denominator_events",
            "denominator_what",
            "cap_micros",
            "window_hours",
            "maturity_hours",
            "covariate_days",
        ]

    def clean(self) -> dict[str, Any]:
        """Return the values if they make a metric with a meaning."""
        values = super().clean() or {}
        if self.errors:
            return values
        draft = Metric(**{"key": self.instance.key, "version": 1, **values})
        try:
            spec_of(draft)
        except (ValueError, DomainError) as error:
            raise forms.ValidationError(str(error), code="metric") from error
        return values

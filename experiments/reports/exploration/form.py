"""What somebody asks an exploration for, read from a posted form and shown again as it was filled in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from experiments.actions.exploration import MOST_DIMENSIONS, MOST_METRICS, ExplorationRequest
from experiments.queries.explorations import Choices, MetricChoice
from experiments.reports.exploration.page import AskForm, Option
from experiments.reports.wording import Text
from foundation.errors import DomainError
from foundation.money import to_micros

LONGEST_WINDOW = 365


class ExplorationForm(forms.Form):
    """The fields of the form, each with what to correct."""

    metrics = forms.TypedMultipleChoiceField(
        coerce=int, error_messages={"required": gettext_lazy("Choose one metric or more.")}
    )
    dimensions = forms.MultipleChoiceField(required=False)
    window_days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=LONGEST_WINDOW,
        error_messages={"invalid": gettext_lazy("The window is a whole number of days.")},
    )
    cap = forms.DecimalField(
        required=False,
        min_value=Decimal("0.000001"),
        error_messages={"invalid": gettext_lazy("The cap is an amount above 0.")},
    )

    def __init__(self, data: Any, choices: Choices) -> None:
        super().__init__(data)
        metrics, dimensions = self.fields["metrics"], self.fields["dimensions"]
        assert isinstance(metrics, forms.MultipleChoiceField)
        assert isinstance(dimensions, forms.MultipleChoiceField)
        metrics.choices = [(str(metric.id), metric.name) for metric in choices.metrics]
        dimensions.choices = [(name, name) for name in choices.dimensions]

    def clean_metrics(self) -> list[int]:
        """Return the ids of the metrics, at most as many as an exploration takes."""
        chosen: list[int] = self.cleaned_data["metrics"]
        if len(chosen) > MOST_METRICS:
            raise forms.ValidationError(_("Choose at most %(most)s metrics.") % {"most": MOST_METRICS})
        return chosen

    def clean_dimensions(self) -> list[str]:
        """Return the attributes, at most as many as an exploration takes."""
        chosen: list[str] = self.cleaned_data["dimensions"]
        if len(chosen) > MOST_DIMENSIONS:
            raise forms.ValidationError(_("Choose at most %(most)s attributes.") % {"most": MOST_DIMENSIONS})
        return chosen

    def clean_cap(self) -> int | None:
        """Return the cap in micro units."""
        amount = self.cleaned_data["cap"]
        try:
            return None if amount is None else to_micros(amount)
        except DomainError as error:
            raise forms.ValidationError(error.message, code=error.code) from error

    def request(self) -> ExplorationRequest:
        """Return what a valid form asks for."""
        days = self.cleaned_data["window_days"]
        return ExplorationRequest(
            metric_ids=tuple(self.cleaned_data["metrics"]),
            dimensions=tuple(self.cleaned_data["dimensions"]),
            window_hours=None if days is None else 24 * days,
            cap_micros=self.cleaned_data["cap"],
        )


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it was posted, with what is wrong with it; empty before it was."""

    metrics: Sequence[str] = ()
    dimensions: Sequence[str] = ()
    window_days: str = ""
    cap: str = ""
    faults: tuple[Text, ...] = ()

    @classmethod
    def posted(cls, data: Any, faults: Iterable[Text]) -> "Filled":
        """Return the form as it was posted."""
        return cls(
            metrics=data.getlist("metrics"),
            dimensions=data.getlist("dimensions"),
            window_days=data.get("window_days", "")[:20],
            cap=data.get("cap", "")[:20],
            faults=tuple(faults),
        )


def faults_of(form: ExplorationForm) -> list[Text]:
    """Return everything that has to be corrected, each once."""
    return list(dict.fromkeys(str(fault) for faults in form.errors.values() for fault in faults))


def ask_form(choices: Choices, filled: Filled, *, currency: str) -> AskForm:
    """Return the form with its boxes."""
    return AskForm(
        metrics=tuple(
            Option(str(metric.id), _named(metric), _window(metric), str(metric.id) in filled.metrics)
            for metric in choices.metrics
        ),
        dimensions=tuple(Option(name, name, "", name in filled.dimensions) for name in choices.dimensions),
        window_days=filled.window_days,
        cap=filled.cap,
        currency=currency,
        faults=filled.faults,
    )


def _named(metric: MetricChoice) -> Text:
    return _("%(name)s (version %(version)s)") % {"name": metric.name, "version": metric.version}


def _window(metric: MetricChoice) -> Text:
    days = metric.window_hours // 24
    window = ngettext("window %(days)s day", "window %(days)s days", days) % {"days": days}
    return _("in the plan; %(window)s") % {"window": window} if metric.planned else window

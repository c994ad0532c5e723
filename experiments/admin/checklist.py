"""The launch checklist in words, in the language of the page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from experiments.analysis import wording
from experiments.analysis.inputs import Confound
from experiments.launch_checks import LaunchProblem
from experiments.queries.payable import OverrideFacts

Text = str | Promise


@dataclass(frozen=True, slots=True)
class ChecklistLine:
    """Something that is missing, in detail, and how to mend it."""

    title: Text
    detail: str
    fix: Text


Wording = tuple[Text, Text]
"""What is missing, and how to mend it."""

_WORDS: Final[dict[str, Wording]] = {
    "TOO_FEW_VARIANTS": (
        _("There are fewer than two variants."),
        _("Add a control and at least one treatment under Variants."),
    ),
    "NO_CONTROL": (_("Not exactly one variant is the control."), _("Mark the variant that serves today as control.")),
    "WEIGHTS": (
        _("The weights do not add up to 100%."),
        _("Change the weights under Variants; 50 and 50 is half and half."),
    ),
    "NO_DECISION_METRIC": (_("No metric decides."), _("Give at least one metric the role Decision under Metrics.")),
    "NO_MARGIN": (_("A guardrail has no margin."), _("State the largest loss that you would accept, in per cent.")),
    "FOREIGN_METRIC": (_("A metric belongs to another project."), _("Choose a metric of this project.")),
    "WINDOW_TOO_LONG": (
        _("The window of a metric is longer than the planned days."),
        _("Plan more days, or use a version of the metric with a shorter window."),
    ),
    "NO_HYPOTHESIS": (_("There is no hypothesis."), _("Write down what you expect and why; readers will need it.")),
    "NO_COVERAGE": (_("Nobody takes part."), _("Raise the coverage above zero under Traffic.")),
    "FOREIGN_LAYER": (_("The layer belongs to another project."), _("Choose a layer of this project.")),
    "NO_LAYER_RANGE": (
        _("The experiment holds no slots of its layer."),
        _("Give it a free range of the layer under Traffic."),
    ),
    "FOREIGN_HOLDOUT": (_("The holdout belongs to another project."), _("Choose a holdout of this project.")),
    "HOLDOUT_UNIT": (
        _("The holdout keeps out another kind of unit."),
        _("Choose a holdout with the experiment's randomization unit."),
    ),
    "AUDIENCE": (_("The audience cannot be read."), _("Correct the expression; the detail names the place.")),
    "OVERRIDE": (_("A test visitor is sent to a variant that does not exist."), _("Use the key of a variant.")),
    "OVERRIDE_UNIT": (_("Only people can be test visitors."), _("Remove the test visitors.")),
    "PERIOD_UNIT": (
        _("These units cannot be randomised by period."),
        _("Randomise items, stores, clusters or items in stores, or leave the period empty."),
    ),
    "PERIOD_TOO_LONG": (_("The period is longer than a year."), _("Choose a shorter period under Periods.")),
    "BLOCK_TOO_LONG": (
        _("The weights need more than 100 periods to appear in proportion."),
        _("Choose rounder weights, such as 50 and 50, or draw each period on its own."),
    ),
    "PERIOD_BEYOND_HORIZON": (
        _("The periods do not fit the planned days."),
        _("Plan more days, shorten the period, or choose weights that need fewer periods."),
    ),
    "PERIOD_DIMENSIONS": (
        _("Units by period are not compared by dimension."),
        _("Leave the dimensions empty, or the period."),
    ),
    "PARAMETERS": (
        _("A parameter cannot be read by every client."),
        _("Use texts, lists, objects, true, false, null and numbers of at most 18 digits."),
    ),
    "FLAG_LAYER": (
        _("A parameter is a flag of another layer."),
        _("Move the experiment or the flag to the layer of the other, or name the parameter otherwise."),
    ),
    "FLAG_TAKEN": (
        _("Another experiment sets the flag already."),
        _("Stop the other one, or give both and the flag a layer, where they share the traffic."),
    ),
    "FLAG_VALUE": (
        _("A value does not have the type of its flag."),
        _("Give the parameter a value of the flag's type under Variants."),
    ),
    "PAYABLE_UNDECLARED": (
        _("A parameter sounds as if it changed what a person pays."),
        _("Say what the experiment changes under Traffic, or rename what only looks like it."),
    ),
    "PAYABLE_BY_PERSON": (
        _("What a person pays is not tried on persons."),
        _(
            "Randomise items, clusters or stores by period: then everybody pays the same at one moment. Where the law "
            "of a country other than China lets prices depend on the person, you can answer for it by name."
        ),
    ),
    "PAYABLE_ELSEWHERE": (
        _("Shoppers of countries that nobody answers for would pay differently too."),
        _('Let the audience ask for the attribute "country" to be one of the countries that somebody answers for.'),
    ),
    "PAYABLE_PROFILE": (
        _("Who somebody is must not decide what they pay."),
        _("Ask for places, wares and times alone, such as country, store, category or weekday. Nobody can lift this."),
    ),
    "PAYABLE_PERSONALISED": (
        _("Personal data must not decide what a person pays."),
        _("Take away “uses personal data” under Traffic. Nobody can lift this."),
    ),
    "PAYABLE_BY_NAME": (
        _("Test units would pay by their variant."),
        _("Remove them under Traffic, and try the variant in a project of its own. Nobody can lift this."),
    ),
    "BLACKOUT_ALL": (
        _("The blackout calendar keeps every planned period out."),
        _("Plan more days, launch it later, or shorten the blackout."),
    ),
    "PLAN": (_("The analysis plan does not hold."), _("Correct what the detail names under Plan or Metrics.")),
}


_DETAILED: Final = {
    "NO_MARGIN",
    "FOREIGN_METRIC",
    "WINDOW_TOO_LONG",
    "HOLDOUT_UNIT",
    "AUDIENCE",
    "OVERRIDE",
    "PERIOD_UNIT",
    "PERIOD_BEYOND_HORIZON",
    "PARAMETERS",
    "FLAG_LAYER",
    "FLAG_TAKEN",
    "FLAG_VALUE",
    "PAYABLE_UNDECLARED",
    "PAYABLE_BY_PERSON",
    "PAYABLE_ELSEWHERE",
    "PAYABLE_PROFILE",
    "PLAN",
}
"""Problems whose message names the culprit."""

_SPOIL_THE_PLAN: Final = frozenset({"TOO_FEW_VARIANTS", "NO_CONTROL", "NO_DECISION_METRIC", "NO_MARGIN"})
"""Problems without which there would be a plan: its own complaint would say the same again."""


def register(words: Mapping[str, Wording], *, detailed: Iterable[str]) -> None:
    """Add the words for the problems that checks of an app above find; `detailed` ones name the culprit as well."""
    _WORDS.update(words)
    _DETAILED.update(detailed)


def checklist(problems: Iterable[LaunchProblem]) -> list[ChecklistLine]:
    """Return what is missing, each point once."""
    found = list(problems)
    spoilt = any(problem.code in _SPOIL_THE_PLAN for problem in found)
    return [_line(problem) for problem in found if not (spoilt and problem.code == "PLAN")]


def warnings(confounds: Iterable[Confound]) -> list[ChecklistLine]:
    """Return what does not keep the experiment from starting, and will stand with its verdict."""
    return [
        ChecklistLine(
            title=gettext(wording.CHECKS.get(confound.code, confound.code)),
            detail=f"{confound.variant}, {confound.other}",
            fix=gettext(wording.ADVICE.get(confound.code, "")),
        )
        for confound in confounds
    ]


def allowance(override: OverrideFacts) -> ChecklistLine:
    """Return that somebody answers for it that persons pay differently."""
    told = {"who": override.acting_user, "countries": ", ".join(override.jurisdictions), "reason": override.reason}
    return ChecklistLine(
        title=gettext("Persons may pay differently."),
        detail=gettext("%(who)s answers for it in %(countries)s: %(reason)s") % told,
        fix=gettext("Shoppers are told: %(text)s") % {"text": override.disclosure},
    )


def _line(problem: LaunchProblem) -> ChecklistLine:
    title, fix = _WORDS.get(problem.code, (problem.message, problem.fix))
    return ChecklistLine(title, problem.message if problem.code in _DETAILED else "", fix)

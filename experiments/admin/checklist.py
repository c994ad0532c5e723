"""The launch checklist in words, in the language of the page."""

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from experiments.launch_checks import LaunchProblem

Text = str | Promise


@dataclass(frozen=True, slots=True)
class ChecklistLine:
    """Something that is missing, in detail, and how to mend it."""

    title: Text
    detail: str
    fix: Text


_WORDS: Final[dict[str, tuple[Text, Text]]] = {
    "TOO_FEW_VARIANTS": (
        _("There are fewer than two variants."),
        _("Add a control and at least one treatment under Variants."),
    ),
    "NO_CONTROL": (_("Not exactly one variant is the control."), _("Mark the variant that serves today as control.")),
    "WEIGHTS": (_("The weights do not add up to 100%."), _("Change the weights under Variants; 50 and 50 is half and half.")),
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
    "NO_LAYER_RANGE": (_("The experiment holds no slots of its layer."), _("Give it a free range of the layer under Traffic.")),
    "FOREIGN_HOLDOUT": (_("The holdout belongs to another project."), _("Choose a holdout of this project.")),
    "HOLDOUT_UNIT": (
        _("The holdout keeps out another kind of unit."),
        _("Choose a holdout with the experiment's randomization unit."),
    ),
    "AUDIENCE": (_("The audience cannot be read."), _("Correct the expression; the detail names the place.")),
    "OVERRIDE": (_("A test visitor is sent to a variant that does not exist."), _("Use the key of a variant.")),
    "OVERRIDE_UNIT": (_("Only people can be test visitors."), _("Remove the test visitors.")),
    "PLAN": (_("The analysis plan does not hold."), _("Correct what the detail names under Plan or Metrics.")),
}


def line_of(problem: LaunchProblem) -> ChecklistLine:
    """Return a problem in the language of the page; its English message stays as the detail where it says more."""
    if problem.code not in _WORDS:
        return ChecklistLine(problem.message, "", problem.fix)
    title, fix = _WORDS[problem.code]
    english = (get_language() or "en").startswith("en")
    return ChecklistLine(problem.message if english else title, "" if english else problem.message, fix)

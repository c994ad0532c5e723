"""The words of the launch checklist for experiments at decision points."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from experiments.admin.checklist import Wording, register

WORDS: Final[dict[str, Wording]] = {
    "POLICY_MISSING": (
        _("Nothing says what a variant does at the decision point."),
        _("Choose a policy for each variant under Experiments at decision points."),
    ),
    "UNIT_NOT_OF_DOMAIN": (
        _("The decision point does not decide for this randomization unit."),
        _("Choose a randomization unit that the detail names."),
    ),
    "VERSION_FOREIGN": (
        _("A variant pins a version of another model."),
        _("Pin a version of the decision point's model."),
    ),
    "GATE_NOT_PASSED": (
        _("A variant pins a version that has not passed its offline gate."),
        _("Pin one that has, or train another."),
    ),
    "ARTIFACT": (_("A pinned version cannot be loaded."), _("Pin another version, or train it again.")),
    "CONTROL_NOT_CHAMPION": (
        _("The control is not what serves at the decision point today."),
        _("Let the control be what serves; a win over anything else could not be promoted."),
    ),
    "NOT_MARKED_PERSONAL": (
        _("A variant reads what shoppers did, and the experiment does not say that it uses personal data."),
        _("Tick “uses personal data” under Traffic; shoppers who switch personalisation off then stay out of it."),
    ),
    "PAYABLE_BY_DEEDS": (
        _("What a person did must not decide what they pay."),
        _("Let the variants be decided by the baseline or by fixed actions. Nobody can lift this."),
    ),
    "PERIOD_MISSING": (
        _("The decision point decides in batches, and units are randomised once and for all."),
        _("Give the length of a period under Periods."),
    ),
    "CADENCE_MISSING": (
        _("The decision point makes no batches, so that nothing would ever be decided."),
        _("Say at the decision point how often it decides."),
    ),
    "PERIOD_NOT_CADENCE": (
        _("Periods would have different numbers of decisions."),
        _("Let the period be a multiple of the minutes after which the decision point decides."),
    ),
    "COOL_DOWN_BEYOND_PERIOD": (
        _("Items could not switch to what the next period decides."),
        _("Shorten the cool-down of the decision point, or lengthen the period."),
    ),
    "CLUSTERS_MISSING": (
        _("Items without a cluster could not be randomised."),
        _("Send their cluster with the items, or let clusters be derived from orders and prices."),
    ),
    "COSTS_MISSING": (
        _("The metric that decides is reckoned with costs that are missing."),
        _("Send the costs of these items, or decide by revenue."),
    ),
    "BOOKS_NEVER_CLOSED": (
        _("A metric counts what is booked at restock points alone, and the experiment is at none."),
        _("Try it at a decision point of restock, or leave the metric out."),
    ),
    "BURN_IN_SHORT": (
        _("What the period before left behind would be counted."),
        _("Lengthen the burn-in, and the period with it."),
    ),
    "FIXED_UNREADABLE": (
        _("A variant cannot be decided by its fixed actions."),
        _("Correct them under Experiments at decision points."),
    ),
    "POINT_TAKEN": (
        _("Another experiment decides at the decision point already."),
        _("Put both into one layer with ranges of their own, or wait until the other is concluded."),
    ),
}

register(
    WORDS,
    detailed={
        "POLICY_MISSING",
        "UNIT_NOT_OF_DOMAIN",
        "VERSION_FOREIGN",
        "GATE_NOT_PASSED",
        "POINT_TAKEN",
        "PERIOD_NOT_CADENCE",
        "COOL_DOWN_BEYOND_PERIOD",
        "CLUSTERS_MISSING",
        "COSTS_MISSING",
        "BOOKS_NEVER_CLOSED",
        "BURN_IN_SHORT",
        "FIXED_UNREADABLE",
    },
)

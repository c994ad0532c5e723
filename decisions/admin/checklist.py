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
    "POINT_TAKEN": (
        _("Another experiment decides at the decision point already."),
        _("Put both into one layer with ranges of their own, or wait until the other is concluded."),
    ),
}

register(WORDS, detailed={"POLICY_MISSING", "UNIT_NOT_OF_DOMAIN", "VERSION_FOREIGN", "GATE_NOT_PASSED", "POINT_TAKEN"})

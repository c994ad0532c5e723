"""What a person should do next, for every verdict and every status."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from experiments.reports.wording import Text
from experiments.vocabulary import Source, Status, VerdictState

_OPEN: Final = frozenset({Status.RUNNING, Status.PAUSED})

_WITHOUT_DATA: Final[dict[Status, Text]] = {
    Status.DRAFT: _("Finish the design, then submit it for review. The checklist on its form says what is missing."),
    Status.IN_REVIEW: _("Review the design, then launch the experiment or send it back."),
    Status.RUNNING: _(
        "The first look comes once units have been exposed. If none arrive within an hour, check that the shop sends "
        "“Experiment Viewed” with the decision token."
    ),
    Status.PAUSED: _("Resume the experiment to enrol units, or stop it."),
    Status.STOPPED: _("It was stopped before anything could be measured. Conclude it and write down why."),
    Status.CONCLUDED: _("It ended before anything could be measured."),
}

_WHILE_OPEN: Final[dict[VerdictState, Text]] = {
    VerdictState.SHIP: _("Stop the experiment, roll out “%(variant)s” to everyone, then conclude it as won."),
    VerdictState.STOP_FOR_HARM: _(
        "Stop the experiment: everyone gets the control again. Then find out what went wrong."
    ),
    VerdictState.CONTINUE: _("Leave it running. Looking often does no harm: the intervals allow for it."),
    VerdictState.INCONCLUSIVE: _(
        "Stop the experiment and keep the control, or plan a longer test with a larger effect in mind."
    ),
    VerdictState.INVALID: _(
        "Do not decide by these figures. Mend what the failed check names; if the split is wrong, start again with a "
        "new experiment."
    ),
}

_HOPELESS: Final = _(
    "You may stop it now and keep the control: even if the planned effect is true, it would hardly show by the end. "
    "Going on does no harm to the figures."
)

_WHEN_STOPPED: Final[dict[VerdictState, Text]] = {
    VerdictState.SHIP: _("Roll out “%(variant)s” to everyone, then conclude the experiment as won."),
    VerdictState.STOP_FOR_HARM: _(
        "Everyone gets the control again. Find out what went wrong, then conclude it as lost."
    ),
    VerdictState.CONTINUE: _("It was stopped before its plan could decide. Conclude it as stopped early."),
    VerdictState.INCONCLUSIVE: _(
        "Keep the control, then conclude the experiment as flat and write down what was learnt."
    ),
    VerdictState.INVALID: _("Do not decide by these figures. Conclude it as not trustworthy and plan a new test."),
}

_RECORDED: Final[dict[VerdictState, Text]] = {
    VerdictState.SHIP: _("The record supports “%(variant)s”. Conclude the experiment as won to keep the decision."),
    VerdictState.STOP_FOR_HARM: _("The record shows harm. Conclude the experiment as lost."),
    VerdictState.CONTINUE: _("The record is too small to decide. Conclude it as stopped early."),
    VerdictState.INCONCLUSIVE: _("Keep the control. The record does not show that a variant is better."),
    VerdictState.INVALID: _(
        "Do not decide by these figures. Mend the data that the failed check names and import again."
    ),
}

_CONCLUDED: Final = _("Nothing: the experiment is concluded.")
_RECORD_MISSING: Final = _("Import the recorded data; the import ends with its one look.")


def next_step(
    *, status: Status, source: Source, state: VerdictState | None, winner: str | None, hopeless: bool = False
) -> Text:
    """Return one or two sentences; `state` is None before the first look, `winner` the name of the variant to ship.

    hopeless: going on is hardly worth it for any variant.
    """
    if state is None:
        return _WITHOUT_DATA[status] if source is Source.OWN else _RECORD_MISSING
    if status is Status.CONCLUDED:
        return _CONCLUDED
    if hopeless and state is VerdictState.CONTINUE and status in _OPEN and source is Source.OWN:
        return _HOPELESS
    at_home = _WHILE_OPEN if status in _OPEN else _WHEN_STOPPED
    sentences = at_home if source is Source.OWN else _RECORDED
    return sentences[state] % {"variant": winner or ""}

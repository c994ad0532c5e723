"""What an experiment needs next: one sentence, and the launch checklist while it has not started."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext, gettext_lazy, ngettext

from experiments.actions.lifecycle import launch_problems
from experiments.admin.badges import readout_url, status_text
from experiments.admin.checklist import ChecklistLine, Text, allowance, checklist, warnings
from experiments.analysis.plan import PlanInvalid
from experiments.confounds import confounds_of
from experiments.models import Experiment
from experiments.queries.design_power import power_at_a_glance
from experiments.queries.payable import override_of
from experiments.reports.calculator.prefill import calculator_url
from experiments.reports.design_power import power_sentence
from experiments.reports.page import RelatedLink
from experiments.reports.related import related_to
from experiments.vocabulary import Source, Status


@dataclass(frozen=True, slots=True)
class Guide:
    """What stands above an experiment's form."""

    status: str
    step: Text
    open_points: list[ChecklistLine]
    warnings: list[ChecklistLine]
    readout_url: str
    related: tuple[RelatedLink, ...] = ()
    calculator_url: str = ""
    power: Text = ""


_MOST_CELLS: Final = 20_000
"""Cells of the past with which a design is rehearsed while somebody waits for the page."""
_PAGE_DRAWS: Final = 200
_STEPS: Final[dict[Status, Text]] = {
    Status.DRAFT: gettext_lazy("Everything is there. Submit it for review."),
    Status.IN_REVIEW: gettext_lazy("Read the design as somebody who did not write it. Then launch it or send it back."),
    Status.RUNNING: gettext_lazy("It enrols units. The readout says what the figures allow."),
    Status.PAUSED: gettext_lazy("Nobody is enrolled and everyone gets the control. Resume it or stop it."),
    Status.STOPPED: gettext_lazy("Everyone gets the control. Read the verdict, then conclude it."),
    Status.CONCLUDED: gettext_lazy("It is concluded. The readout keeps what was decided and why."),
}


def guide_of(experiment_id: int, *, now: datetime) -> Guide | None:
    """Return the guide of an experiment, or None where there is none. now: wall time."""
    experiment = Experiment.objects.select_related("project").filter(pk=experiment_id).first()
    if experiment is None:
        return None
    open_points = [] if experiment.started_at else checklist(launch_problems(experiment_id))
    return Guide(
        status=status_text(experiment),
        step=_step(Status(experiment.status), len(open_points)),
        open_points=open_points,
        warnings=[] if experiment.started_at else _warnings(experiment_id, now),
        readout_url=readout_url(experiment),
        related=related_to(experiment_id).links,
        calculator_url="" if experiment.started_at else calculator_url(experiment_id),
        power="" if experiment.started_at else _power(experiment, now),
    )


def _power(experiment: Experiment, now: datetime) -> Text:
    """Return what a design by period would find by the shop's own past; nothing for other and unfinished designs."""
    if experiment.period_minutes is None or experiment.source != Source.OWN:
        return ""
    try:
        found = power_at_a_glance(int(experiment.pk), now=now, draws=_PAGE_DRAWS, most_cells=_MOST_CELLS)
    except PlanInvalid:
        return ""
    if found is None:
        return gettext("Your history is long: bin/manage design_power %(key)s says what this design would find.") % {
            "key": experiment.key
        }
    return power_sentence(found)


def _warnings(experiment_id: int, now: datetime) -> list[ChecklistLine]:
    """Return what does not keep the experiment from starting, and will stand with its verdict."""
    override = override_of(experiment_id)
    return [*([allowance(override)] if override else []), *warnings(confounds_of(experiment_id, known_before=now))]


def _step(status: Status, open_points: int) -> Text:
    if not open_points:
        return _STEPS[status]
    text = ngettext(
        "%(n)s point is open before it can start.", "%(n)s points are open before it can start.", open_points
    )
    return text % {"n": open_points}

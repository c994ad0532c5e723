"""An experiment's life: every step is a guarded update, a journal entry and a new bundle in one transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from experiments.actions.allocation import open_first_epoch
from experiments.assignment.periods import DAY_MINUTES, first_anchor, periods_touched
from experiments.launch_checks import LaunchProblem, LaunchRefused, problems_of
from experiments.lifecycle import IllegalTransition, Transition, after
from experiments.models import AnalysisPlan, Experiment, LayerRange
from experiments.queries.blackouts import blackouts_after
from experiments.queries.designs import ExperimentUnknown, design_of
from experiments.queries.plans import draft_plan
from experiments.vocabulary import Source, Status
from foundation.actions.journal import write_journal
from foundation.actions.projects import bump_revision, lock_project
from foundation.errors import DomainError
from foundation.queries import project_facts

SYSTEM = "tiltyard"
"""The actor of what a frozen rule does on its own."""


_NOTHING_LEFT: Final = LaunchProblem(
    "BLACKOUT_ALL",
    "The blackout calendar keeps every planned period out.",
    "Plan more days, launch it later, or shorten the blackout.",
)


class ReasonMissing(DomainError):
    """The step needs a reason."""

    code = "REASON_MISSING"
    hint = "Write down why; readers of the journal will ask."


class ConclusionUnknown(DomainError):
    """The conclusion is not one of the fixed ones."""

    code = "CONCLUSION_UNKNOWN"
    hint = "Use WON, LOST, FLAT, INVALID or STOPPED_EARLY."


def submit(*, experiment_id: int, acting_user: str, now: datetime, reason: str = "") -> None:
    """Hand a draft in for review. Raises IllegalTransition, ExperimentUnknown."""
    _move(experiment_id, Transition.SUBMIT, acting_user, now, reason)


def send_back(*, experiment_id: int, acting_user: str, now: datetime, reason: str = "") -> None:
    """Return an experiment in review to its author. Raises IllegalTransition, ExperimentUnknown."""
    _move(experiment_id, Transition.SEND_BACK, acting_user, now, reason)


def launch_problems(experiment_id: int) -> tuple[LaunchProblem, ...]:
    """Return everything that keeps the experiment from starting; empty when it may start. Raises ExperimentUnknown."""
    return problems_of(design_of(experiment_id))


@transaction.atomic
def launch(*, experiment_id: int, acting_user: str, now: datetime, reason: str = "") -> None:
    """Start an experiment: freeze its plan, open its first epoch, put it into the bundle.

    Raises LaunchRefused with everything that is missing, IllegalTransition, ExperimentUnknown.
    """
    row = _locked(experiment_id)
    after(Status(row.status), Transition.LAUNCH)
    design = design_of(experiment_id)
    problems = problems_of(design)
    if problems:
        raise LaunchRefused(problems)
    started_at = project_facts(row.project_id).clock.at(now)
    plan = draft_plan(experiment_id)
    AnalysisPlan.objects.create(
        experiment_id=experiment_id,
        content=plan.to_json().decode(),
        sha256=plan.sha256(),
        frozen_at=started_at,
    )
    open_first_epoch(design=design, opened_at=started_at)
    _move(
        experiment_id,
        Transition.LAUNCH,
        acting_user,
        now,
        reason,
        changes={"started_at": started_at, **_calendar(row, started_at)},
        noted={"plan": plan.sha256()},
    )


def pause(*, experiment_id: int, acting_user: str, now: datetime, reason: str = "") -> None:
    """Stop enrolling; everyone gets the control until it resumes. Raises IllegalTransition, ExperimentUnknown."""
    _move(experiment_id, Transition.PAUSE, acting_user, now, reason)


def resume(*, experiment_id: int, acting_user: str, now: datetime, reason: str = "") -> None:
    """Go on enrolling. Raises IllegalTransition, ExperimentUnknown."""
    _move(experiment_id, Transition.RESUME, acting_user, now, reason)


def stop(*, experiment_id: int, acting_user: str, now: datetime, reason: str) -> None:
    """End enrolment for good; everyone gets the control. Raises ReasonMissing, IllegalTransition, ExperimentUnknown."""
    if not reason.strip():
        raise ReasonMissing("An experiment is stopped for a reason.")
    with transaction.atomic():
        stopped_at = project_facts(_locked(experiment_id).project_id).clock.at(now)
        _move(experiment_id, Transition.STOP, acting_user, now, reason, changes={"stopped_at": stopped_at})


@transaction.atomic
def conclude(
    *, experiment_id: int, acting_user: str, now: datetime, conclusion: str, note: str, reason: str = ""
) -> None:
    """Write down what was learnt and give the layer's slots back.

    Raises ConclusionUnknown, IllegalTransition, ExperimentUnknown.
    """
    if conclusion not in Experiment.Conclusion.values:
        raise ConclusionUnknown(f"{conclusion!r} is not a conclusion.")
    concluded_at = project_facts(_locked(experiment_id).project_id).clock.at(now)
    _move(
        experiment_id,
        Transition.CONCLUDE,
        acting_user,
        now,
        reason,
        changes={"conclusion": conclusion, "conclusion_note": note, "concluded_at": concluded_at},
        noted={"conclusion": conclusion},
    )
    LayerRange.objects.filter(experiment_id=experiment_id).delete()


def _calendar(row: Experiment, started_at: datetime) -> dict[str, Any]:
    """Return when the first period begins and what is kept out, where units are randomised by period.

    Neither a later time zone nor a later blackout moves them. Raises LaunchRefused where no period is left.
    """
    if row.period_minutes is None:
        return {}
    lock_project(project_id=row.project_id)  # A blackout that somebody adds right now waits, and is then too late.
    anchor = first_anchor(started_at, row.period_minutes, project_facts(row.project_id).time_zone)
    spans = blackouts_after(row.project_id, anchor)
    touched = periods_touched(spans, anchor=anchor, minutes=row.period_minutes)
    kept_out = touched[0][1] if touched and touched[0][0] == 0 else 0
    if row.horizon_days and kept_out * row.period_minutes >= row.horizon_days * DAY_MINUTES:
        raise LaunchRefused([_NOTHING_LEFT])
    frozen = [[begun.isoformat(), over.isoformat()] for begun, over in spans]
    return {"periods_from": anchor, "blackouts": frozen}


def _locked(experiment_id: int) -> Experiment:
    row = Experiment.objects.select_for_update().filter(pk=experiment_id).first()
    if row is None:
        raise ExperimentUnknown(f"There is no experiment {experiment_id}.")
    return row


@transaction.atomic
def _move(
    experiment_id: int,
    transition: Transition,
    acting_user: str,
    now: datetime,
    reason: str,
    changes: Mapping[str, Any] | None = None,
    noted: Mapping[str, Any] | None = None,
) -> None:
    row = _locked(experiment_id)
    origin = Status(row.status)
    target = after(origin, transition)
    guarded = Experiment.objects.filter(pk=experiment_id, status=origin)
    if not guarded.update(status=target, **(changes or {})):
        raise IllegalTransition(f"The experiment is no longer {origin}.")
    facts = project_facts(row.project_id)
    write_journal(
        project_id=row.project_id,
        at=facts.clock.at(now),
        actor=acting_user,
        action=f"experiment.{transition}",
        subject=f"experiment:{row.key}",
        reason=reason,
        before={"status": origin.value},
        after={"status": target.value, **(noted or {})},
    )
    if row.source == Source.OWN:
        bump_revision(project_id=row.project_id)

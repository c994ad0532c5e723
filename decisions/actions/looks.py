"""Looks at experiments and explorations: what was received and projected in time decides what they may see."""

from datetime import datetime

from django.db import transaction

from decisions.actions.promotion import promise_proposal
from decisions.actions.scheduling import latest_window_end
from decisions.models import ProjectionState
from experiments.actions.analysis import analyse
from experiments.actions.exploration import ExplorationRequest, explore
from experiments.queries.designs import run_facts
from experiments.queries.looks import look_by_id
from experiments.vocabulary import VerdictState
from foundation.queries import project_facts


@transaction.atomic
def look_at(*, experiment_id: int, window_end: datetime, now: datetime) -> int | None:
    """Analyse an experiment up to `window_end` (project time) with all that was received and projected by now.

    A verdict of SHIP is weighed for promotion by a job of its own. None when nothing has been projected yet, or nobody
    exposed. Raises ExperimentUnknown.
    """
    run = run_facts(experiment_id)
    facts = project_facts(run.project_id)
    state = ProjectionState.objects.filter(project_id=run.project_id).first()
    if state is None:
        return None
    scorecard_id = analyse(
        experiment_id=experiment_id,
        window_end=window_end,
        received_before=min(state.watermark, now - facts.report_guard),
        now=now,
    )
    if scorecard_id is not None and look_by_id(scorecard_id).verdict.state is VerdictState.SHIP:
        promise_proposal(project_id=run.project_id, scorecard_id=scorecard_id)
    return scorecard_id


@transaction.atomic
def explore_at(*, experiment_id: int, request: ExplorationRequest, requested_by: str, now: datetime) -> int:
    """Compute an exploration with whole days of the project and all that was received and projected; return its id.

    No verdict and no proposal follow from it. Raises ExplorationInvalid, ExperimentUnknown.
    """
    facts = project_facts(run_facts(experiment_id).project_id)
    state = ProjectionState.objects.filter(project_id=facts.id).first()
    certain = now - facts.report_guard
    return explore(
        experiment_id=experiment_id,
        request=request,
        requested_by=requested_by,
        window_end=latest_window_end(facts=facts, now=now),
        received_before=certain if state is None else min(state.watermark, certain),
    )

"""Looks at running experiments: what was received and projected in time decides what a look may see."""

from datetime import datetime

from decisions.models import ProjectionState
from experiments.actions.analysis import analyse
from experiments.queries.designs import run_facts
from foundation.queries import project_facts


def look_at(*, experiment_id: int, window_end: datetime, now: datetime) -> int | None:
    """Analyse an experiment up to `window_end` (project time) with all that was received and projected by now.

    None when nothing has been projected yet, or nobody exposed. Raises ExperimentUnknown.
    """
    run = run_facts(experiment_id)
    facts = project_facts(run.project_id)
    state = ProjectionState.objects.filter(project_id=run.project_id).first()
    if state is None:
        return None
    return analyse(
        experiment_id=experiment_id,
        window_end=window_end,
        received_before=min(state.watermark, now - facts.report_guard),
        now=now,
    )

"""Looks that were taken: a scorecard with the verdict on it."""

from dataclasses import dataclass
from datetime import datetime

from experiments.analysis.reasons import Verdict
from experiments.analysis.scorecard import Scorecard
from experiments.models import Scorecard as ScorecardRow


@dataclass(frozen=True, slots=True)
class Look:
    """One look at an experiment."""

    id: int
    number: int
    scorecard: Scorecard
    verdict: Verdict
    created_at: datetime


def latest_look(experiment_id: int) -> Look | None:
    """Return the newest look at an experiment, or None before the first."""
    row = ScorecardRow.objects.filter(experiment_id=experiment_id).order_by("-look").first()
    if row is None:
        return None
    return Look(
        id=int(row.pk),
        number=row.look,
        scorecard=Scorecard.from_json(row.content),
        verdict=Verdict.from_dict(row.verdict),
        created_at=row.created_at,
    )

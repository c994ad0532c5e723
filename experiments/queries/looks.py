"""Looks that were taken: a scorecard with the verdict on it."""

from dataclasses import dataclass
from datetime import datetime

from experiments.analysis.reasons import Verdict
from experiments.analysis.scorecard import Scorecard
from experiments.models import Scorecard as ScorecardRow
from foundation.errors import DomainError


class ScorecardUnknown(DomainError):
    """There is no such scorecard."""

    code = "SCORECARD_UNKNOWN"
    hint = "Check the number; the experiment's readout lists its looks."


@dataclass(frozen=True, slots=True)
class Look:
    """One look at an experiment."""

    id: int
    experiment_id: int
    number: int
    scorecard: Scorecard
    verdict: Verdict
    created_at: datetime


def latest_look(experiment_id: int) -> Look | None:
    """Return the newest look at an experiment, or None before the first."""
    row = ScorecardRow.objects.filter(experiment_id=experiment_id).order_by("-look").first()
    return None if row is None else _look(row)


def look_by_id(scorecard_id: int) -> Look:
    """Return the look that a stored scorecard is. Raises ScorecardUnknown."""
    row = ScorecardRow.objects.filter(pk=scorecard_id).first()
    if row is None:
        raise ScorecardUnknown(f"There is no scorecard {scorecard_id}.")
    return _look(row)


def _look(row: ScorecardRow) -> Look:
    return Look(
        id=int(row.pk),
        experiment_id=row.experiment_id,
        number=row.look,
        scorecard=Scorecard.from_json(row.content),
        verdict=Verdict.from_dict(row.verdict),
        created_at=row.created_at,
    )

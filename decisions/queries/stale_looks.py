"""Looks that later evidence concerns, and what they are with it."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from decisions.models import StaleLook
from experiments.queries.looks import latest_look


@dataclass(frozen=True, slots=True)
class StaleFacts:
    """A stale look: `rows` of evidence came after it; `verdict_state` is what a restatement says, empty before it."""

    scorecard_id: int
    experiment_key: str
    look: int
    since: datetime
    rows: int
    restated_rows: int
    restated_before: datetime | None
    verdict_before: str
    verdict_state: str
    content: str

    @property
    def is_restated(self) -> bool:
        """Whether the restatement has all the evidence that is known to be late."""
        return self.restated_rows >= self.rows


def stale_looks(project_id: int) -> list[StaleFacts]:
    """Return the stale looks of a project, the one that became so last first."""
    return _facts(StaleLook.objects.filter(scorecard__experiment__project_id=project_id))


def stale_newest_look(experiment_id: int) -> StaleFacts | None:
    """Return the newest look of an experiment where evidence came after it that it should have had, else None."""
    found = _facts(StaleLook.objects.filter(scorecard__experiment_id=experiment_id))
    newest = latest_look(experiment_id) if found else None
    return next((facts for facts in found if newest is not None and facts.look == newest.number), None)


def _facts(rows: QuerySet[StaleLook]) -> list[StaleFacts]:
    return [
        StaleFacts(
            scorecard_id=int(row.pk),
            experiment_key=row.scorecard.experiment.key,
            look=row.scorecard.look,
            since=row.since,
            rows=row.rows,
            restated_rows=row.restated_rows,
            restated_before=row.restated_before,
            verdict_before=row.scorecard.verdict_state,
            verdict_state=row.verdict_state,
            content=row.content,
        )
        for row in rows.select_related("scorecard__experiment").order_by("-since", "-pk")
    ]

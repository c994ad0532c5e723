"""Verifying reports: every stored look is derived again from stored rows, and whatever differs is named."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from experiments.actions.analysis import derive, derive_recorded
from experiments.analysis.plan import AnalysisPlan as Plan
from experiments.analysis.scorecard import Scorecard
from experiments.analysis.verdict import judge
from experiments.models import AnalysisPlan
from experiments.models import Scorecard as ScorecardRow
from experiments.queries.designs import RunFacts, run_facts
from experiments.vocabulary import Source
from foundation.queries import erased_before

# An exposure that a token or the edge vouches for has the slot its variant was drawn with.
_MISASSIGNED = """
SELECT count(*) FROM experiments_firstexposure f
JOIN experiments_allocationepoch e ON e.experiment_id = f.experiment_id AND e.number = f.epoch
JOIN experiments_epochallocation a ON a.epoch_id = e.id AND a.variant_id = f.variant_id
WHERE f.experiment_id = %s AND f.variant_slot IS NOT NULL AND f.verification <> 'UNVERIFIED'
    AND NOT EXISTS (
        SELECT 1 FROM jsonb_array_elements(a.ranges) AS range
        WHERE f.variant_slot >= (range->>0)::integer AND f.variant_slot < (range->>1)::integer
    )
"""
_LATER = """
SELECT count(*) FROM experiments_firstexposure WHERE experiment_id = %s AND received_at >= %s
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not what the records give; `look` is None where it concerns all looks."""

    look: int | None
    part: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found. `later` counts exposures that came after the newest look and belong to none.

    `erased_before`: days before it were dropped by the retention policy and held evidence of this experiment, so that
    figures cannot be derived again; everything else was checked.
    """

    looks: int
    differences: tuple[Difference, ...]
    later: int
    erased_before: date | None = None

    @property
    def holds(self) -> bool:
        return not self.differences


def verify_report(experiment_id: int) -> Verification:
    """Derive every look of an experiment again and return what differs; writes nothing.

    Checked are the frozen plan, the assignment of every vouched exposure against its slot, and for each look the digest
    of the stored text, the figures derived from the stored rows as they were received by then, and the verdict judged
    from the stored figures. Raises ExperimentUnknown.
    """
    run = run_facts(experiment_id)
    frozen = AnalysisPlan.objects.get(experiment_id=experiment_id)
    rows = list(ScorecardRow.objects.filter(experiment_id=experiment_id).order_by("look"))
    differences = [*_of_plan(frozen), *_of_assignment(run)]
    plan = Plan.from_dict(json.loads(frozen.content))
    erased = _erased(run, plan)
    differences += _of_looks(run, plan, rows, are_whole=erased is None)
    later = _count(_LATER, [experiment_id, rows[-1].received_before]) if rows else 0
    return Verification(looks=len(rows), differences=tuple(differences), later=later, erased_before=erased)


def _of_plan(frozen: AnalysisPlan) -> Iterator[Difference]:
    if _digest(frozen.content) != frozen.sha256:
        yield Difference(None, "plan", "The stored text is not the one that was frozen.")


def _of_assignment(run: RunFacts) -> Iterator[Difference]:
    if run.source is not Source.OWN:
        return
    wrong = _count(_MISASSIGNED, [run.id])
    if wrong:
        yield Difference(None, "assignment", f"{wrong} exposures have a variant that their slot does not give.")


def _erased(run: RunFacts, plan: Plan) -> date | None:
    """Return the first day that was kept, where days that this experiment needs were dropped."""
    erased = erased_before(run.project_id) if run.source is Source.OWN else None
    lookback = max((metric.spec.covariate_days for metric in plan.metrics), default=0)
    needed = (run.started_at - timedelta(days=lookback)).date()
    return erased if erased is not None and needed < erased else None


def _of_looks(run: RunFacts, plan: Plan, rows: list[ScorecardRow], *, are_whole: bool) -> Iterator[Difference]:
    past: list[Scorecard] = []
    for row in rows:
        if _digest(row.content) != row.sha256:
            yield Difference(row.look, "text", "The stored text does not have its stored digest: it was changed.")
        if row.plan_sha256 != plan.sha256():
            yield Difference(row.look, "plan", "The look was not taken by the frozen plan.")
        derived = (
            Scorecard.from_json(row.content)
            if not are_whole
            else derive(run=run, plan=plan, window_end=row.window_end, received_before=row.received_before, past=past)
            if run.looks_at_events
            else derive_recorded(run=run, plan=plan)
        )
        parts = _differing(_completed(row.content), json.loads(derived.to_json()))
        if parts:
            yield Difference(row.look, "figures", f"The stored rows give other {', '.join(parts)}.")
        verdict = judge(plan, Scorecard.from_json(row.content)).to_dict()
        if json.loads(json.dumps(verdict)) != row.verdict:
            yield Difference(row.look, "verdict", "The stored figures lead to another verdict.")
        past.append(derived)


def _differing(stored: dict[str, Any], derived: dict[str, Any]) -> list[str]:
    return sorted(name for name in {*stored, *derived} if stored.get(name) != derived.get(name))


def _completed(content: str) -> dict[str, Any]:
    """Return a stored scorecard with the fields that came after it at their defaults, and nothing of it left out."""
    stored: dict[str, Any] = json.loads(content)
    complete: dict[str, Any] = json.loads(Scorecard.from_dict(stored).to_json())
    return stored | complete


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _count(statement: str, parameters: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.fetchone()[0])

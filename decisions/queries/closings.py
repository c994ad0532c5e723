"""Periods of experiments at restock points: which are over, what is known of their items, and how they were closed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count as RowCount

from decisions.domains.restock.closing import Count, Ledger, Ordered, Span, Terms
from decisions.domains.restock.domain import DOMAIN
from decisions.models import ItemCost, PeriodClosing, PointExperiment
from decisions.settings import checked_settings
from experiments.analysis.checks_confounds import STOCK_NOT_VALUED, STOCK_OFTEN_NOT_VALUED
from experiments.analysis.inputs import Confound
from experiments.assignment.unit_ids import store_and_item
from experiments.lifecycle import SERVING
from experiments.queries.designs import RunFacts, run_facts
from experiments.queries.plans import plan_of
from experiments.queries.standing import standings
from experiments.vocabulary import Status, UnitKind
from foundation.queries import ProjectFacts, project_facts

OLDEST_COUNT: Final = timedelta(hours=48)
"""How old a count may be where the decision point says nothing."""
LATEST: Final = timedelta(days=6)
"""How long after its end a period can still be closed: the projector refuses what is more than seven days old."""
OFTEN: Final = 0.05
"""The share of a variant's closed cells whose stock was not counted above which the experiment says nothing."""

_CELLS: Final = """
SELECT DISTINCT ON (decided.cell, decided.subject) decided.cell, decided.subject
FROM decisions_batchdecision decided JOIN decisions_decisionbatch batch ON batch.id = decided.batch_id
WHERE decided.experiment_id = %(experiment)s AND decided.is_enrolled AND batch.made_at >= %(since)s
    AND batch.made_at < %(until)s
    AND substring(decided.cell FROM '[0-9]+$')::integer BETWEEN %(first)s AND %(last)s
    AND NOT EXISTS (
        SELECT 1 FROM decisions_periodclosing closed
        WHERE closed.experiment_id = decided.experiment_id AND closed.cell = decided.cell
    )
ORDER BY decided.cell, decided.subject
"""
_COUNTS: Final = """
SELECT named.subject, known.counted_at, known.on_hand, known.on_order
FROM unnest(%(stores)s::text[], %(items)s::text[], %(subjects)s::text[]) AS named(store_id, item_id, subject)
JOIN decisions_stockcount known USING (store_id, item_id)
WHERE known.project_id = %(project)s AND known.counted_at >= %(since)s AND known.counted_at <= %(until)s
ORDER BY known.counted_at
"""
_ORDERS: Final = """
SELECT decided.subject, batch.takes_effect_at, coalesce(decided.applied, decided.value)
FROM decisions_decisionbatch batch JOIN decisions_batchdecision decided ON decided.batch_id = batch.id
WHERE batch.point_id = %(point)s AND batch.takes_effect_at >= %(since)s AND batch.takes_effect_at < %(until)s
    AND decided.subject = ANY(%(subjects)s) AND decided.state <> 'FAILED'
    AND coalesce(decided.applied, decided.value) > 0
ORDER BY batch.takes_effect_at
"""
_VARIANTS: Final = """
SELECT decided.variant, count(*), count(*) FILTER (WHERE closed.change IS NULL),
    count(*) FILTER (WHERE closed.reason = 'STALE_STOCK')
FROM decisions_periodclosing closed
JOIN (
    SELECT DISTINCT cell, variant FROM decisions_batchdecision WHERE experiment_id = %(experiment)s AND is_enrolled
) decided USING (cell)
WHERE closed.experiment_id = %(experiment)s AND closed.closed_at < %(before)s
GROUP BY decided.variant ORDER BY decided.variant
"""


@dataclass(frozen=True, slots=True)
class ClosingRun:
    """An experiment at a restock point, and how its periods are closed. Times are project time.

    until: when it was stopped; what was not over by then is never closed.
    """

    facts: RunFacts
    point_id: int
    anchor: datetime
    length: timedelta
    burn_in: timedelta
    terms: Terms
    until: datetime | None

    def span(self, period: int) -> Span:
        """Return when a period begins, counts and is over."""
        start = self.anchor + period * self.length
        return Span(start, start + self.burn_in, start + self.length)

    def last_over(self, at: datetime) -> int:
        """Return the number of the last period that was over at a time; below 0 where none was."""
        ended = at if self.until is None else min(at, self.until)
        return (ended - self.anchor) // self.length - 1

    def first_open(self, at: datetime) -> int:
        """Return the number of the first period that can still be closed at a time."""
        return max(0, (at - LATEST - self.anchor) // self.length)


@dataclass(frozen=True, slots=True)
class OpenCell:
    """A cell that is over and was not closed: its id, its unit, its period and the subjects decided for in it."""

    cell: str
    unit: str
    period: int
    subjects: tuple[str, ...]


def closing_runs(project_id: int) -> tuple[ClosingRun, ...]:
    """Return the experiments by period at the restock points of a project that run, or were stopped, oldest first."""
    rows = PointExperiment.objects.filter(point__project_id=project_id, point__domain=DOMAIN.key).order_by("pk")
    ids = list(rows.values_list("experiment_id", flat=True))
    alive = {
        found
        for found, standing in standings(ids).items()
        if standing.status in SERVING or standing.status is Status.STOPPED
    }
    runs = (closing_run(experiment_id) for experiment_id in ids if experiment_id in alive)
    return tuple(run for run in runs if run is not None)


def closing_run(experiment_id: int) -> ClosingRun | None:
    """Return how the periods of an experiment are closed; None where it has none, or is at no restock point."""
    row = PointExperiment.objects.select_related("point").filter(experiment_id=experiment_id).first()
    if row is None or row.point.domain != DOMAIN.key:
        return None
    run, periods = run_facts(experiment_id), plan_of(experiment_id).periods
    if periods is None or run.periods_from is None or run.is_reported:
        return None
    age = row.point.most_age_minutes
    return ClosingRun(
        facts=run,
        point_id=row.point_id,
        anchor=run.periods_from,
        length=timedelta(minutes=periods.minutes),
        burn_in=timedelta(minutes=periods.burn_in),
        terms=Terms(
            holding_rate=float(checked_settings(DOMAIN, row.point.settings)["holding_rate"]),
            oldest=OLDEST_COUNT if age is None else timedelta(minutes=age),
            zone=ZoneInfo(project_facts(run.project_id).time_zone),
        ),
        until=run.stopped_at,
    )


def open_cells(run: ClosingRun, *, first: int, last: int) -> Iterator[OpenCell]:
    """Yield the cells of these periods that were enrolled and are not closed, in the order of their ids."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CELLS,
            {
                "experiment": run.facts.id,
                "since": run.span(first).start,
                "until": run.span(last).ends,
                "first": first,
                "last": last,
            },
        )
        rows = cursor.fetchall()
    subjects: dict[str, list[str]] = {}
    for cell, subject in rows:
        subjects.setdefault(cell, []).append(subject)
    for cell, found in subjects.items():
        unit, _, period = cell.rpartition("|")
        yield OpenCell(cell, unit, int(period), tuple(found))


def ledgers(run: ClosingRun, span: Span, subjects: Sequence[str]) -> Mapping[str, Ledger]:
    """Return what is known of each of the subjects about a period; costs are those of the first period's begin."""
    pairs = {subject: store_and_item(subject) for subject in subjects}
    costs = _costs(run, {item for _, item in pairs.values()})
    since = span.start - run.terms.oldest
    asked: dict[str, Any] = {"since": since, "until": span.ends, "subjects": list(pairs)}
    counts: dict[str, list[Count]] = {subject: [] for subject in pairs}
    orders: dict[str, list[Ordered]] = {subject: [] for subject in pairs}
    with connection.cursor() as cursor:
        stores, items = [store for store, _ in pairs.values()], [item for _, item in pairs.values()]
        cursor.execute(_COUNTS, asked | {"project": run.facts.project_id, "stores": stores, "items": items})
        for subject, *count in cursor.fetchall():
            counts[subject].append(Count(*count))
        cursor.execute(_ORDERS, asked | {"point": run.point_id})
        for subject, at, pieces in cursor.fetchall():
            orders[subject].append(Ordered(at, pieces))
    return {subject: Ledger(costs.get(item), counts[subject], orders[subject]) for subject, (_, item) in pairs.items()}


def closings_without_value(experiment_id: int) -> Mapping[str, int]:
    """Return how many cells of an experiment were closed without a valuation, by the code of the reason."""
    rows = PeriodClosing.objects.filter(experiment_id=experiment_id, change__isnull=True).values_list("reason")
    return dict(rows.annotate(count=RowCount("*")).order_by("reason"))


def newest_closing(experiment_id: int) -> datetime | None:
    """Return the project time of the last closing of an experiment, None where there is none."""
    rows = PeriodClosing.objects.filter(experiment_id=experiment_id).order_by("-pk")
    return rows.values_list("closed_at", flat=True).first()


def unvalued(experiment_id: int, known_before: datetime) -> Iterable[Confound]:
    """Yield that cells of an experiment were closed without a valuation by a wall time, and once more if many were.

    The pair is the variants with the largest and the smallest share of them. Cells without a valuation count in no
    variant. Those whose stock was not counted are many if a variant lost several, and more than OFTEN of its cells; an
    item without a cost is missing in all variants alike, and only told. Whether one has lost more than another is what
    the sample ratio of the analysed units checks.
    """
    if newest_closing(experiment_id) is None:
        return
    project = project_facts(run_facts(experiment_id).project_id)
    with connection.cursor() as cursor:
        cursor.execute(_VARIANTS, {"experiment": experiment_id, "before": project.clock.at(known_before)})
        rows = cursor.fetchall()
    without = Counter({variant: missing / cells for variant, cells, missing, _ in rows})
    if without.total() > 0:
        yield _ranked(STOCK_NOT_VALUED, without)
    if any(stale > 1 and stale > OFTEN * cells for _, cells, _, stale in rows):
        yield _ranked(STOCK_OFTEN_NOT_VALUED, Counter({variant: stale / cells for variant, cells, _, stale in rows}))


def cluster_of(run: ClosingRun, cell: OpenCell) -> str | None:
    """Return the cluster that a cell is about, None where its unit is something else."""
    return cell.unit if run.facts.unit_kind is UnitKind.CLUSTER else None


def is_settled(run: ClosingRun, *, facts: ProjectFacts, projected_until: datetime) -> bool:
    """Return whether all closings of an experiment have been projected; `projected_until` is a receipt time (wall)."""
    newest = newest_closing(run.facts.id)
    return newest is None or facts.clock.wall(newest) < projected_until


def _ranked(code: str, shares: Counter[str]) -> Confound:
    """Return a confound of the variants with the largest and the smallest share."""
    ranked = [variant for variant, _ in shares.most_common()]
    return Confound(code, ranked[0], ranked[-1])


def _costs(run: ClosingRun, items: Iterable[str]) -> Mapping[str, int]:
    """Return what the items cost when the first period began, millionths of the currency."""
    rows = ItemCost.objects.filter(
        project_id=run.facts.project_id, item_id__in=list(items), valid_from__lte=run.anchor
    ).order_by("valid_from")
    return {
        item: cost
        for item, cost, until in rows.values_list("item_id", "cost", "valid_until")
        if until is None or until > run.anchor
    }

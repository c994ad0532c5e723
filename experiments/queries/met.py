"""What units met first: of the experiments whose hash no longer tells it, and of the visitors that customers were."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from experiments.allocation import Allocation, must_remember
from experiments.lifecycle import SERVING
from experiments.models import AllocationEpoch, Experiment
from experiments.vocabulary import ArmState, Source, UnitKind

ROWS_AT_ONCE = 5_000

# The order in which the analysis finds a unit's first exposure.
_FIRST = "exposed_at, f.received_at, f.message_id, f.variant_id"

_MET = f"""
SELECT DISTINCT ON (f.experiment_id, f.unit) f.experiment_id, e.unit_kind, f.unit, v.key, f.epoch
FROM experiments_firstexposure f
JOIN experiments_experiment e ON e.id = f.experiment_id
JOIN experiments_variant v ON v.id = f.variant_id
WHERE f.experiment_id = ANY(%(experiments)s)
ORDER BY f.experiment_id, f.unit, f.{_FIRST}
"""  # noqa: S608 - the only text put in is a constant

_LINKED = f"""
SELECT DISTINCT ON (l.customer, f.experiment_id) l.customer, f.experiment_id, l.visitor, v.key
FROM experiments_identitylink l
JOIN experiments_firstexposure f ON f.experiment_id = ANY(%(experiments)s) AND f.unit = l.visitor
JOIN experiments_variant v ON v.id = f.variant_id
WHERE l.project_id = %(project)s
ORDER BY l.customer, f.experiment_id, f.{_FIRST}, l.visitor
"""  # noqa: S608 - the only text put in is a constant

# Who was touched is found first and by itself: as a condition on the rows it would have all of them read every time.
_TOUCHED_UNITS = """
WITH touched AS MATERIALIZED (
    SELECT DISTINCT experiment_id, unit FROM experiments_firstexposure
    WHERE experiment_id = ANY(%(experiments)s) AND received_at > %(after)s AND received_at <= %(until)s
)
"""
_MET_LATELY = _TOUCHED_UNITS + _MET.replace(
    "FROM experiments_firstexposure f", "FROM touched JOIN experiments_firstexposure f USING (experiment_id, unit)"
)

_TOUCHED_CUSTOMERS = """
WITH touched AS MATERIALIZED (
    SELECT customer FROM experiments_identitylink
    WHERE project_id = %(project)s AND received_at > %(after)s AND received_at <= %(until)s
    UNION
    SELECT k.customer FROM experiments_firstexposure r
    JOIN experiments_identitylink k ON k.project_id = %(project)s AND k.visitor = r.unit
    WHERE r.experiment_id = ANY(%(experiments)s) AND r.received_at > %(after)s AND r.received_at <= %(until)s
)
"""
_LINKED_LATELY = _TOUCHED_CUSTOMERS + _LINKED.replace(
    "FROM experiments_identitylink l", "FROM touched JOIN experiments_identitylink l USING (customer)"
)


class Stretch(NamedTuple):
    """Messages received in (after, until]."""

    after: datetime
    until: datetime


class Met(NamedTuple):
    """What a unit (by its stored id) met first in an experiment."""

    experiment_id: int
    unit_kind: str
    unit: str
    variant: str
    epoch: int


class LinkedMet(NamedTuple):
    """What the first of a customer's visitors met in an experiment; customer and visitor are stored ids."""

    customer: str
    experiment_id: int
    visitor: str
    variant: str


def is_sticky(experiment: Experiment, epochs: Iterable[AllocationEpoch]) -> bool:
    """Return whether an experiment's units must be remembered; `epochs` in order, with their allocations.

    By period each cell is met once, on a schedule that never changes: there is nothing to remember.
    """
    return experiment.period_minutes is None and must_remember(map(_allocation, epochs))


def is_served(experiment_id: int) -> bool:
    """Return whether bundles have the experiment: one of our own that is running or paused."""
    return Experiment.objects.filter(pk=experiment_id, source=Source.OWN, status__in=SERVING).exists()


def sticky_experiments(project_id: int) -> tuple[int, ...]:
    """Return the experiments, running or paused, whose units must be remembered."""
    serving = Experiment.objects.filter(project_id=project_id, source=Source.OWN, status__in=SERVING)
    rows = serving.filter(epochs__number=2).order_by("pk")
    return tuple(
        row.pk for row in rows if is_sticky(row, row.epochs.prefetch_related("allocations__variant").order_by("number"))
    )


def visitor_experiments(project_id: int) -> tuple[int, ...]:
    """Return the experiments, running or paused, that randomise visitors."""
    found = Experiment.objects.filter(
        project_id=project_id, source=Source.OWN, status__in=SERVING, unit_kind=UnitKind.VISITOR
    )
    return tuple(found.order_by("pk").values_list("pk", flat=True))


def first_met(experiments: Sequence[int], received: Stretch | None = None) -> Iterator[list[Met]]:
    """Yield in batches what each unit met first; with a stretch, only of units exposed in messages received in it.

    Must run inside a transaction: rows are streamed by a cursor on the server.
    """
    parameters: dict[str, Any] = {"experiments": list(experiments), **_bounds(received)}
    statement = _MET if received is None else _MET_LATELY
    yield from ([Met(*row) for row in rows] for rows in _batches(statement, parameters))


def first_met_through_links(
    project_id: int, experiments: Sequence[int], received: Stretch | None = None
) -> Iterator[list[LinkedMet]]:
    """Yield in batches what the visitors of each customer met first, in a transaction as above.

    With a stretch, only of customers who were linked, or whose visitors were exposed, in messages received in it.
    """
    parameters: dict[str, Any] = {"experiments": list(experiments), "project": project_id, **_bounds(received)}
    statement = _LINKED if received is None else _LINKED_LATELY
    yield from ([LinkedMet(*row) for row in rows] for rows in _batches(statement, parameters))


def _allocation(epoch: AllocationEpoch) -> Allocation:
    return Allocation(
        coverage=epoch.coverage,
        drawn={
            held.variant.key: tuple((start, end) for start, end in held.ranges)
            for held in epoch.allocations.all()
            if held.state == ArmState.OPEN
        },
    )


def _bounds(received: Stretch | None) -> dict[str, datetime]:
    return {} if received is None else received._asdict()


def _batches(statement: str, parameters: dict[str, Any]) -> Iterator[list[tuple[Any, ...]]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, parameters)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows

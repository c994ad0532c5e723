"""What cells of unit x period add up to, by the clusters over which their errors are."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ibis import Table

from experiments.analysis.inputs import ClusterSums
from experiments.analysis.metrics import MetricSpec, variables
from experiments.analysis.plan import PlannedPeriods
from experiments.statistics.clusters import FEW_CLUSTERS
from experiments.warehouse import own, postgres, recorded
from experiments.warehouse.cells import read_total
from experiments.warehouse.question import Question

Row = Mapping[str, Any]


def own_clusters(question: Question, periods: PlannedPeriods, names: Mapping[int, str]) -> tuple[ClusterSums, ...]:
    """Return the sums of an experiment of our own. names: variants by id."""
    rows = _clustered(partial(own.clusters, question), periods)
    return _sums(rows, question.metrics, names, lambda row, spec: int(row[f"complete_{spec.settled_hours}"]))


def recorded_clusters(
    asked: recorded.Recorded, specs: Sequence[MetricSpec], periods: PlannedPeriods, names: Mapping[int, str]
) -> tuple[ClusterSums, ...]:
    """Return the sums of cells that came in a report. names: variants by id."""
    rows = _clustered(partial(recorded.clusters, asked, specs), periods)
    return _sums(rows, specs, names, lambda row, _: int(row["cells"]))


def _clustered(query: Callable[..., Table], periods: PlannedPeriods) -> list[dict[str, Any]]:
    """Return the rows by unit; by block of a unit where there are too few units for an error over them."""
    rows = postgres.rows(query(block=None))
    if len({row["cluster"] for row in rows}) >= FEW_CLUSTERS:
        return rows
    return postgres.rows(query(block=periods.block))


def _sums(
    rows: Sequence[Row],
    specs: Sequence[MetricSpec],
    names: Mapping[int, str],
    cells: Callable[[Row, MetricSpec], int],
) -> tuple[ClusterSums, ...]:
    order = {cluster: place for place, cluster in enumerate(sorted({row["cluster"] for row in rows}))}
    found = []
    for index, spec in enumerate(specs):
        parts = [variable.name for variable in variables(spec)]
        for variant_id, variant in names.items():
            counts = [0] * len(order)
            sums = {name: [0] * len(order) for name in parts}
            for row in rows:
                if row["variant_id"] == variant_id:
                    place = order[row["cluster"]]
                    counts[place] = cells(row, spec)
                    for name in parts:
                        sums[name][place] = read_total(row, index, name)
            found.append(
                ClusterSums(spec.key, variant, tuple(counts), {name: tuple(values) for name, values in sums.items()})
            )
    return tuple(found)

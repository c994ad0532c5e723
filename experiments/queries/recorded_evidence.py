"""What an import stored of an experiment that was recorded elsewhere: units or totals, in one stratum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.analysis.inputs import CellCount, CellValues, ClusterSums, MetricSums, SegmentSums, Stratum
from experiments.analysis.metrics import MetricSpec
from experiments.analysis.plan import AnalysisPlan
from experiments.models import ExternalAggregate, RecordedImport
from experiments.queries import tallies
from experiments.queries.cell_evidence import recorded_cells
from experiments.queries.cluster_evidence import recorded_clusters
from experiments.queries.designs import RunFacts, variants_of
from experiments.queries.strata import Strata
from experiments.queries.tallies import Place
from experiments.statistics.moments import PowerSums
from experiments.vocabulary import MetricRole, Source
from experiments.warehouse import postgres, recorded

STRATUM = "1"


@dataclass(frozen=True, slots=True)
class RecordedEvidence:
    """The part of an analysis' inputs that comes from recorded units or totals."""

    strata: tuple[Stratum, ...]
    sums: tuple[MetricSums, ...]
    segments: tuple[SegmentSums, ...] = ()
    cells: tuple[CellCount, ...] = ()
    clusters: tuple[ClusterSums, ...] = ()
    cell_values: tuple[CellValues, ...] = ()


def read_recorded(run: RunFacts, plan: AnalysisPlan, record: RecordedImport) -> RecordedEvidence:
    """Return what the import holds; levels only where units were recorded and the plan has dimensions."""
    variants = variants_of(run.id)
    names = {variant.id: variant.key for variant in variants}
    strata = Strata.single({variant.key: variant.weight for variant in variants})
    if run.source is Source.AGGREGATE:
        units = {STRATUM: record.columns["units"]}
        return RecordedEvidence(strata.counted(units), _stored_sums(run.id, names, record.columns["checkpoint"]))
    asked = recorded.Recorded(
        experiment_id=run.id,
        columns=recorded.read_columns(record.columns),
        clustered=bool(record.columns.get("clustered")),
        dimensions=plan.dimensions,
    )
    units, sums = _read_units(asked, [metric.spec for metric in plan.metrics], names)
    if plan.periods is not None:
        clusters = recorded_clusters(asked, [metric.spec for metric in plan.metrics], plan.periods, names)
        specs = [metric.spec for metric in plan.metrics_of(MetricRole.DECISION)]
        values = recorded_cells(asked, specs, names)
        return RecordedEvidence(strata.counted(units), sums, clusters=clusters, cell_values=values)
    if not plan.dimensions:
        return RecordedEvidence(strata.counted(units), sums)
    specs = [metric.spec for metric in plan.metrics_of(MetricRole.DECISION)]
    segments, cells = _read_levels(asked, specs, names)
    return RecordedEvidence(strata.counted(units), sums, segments, strata.cells(cells))


def _read_units(
    asked: recorded.Recorded, specs: Sequence[MetricSpec], names: Mapping[int, str]
) -> tuple[dict[str, Mapping[str, int]], tuple[MetricSums, ...]]:
    units: dict[Place, dict[str, int]] = {}
    sums: dict[Place, PowerSums] = {}
    for row in sorted(postgres.rows(recorded.moments(asked, specs)), key=lambda row: row["variant_id"]):
        variant = names[row["variant_id"]]
        tallies.add_units(units, (STRATUM,), variant, int(row["units"]))
        tallies.add_sums(sums, row, specs, (variant, STRATUM), source=Source.EXTERNAL)
    return tallies.by_stratum(units), tallies.metric_sums(sums)


def _read_levels(
    asked: recorded.Recorded, specs: Sequence[MetricSpec], names: Mapping[int, str]
) -> tuple[tuple[SegmentSums, ...], dict[Place, Mapping[str, int]]]:
    units: dict[Place, dict[str, int]] = {}
    sums: dict[Place, PowerSums] = {}
    rows = postgres.rows(recorded.segments(asked, specs))
    for row in sorted(rows, key=lambda row: (row["variant_id"], row["dimension"], row["level"])):
        variant = names[row["variant_id"]]
        level = (asked.dimensions[row["dimension"]], row["level"])
        tallies.add_units(units, (*level, STRATUM), variant, int(row["units"]))
        tallies.add_sums(sums, row, specs, (*level, variant, STRATUM), source=Source.EXTERNAL)
    levels = tallies.levels_of(units, asked.dimensions)
    return tallies.segment_sums(sums, levels), tallies.in_order(units, levels, [STRATUM])


def _stored_sums(experiment_id: int, names: Mapping[int, str], checkpoint: str) -> tuple[MetricSums, ...]:
    """Return the totals that were recorded at one checkpoint."""
    stored = ExternalAggregate.objects.filter(experiment_id=experiment_id, checkpoint=checkpoint)
    return tuple(
        MetricSums(
            row.metric_key,
            names[row.variant_id],
            row.stratum or STRATUM,
            PowerSums.from_text(
                n=row.units,
                names=row.moments["names"],
                sums=row.moments["sums"],
                products=row.moments["products"],
                nonzero=row.moments["nonzero"],
            ),
        )
        for row in stored.order_by("variant_id", "metric_key")
    )

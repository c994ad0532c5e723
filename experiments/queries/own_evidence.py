"""What the stored evidence of an experiment of our own gives for one look: units, sums and what was left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from experiments.analysis.inputs import DAY_CELLS, FILTER_CELLS, CellCount, MetricSums, SegmentSums, Stratum
from experiments.analysis.scorecard import Exclusions
from experiments.queries import tallies
from experiments.queries.strata import Strata
from experiments.queries.tallies import Place, Row
from experiments.statistics.moments import PowerSums
from experiments.vocabulary import Source
from experiments.warehouse import own, postgres
from experiments.warehouse.question import Question


@dataclass(frozen=True, slots=True)
class OwnEvidence:
    """The part of an analysis' inputs that comes from units; filtered: units left out, by filter and variant."""

    strata: tuple[Stratum, ...]
    sums: tuple[MetricSums, ...]
    unfiltered: tuple[MetricSums, ...]
    segments: tuple[SegmentSums, ...]
    cells: tuple[CellCount, ...]
    exclusions: Exclusions
    filtered: dict[str, dict[str, int]]
    units: int


@dataclass(slots=True)
class _Tally:
    """Sums by (metric, variant, stratum) and units by (stratum) or (dimension, level, stratum), as rows are read."""

    kept: dict[Place, PowerSums] = field(default_factory=dict)
    everybody: dict[Place, PowerSums] = field(default_factory=dict)
    units: dict[Place, dict[str, int]] = field(default_factory=dict)
    days: dict[Place, dict[str, int]] = field(default_factory=dict)
    filtered: dict[Place, dict[str, int]] = field(default_factory=dict)


def read_own(question: Question, names: Mapping[int, str], strata: Strata, decision: Sequence[str]) -> OwnEvidence:
    """Return what the evidence holds: one query, and another one where the question has dimensions.

    names: variants by id. decision: the metrics whose sums are told apart by level.
    """
    rows = sorted(
        postgres.rows(own.moments(question)),
        key=lambda row: (row["epoch"], row["variant_id"], bool(row.get("filtered"))),
    )
    kept = [row for row in rows if not row.get("filtered")]
    tally = _Tally()
    for row in rows:
        _add(tally, question, row, names[row["variant_id"]], strata.of(row["epoch"]))
    segments, cells = _read_segments(question, names, strata, decision) if question.dimensions else ((), {})
    units = tallies.total(kept, "units")
    longest = max(spec.settled_hours for spec in question.metrics)
    return OwnEvidence(
        strata=strata.counted(tallies.by_stratum(tally.units)),
        sums=tallies.metric_sums(tally.kept),
        unfiltered=tallies.metric_sums(tally.everybody) if question.filters else (),
        segments=segments,
        cells=strata.cells(_sorted(tally.days, strata) | cells | _sorted(tally.filtered, strata)),
        exclusions=Exclusions(
            crossovers=tallies.total(rows, "crossed"),
            immature=units - tallies.total(kept, f"complete_{longest}"),
            unverified=tallies.total(kept, "unverified"),
            filtered=tallies.total(rows, "units") - units,
        ),
        filtered=_by_filter(question, tally, names),
        units=units,
    )


def _add(tally: _Tally, question: Question, row: Row, variant: str, stratum: str) -> None:
    tallies.add_sums(tally.everybody, row, question.metrics, (variant, stratum), source=Source.OWN)
    for index, rule in enumerate(question.filters):
        tallies.add_units(tally.filtered, (FILTER_CELLS, rule.key, stratum), variant, int(row[f"f{index}"]))
    if row.get("filtered"):
        return
    tallies.add_sums(tally.kept, row, question.metrics, (variant, stratum), source=Source.OWN)
    tallies.add_units(tally.units, (stratum,), variant, int(row["units"]))
    for day, count in own.read_days(row["days"]).items():
        tallies.add_units(tally.days, (DAY_CELLS, day, stratum), variant, count)


def _read_segments(
    question: Question, names: Mapping[int, str], strata: Strata, decision: Sequence[str]
) -> tuple[tuple[SegmentSums, ...], dict[Place, Mapping[str, int]]]:
    """Return the sums of the decision metrics and the units, by level of each dimension."""
    specs = tuple(spec for spec in question.metrics if spec.key in decision)
    asked = replace(question, metrics=specs)
    sums: dict[Place, PowerSums] = {}
    units: dict[Place, dict[str, int]] = {}
    rows = postgres.rows(own.segments(asked))
    for row in sorted(rows, key=lambda row: (row["epoch"], row["variant_id"], row["dimension"], row["level"])):
        variant, stratum = names[row["variant_id"]], strata.of(row["epoch"])
        level = (question.dimensions[row["dimension"]], row["level"])
        tallies.add_units(units, (*level, stratum), variant, int(row["units"]))
        tallies.add_sums(sums, row, specs, (*level, variant, stratum), source=Source.OWN)
    levels = tallies.levels_of(units, question.dimensions)
    return tallies.segment_sums(sums, levels), tallies.in_order(units, levels, strata.names)


def _sorted(units: Mapping[Place, Mapping[str, int]], strata: Strata) -> dict[Place, Mapping[str, int]]:
    """Return units by (dimension, level, stratum), strata in the order of time and levels in that of their names."""
    order = {name: index for index, name in enumerate(strata.names)}
    return {
        place: units[place]
        for place in sorted(units, key=lambda place: (order.get(place[2], len(order)), place[1]))
        if sum(units[place].values())
    }


def _by_filter(question: Question, tally: _Tally, names: Mapping[int, str]) -> dict[str, dict[str, int]]:
    found = {rule.key: dict.fromkeys(names.values(), 0) for rule in question.filters}
    for (_, key, _), counts in tally.filtered.items():
        for variant, count in counts.items():
            found[key][variant] += count
    return found

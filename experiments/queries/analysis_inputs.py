"""Everything a scorecard is computed from, read from the stored evidence as it was known at a receipt time."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from experiments.analysis.inputs import AnalysisInputs, Health, History, MetricSums, Stratum
from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.scorecard import Exclusions, Scorecard
from experiments.models import AllocationEpoch, ExternalAggregate, Quarantine, RecordedImport
from experiments.models import Scorecard as ScorecardRow
from experiments.queries.designs import RunFacts, variants_of
from experiments.queries.plans import draft_plan
from experiments.statistics.moments import PowerSums
from experiments.vocabulary import ArmState, Source
from experiments.warehouse import own, postgres, recorded
from experiments.warehouse.power_sums import read_sums


def past_scorecards(experiment_id: int, *, before: datetime | None = None) -> list[Scorecard]:
    """Return the experiment's scorecards, oldest first, optionally only those of earlier windows."""
    rows = ScorecardRow.objects.filter(experiment_id=experiment_id).order_by("look")
    if before is not None:
        rows = rows.filter(window_end__lt=before)
    return [Scorecard.from_json(content) for content in rows.values_list("content", flat=True)]


def own_inputs(
    *,
    run: RunFacts,
    plan: AnalysisPlan,
    window_end: datetime,
    received_before: datetime,
    history: History,
) -> AnalysisInputs:
    """Return the inputs of one look at an experiment of our own.

    Units count by their first exposure before `window_end` (and before the stop); messages received at
    `received_before` or later are left out, so that the same look gives the same inputs for ever.
    """
    question = own.Question(
        experiment_id=run.id,
        project_id=run.project_id,
        unit_kind=run.unit_kind,
        metrics=tuple(metric.spec for metric in plan.metrics),
        window_start=run.started_at,
        window_end=window_end,
        received_before=received_before,
        exposed_before=min(window_end, run.stopped_at) if run.stopped_at else window_end,
    )
    names = {variant.id: variant.key for variant in variants_of(run.id)}
    rows = sorted(postgres.rows(own.moments(question)), key=lambda row: (row["epoch"], row["variant_id"]))
    allocations = _allocations(run.id, window_end)
    strata_of = _strata_of(allocations)
    units: dict[str, dict[str, int]] = {}
    sums: dict[tuple[str, str, str], PowerSums] = {}
    for row in rows:
        stratum, variant = strata_of.get(row["epoch"], str(row["epoch"])), names[row["variant_id"]]
        counted = units.setdefault(stratum, {})
        counted[variant] = counted.get(variant, 0) + int(row["units"])
        for index, spec in enumerate(question.metrics):
            complete = int(row[f"complete_{spec.window_hours}"])
            found = read_sums(prefix=f"m{index}", spec=spec, source=Source.OWN, n=complete, row=row)
            place = (spec.key, variant, stratum)
            sums[place] = sums[place].merge(found) if place in sums else found
    longest = max(spec.window_hours for spec in question.metrics)
    total = sum(int(row["units"]) for row in rows)
    return AnalysisInputs(
        experiment=run.key,
        source=run.source,
        window_start=run.started_at,
        window_end=window_end,
        received_before=received_before,
        strata=tuple(_stratum(name, allocations, strata_of, units.get(name, {})) for name in _ordered(strata_of)),
        sums=tuple(MetricSums(metric, variant, stratum, found) for (metric, variant, stratum), found in sums.items()),
        health=Health(
            exclusions=Exclusions(
                crossovers=sum(int(row["crossed"]) for row in rows),
                immature=total - sum(int(row[f"complete_{longest}"]) for row in rows),
                unverified=sum(int(row["unverified"]) for row in rows),
            ),
            rows=total,
            exposures_without_token=sum(int(row["unverified"]) for row in rows),
            allocation_changes=len(allocations) - 1,
            frozen_changes=int(draft_plan(run.id) != plan),
        ),
        history=history,
        is_last=run.stopped_at is not None and window_end >= run.stopped_at + timedelta(hours=longest),
    )


def recorded_inputs(*, run: RunFacts, plan: AnalysisPlan) -> AnalysisInputs:
    """Return the inputs of the one look at an experiment that was recorded elsewhere."""
    record = RecordedImport.objects.get(experiment_id=run.id)
    counts: Mapping[str, Any] = record.counts
    names = {variant.id: variant.key for variant in variants_of(run.id)}
    specs = [metric.spec for metric in plan.metrics]
    if run.source is Source.AGGREGATE:
        units, sums = record.columns["units"], _stored_sums(run.id, names, record.columns["checkpoint"])
    else:
        layout = recorded.read_columns(record.columns)
        randomised = recorded.clusters if record.columns.get("clustered") else recorded.units
        table = randomised(experiment_id=run.id, columns=layout)
        rows = postgres.rows(recorded.moments(randomised=table, metrics=specs, columns=layout))
        units = {names[row["variant_id"]]: int(row["units"]) for row in rows}
        sums = [
            MetricSums(
                spec.key,
                names[row["variant_id"]],
                "1",
                read_sums(prefix=f"m{index}", spec=spec, source=Source.EXTERNAL, n=int(row["units"]), row=row),
            )
            for row in sorted(rows, key=lambda row: row["variant_id"])
            for index, spec in enumerate(specs)
        ]
    weights = {variant.key: variant.weight for variant in variants_of(run.id)}
    return AnalysisInputs(
        experiment=run.key,
        source=run.source,
        window_start=_when(counts.get("first_at")),
        window_end=_when(counts.get("last_at")),
        received_before=None,
        strata=(Stratum(key="1", epoch=1, weights=weights, units={key: units.get(key, 0) for key in weights}),),
        sums=tuple(sums),
        health=Health(
            exclusions=Exclusions(
                crossovers=int(counts.get("crossovers", 0)),
                mismatched_rows=int(counts.get("mismatched", 0)),
                duplicates=int(counts.get("duplicates", 0)),
                quarantined=sum(counts.get("quarantined", {}).values()),
            ),
            rows=int(counts.get("rows_read", 0)),
        ),
    )


def quarantined(*, project_id: int) -> int:
    """Return how many messages of the project are in quarantine."""
    return Quarantine.objects.filter(project_id=project_id, origin="EVENT").count()


def _stored_sums(experiment_id: int, names: Mapping[int, str], checkpoint: str) -> list[MetricSums]:
    """Return the totals that were recorded at one checkpoint."""
    stored = ExternalAggregate.objects.filter(experiment_id=experiment_id, checkpoint=checkpoint)
    return [
        MetricSums(
            row.metric_key,
            names[row.variant_id],
            row.stratum or "1",
            PowerSums.from_text(
                n=row.units,
                names=row.moments["names"],
                sums=row.moments["sums"],
                products=row.moments["products"],
                nonzero=row.moments["nonzero"],
            ),
        )
        for row in stored.order_by("variant_id", "metric_key")
    ]


def _allocations(experiment_id: int, until: datetime) -> dict[int, dict[str, int]]:
    """Return the slots that took new units, by epoch and variant, of the epochs opened before `until`."""
    epochs = AllocationEpoch.objects.filter(experiment_id=experiment_id, opened_at__lt=until).prefetch_related(
        "allocations__variant"
    )
    return {
        epoch.number: {
            held.variant.key: held.weight if held.state == ArmState.OPEN else 0
            for held in sorted(epoch.allocations.all(), key=lambda held: held.variant.position)
        }
        for epoch in epochs.order_by("number")
    }


def _strata_of(allocations: Mapping[int, Mapping[str, int]]) -> dict[int, str]:
    """Return the stratum of each epoch: consecutive epochs of one split share it, since coverage does not bias."""
    strata: dict[int, str] = {}
    last: tuple[str, Mapping[str, int]] | None = None
    for number, weights in allocations.items():
        if last is None or last[1] != weights:
            last = (str(number), weights)
        strata[number] = last[0]
    return strata


def _stratum(
    name: str,
    allocations: Mapping[int, Mapping[str, int]],
    strata_of: Mapping[int, str],
    units: Mapping[str, int],
) -> Stratum:
    first = next(number for number, stratum in strata_of.items() if stratum == name)
    weights = dict(allocations[first])
    return Stratum(key=name, epoch=first, weights=weights, units={key: units.get(key, 0) for key in weights})


def _ordered(strata_of: Mapping[int, str]) -> Sequence[str]:
    return list(dict.fromkeys(strata_of[number] for number in sorted(strata_of)))


def _when(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

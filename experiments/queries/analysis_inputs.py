"""Everything a scorecard is computed from, read from the stored evidence as it was known at a receipt time."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from experiments.analysis.inputs import AnalysisInputs, BrowserReturns, Health, History
from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.scorecard import Exclusions, Scorecard
from experiments.confounds import confounds_of
from experiments.models import IdentityLink, Metric, Outcome, Quarantine, RecordedImport
from experiments.models import Scorecard as ScorecardRow
from experiments.queries.cell_evidence import own_cells
from experiments.queries.cluster_evidence import own_clusters
from experiments.queries.designs import RunFacts, variants_of
from experiments.queries.own_evidence import read_own
from experiments.queries.plans import redrafted
from experiments.queries.recorded_evidence import read_recorded
from experiments.queries.strata import Strata
from experiments.vocabulary import MetricRole, UnitKind
from experiments.warehouse import postgres
from experiments.warehouse.links import conflicts
from experiments.warehouse.question import Calendar, Question
from experiments.warehouse.returning import BROWSER, UNTIL_DAYS, returning
from foundation.queries import project_facts

VARIANT_MISMATCH = "VARIANT_MISMATCH"
"""Why an exposure that names another variant than the one assigned is in quarantine."""
TOO_LATE = "TOO_LATE"
"""Why a message that arrived more than a week after it happened is in quarantine."""


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
    question = Question(
        experiment_id=run.id,
        project_id=run.project_id,
        unit_kind=run.unit_kind,
        metrics=tuple(metric.spec for metric in plan.metrics),
        window_start=run.started_at,
        window_end=window_end,
        received_before=received_before,
        exposed_before=min(window_end, run.stopped_at) if run.stopped_at else window_end,
        zone=project_facts(run.project_id).time_zone,
        dimensions=plan.dimensions,
        filters=plan.filters,
        calendar=_calendar(run, plan),
        has_links=_has_links(run, received_before),
    )
    strata = Strata.until(run.id, window_end)
    decision = [metric.spec.key for metric in plan.metrics_of(MetricRole.DECISION)]
    found = read_own(question, {variant.id: variant.key for variant in variants_of(run.id)}, strata, decision)
    longest = max(spec.settled_hours for spec in question.metrics)
    names = {variant.id: variant.key for variant in variants_of(run.id)}
    return AnalysisInputs(
        experiment=run.key,
        source=run.source,
        window_start=run.started_at,
        window_end=window_end,
        received_before=received_before,
        strata=found.strata,
        sums=found.sums,
        health=Health(
            exclusions=replace(found.exclusions, mismatched_rows=_mismatched(question)),
            rows=found.units,
            exposures_without_token=found.exclusions.unverified,
            allocation_changes=len(strata.allocations) - 1,
            frozen_changes=int(redrafted(run.id, plan) != plan),
            filtered=found.filtered,
            late=_late(question),
            messages=_messages(question),
            redefined=_redefined(run, plan, received_before),
            conflicts=_conflicts(question),
            returns=_returns(question),
            confounds=confounds_of(run.id, known_before=received_before),
        ),
        history=history,
        is_last=run.stopped_at is not None and window_end >= run.stopped_at + timedelta(hours=longest),
        unfiltered=found.unfiltered,
        segments=found.segments,
        cells=found.cells,
        clusters=() if plan.periods is None else own_clusters(question, plan.periods, names),
        cell_values=() if plan.periods is None else own_cells(question, decision, names),
    )


def _has_links(run: RunFacts, received_before: datetime) -> bool:
    """Return whether customers of the project are known to be visitors, where these are what is randomised."""
    links = IdentityLink.objects.filter(project_id=run.project_id, received_at__lt=received_before)
    return run.unit_kind is UnitKind.VISITOR and links.exists()


def _conflicts(question: Question) -> int:
    """Return how many customers were visitors that met different variants."""
    return int(postgres.rows(conflicts(question))[0]["customers"]) if question.has_links else 0


def _returns(question: Question) -> tuple[BrowserReturns, ...]:
    """Return who came back after a week by browser, where the project stores browsers and there was time for it."""
    is_known = BROWSER in project_facts(question.project_id).attributes
    lasted = question.window_end - question.window_start
    if question.unit_kind is not UnitKind.VISITOR or not is_known or lasted < timedelta(days=UNTIL_DAYS):
        return ()
    rows = sorted(postgres.rows(returning(question)), key=lambda row: str(row["browser"]))
    return tuple(BrowserReturns(row["browser"], int(row["visitors"]), int(row["returned"])) for row in rows)


def recorded_inputs(*, run: RunFacts, plan: AnalysisPlan) -> AnalysisInputs:
    """Return the inputs of the one look at an experiment that was recorded elsewhere, or whose report came in."""
    record = RecordedImport.objects.get(experiment_id=run.id)
    counts: Mapping[str, Any] = record.counts
    found = read_recorded(run, plan, record)
    return AnalysisInputs(
        experiment=run.key,
        source=run.source,
        window_start=_when(counts.get("first_at")),
        window_end=_when(counts.get("last_at")),
        received_before=None,
        strata=found.strata,
        sums=found.sums,
        health=Health(
            exclusions=Exclusions(
                crossovers=int(counts.get("crossovers", 0)),
                mismatched_rows=int(counts.get("mismatched", 0)),
                duplicates=int(counts.get("duplicates", 0)),
                quarantined=sum(counts.get("quarantined", {}).values()),
            ),
            rows=int(counts.get("rows_read", 0)),
        ),
        segments=found.segments,
        cells=found.cells,
        is_last=plan.periods is not None,
        clusters=found.clusters,
        cell_values=found.cell_values,
    )


def _calendar(run: RunFacts, plan: AnalysisPlan) -> Calendar | None:
    if plan.periods is None or run.periods_from is None:
        return None
    return Calendar(run.periods_from, plan.periods.minutes, plan.periods.burn_in)


def quarantined(*, project_id: int) -> int:
    """Return how many messages of the project are in quarantine."""
    return Quarantine.objects.filter(project_id=project_id, origin="EVENT").count()


def _mismatched(question: Question) -> int:
    """Return how many exposures of the experiment named another variant than the one assigned; none of them counts."""
    mismatched = Quarantine.objects.filter(
        project_id=question.project_id,
        origin=Quarantine.Origin.EVENT,
        reason=VARIANT_MISMATCH,
        received_at__lt=question.received_before,
        detail__regex=rf"(^|; )experiment {question.experiment_id}(;|$)",
    )
    return mismatched.values("reference").distinct().count()


def _late(question: Question) -> int:
    """Return how many messages about the time of the look came too late to count, by the day of their own time."""
    late = Quarantine.objects.filter(
        project_id=question.project_id,
        origin=Quarantine.Origin.EVENT,
        reason=TOO_LATE,
        received_at__lt=question.received_before,
        payload__day__gte=question.window_start.date().isoformat(),
        payload__day__lte=question.window_end.date().isoformat(),
    )
    return late.values("reference").distinct().count()


def _messages(question: Question) -> int:
    """Return how many messages about the time of the look count as outcomes, by the same days as those too late."""
    return Outcome.objects.filter(
        project_id=question.project_id,
        line=0,
        received_at__lt=question.received_before,
        day__gte=question.window_start.date(),
        day__lte=question.window_end.date(),
    ).count()


def _redefined(run: RunFacts, plan: AnalysisPlan, received_before: datetime) -> tuple[str, ...]:
    """Return the plan's metrics that had got a newer version by then.

    Receipts and the creation of metrics are wall time, also in a project whose clock is simulated.
    """
    planned = {metric.spec.key: metric.spec.version for metric in plan.metrics}
    newer = Metric.objects.filter(
        project_id=run.project_id, key__in=planned, created_at__lt=received_before
    ).values_list("key", "version")
    return tuple(sorted({key for key, version in newer if version > planned[key]}))


def _when(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

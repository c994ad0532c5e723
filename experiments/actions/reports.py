"""Reports on schedules that were handed out: the cells that count become the experiment's evidence, or nothing changes.

A marketplace that cannot randomise shoppers changes a listing by the schedule and sends back what happened in each
cell. The variant is that of the schedule; a report that says otherwise is not believed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from django.db import transaction

from experiments.actions.analysis import analyse_recorded
from experiments.actions.lifecycle import stop
from experiments.assignment.periods import DAY_MINUTES, cell_id
from experiments.models import Experiment, ExternalUnit, Quarantine, RecordedImport, Scorecard
from experiments.queries.designs import variants_of
from experiments.queries.plans import plan_of
from experiments.queries.schedules import ScheduleFacts, schedule_facts, schedule_of
from experiments.recorded.counts import Counts
from experiments.reported.faults import MEANINGS, ReportFault
from experiments.reported.judging import Expected, Judged, judge_report
from experiments.reported.layout import Part, ReportInvalid, parts_of
from experiments.vocabulary import Status
from foundation.actions.journal import write_journal
from foundation.errors import DomainError
from foundation.queries import ProjectFacts, project_facts

TOLERATED = 0.05
"""Share of the rows and cells of a report that may be quarantined."""
BATCH = 5_000


class ReportRefused(DomainError):
    """The report cannot become the experiment's evidence; nothing has changed."""

    code: ClassVar[str] = "REPORT_REFUSED"
    hint = "One report is imported, for an experiment by period whose schedule was handed out."


class TooManyBadRows(DomainError):
    """More of a report is bad or missing than is tolerated; nothing has changed. `judged` says what."""

    code: ClassVar[str] = "TOO_MANY_BAD_ROWS"
    hint = "Mend the report, or raise --tolerate if these rows may really be left out."

    def __init__(self, judged: Judged, tolerated: float) -> None:
        self.judged = judged
        told = "; ".join(f"{number} {fault}: {MEANINGS[fault]}" for fault, number in judged.faults.items())
        super().__init__(f"More than {tolerated:.0%} of the report is bad or missing. {told}.")


@dataclass(frozen=True, slots=True)
class ReportImported:
    """What became of a report. `already` when the same one was imported before."""

    experiment_id: int
    already: bool
    planned: int
    missing: int


@transaction.atomic
def import_report(
    *,
    experiment_id: int,
    path: Path,
    acting_user: str,
    now: datetime,
    tolerated: float = TOLERATED,
    missing_is_zero: bool = False,
) -> ReportImported:
    """Import the report on an experiment's schedule, stop the experiment and take the one look at it.

    missing_is_zero: an empty value and a missing row mean that nothing happened. The same report again changes nothing.
    Raises ScheduleImpossible, ReportInvalid, ReportRefused, TooManyBadRows, IllegalTransition.
    """
    row = Experiment.objects.select_for_update().get(pk=experiment_id)
    facts = schedule_facts(experiment_id)
    fingerprint = _fingerprint(path, missing_is_zero=missing_is_zero)
    known = RecordedImport.objects.filter(experiment_id=experiment_id).first()
    if known is not None:
        if known.fingerprint != fingerprint:
            raise ReportRefused(f"Another report on experiment {row.key} was imported before; it is never replaced.")
        return ReportImported(
            experiment_id, already=True, planned=known.counts["planned_cells"], missing=known.counts["missing_cells"]
        )
    if not facts.units:
        raise ReportRefused(f"No schedule of experiment {row.key} was handed out.", hint="Run bin/manage schedule.")
    if Scorecard.objects.filter(experiment_id=experiment_id).exists():
        raise ReportRefused(f"Experiment {row.key} has been looked at by its own events already.")
    plan = plan_of(experiment_id)
    parts = parts_of([metric.spec for metric in plan.metrics])
    expected = _expected(facts)
    judged = _judged(path, parts, expected, missing_is_zero=missing_is_zero)
    planned = len(expected.cells)
    if judged.bad_rows > tolerated * max(1, judged.rows_read) or judged.missing > tolerated * planned:
        raise TooManyBadRows(judged, tolerated)
    if not judged.counted:
        raise ReportRefused("The report has no cell that counts.")
    counts = _counts(judged, planned)
    RecordedImport.objects.create(
        experiment_id=experiment_id,
        manifest={"report": path.name, "missing_is_zero": missing_is_zero, "tolerated": tolerated},
        fingerprint=fingerprint,
        counts=counts,
        columns={
            "totals": [{"metric": part.metric, "part": part.part} for part in parts],
            "covariates": [],
            "clustered": False,
        },
    )
    _copy(experiment_id, judged)
    _quarantine(row.project_id, experiment_id, path.name, judged)
    _finish(row, project_facts(row.project_id), path.name, counts, acting_user, now)
    return ReportImported(experiment_id, already=False, planned=planned, missing=judged.missing)


def _fingerprint(path: Path, *, missing_is_zero: bool) -> str:
    try:
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256")
    except OSError as error:
        raise ReportInvalid(f"{path}: cannot be opened: {error.strerror}.", hint="Check the path.") from error
    digest.update(b"missing is zero" if missing_is_zero else b"")
    return digest.hexdigest()


def _expected(facts: ScheduleFacts) -> Expected:
    """Return the schedule that was handed out; an id also counts with the apostrophe that tamed it for spreadsheets."""
    cells = schedule_of(facts, facts.units, facts.periods).cells
    planned = dict.fromkeys(cell.unit for cell in cells)
    return Expected(
        cells={(cell.unit, cell.period): cell for cell in cells},
        units={f"'{unit}": unit for unit in planned} | {unit: unit for unit in planned},
        zone=facts.zone,
        daily=facts.minutes == DAY_MINUTES,
    )


def _judged(path: Path, parts: Sequence[Part], expected: Expected, *, missing_is_zero: bool) -> Judged:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return judge_report(lines, parts, expected, missing_is_zero=missing_is_zero)
    except UnicodeDecodeError as error:
        raise ReportInvalid(f"{path.name}: is not UTF-8 text (byte {error.start}).") from error


def _counts(judged: Judged, planned: int) -> dict[str, Any]:
    starts = sorted({found.cell.start for found in judged.counted})
    ends = max(found.cell.end for found in judged.counted)
    rows = {fault.value: number for fault, number in sorted(judged.faults.items()) if fault != ReportFault.MISSING_CELL}
    counts = Counts(
        rows_read=judged.rows_read,
        rows_kept=judged.rows_read - judged.bad_rows,
        quarantined=rows,
        first_at=starts[0].isoformat(),
        last_at=ends.isoformat(),
    )
    return counts.to_dict() | {"planned_cells": planned, "missing_cells": judged.missing}


def _copy(experiment_id: int, judged: Judged) -> None:
    ids = {variant.key: variant.id for variant in variants_of(experiment_id)}
    ExternalUnit.objects.bulk_create(
        (
            ExternalUnit(
                experiment_id=experiment_id,
                unit=cell_id(found.cell.unit, found.cell.period),
                variant_id=ids[found.cell.variant],
                occurred_at=found.cell.start,
                cluster=found.cell.unit,
                totals=list(found.values),
                covariates=[],
            )
            for found in judged.counted
        ),
        batch_size=BATCH,
    )


def _quarantine(project_id: int, experiment_id: int, name: str, judged: Judged) -> None:
    Quarantine.objects.bulk_create(
        (
            Quarantine(
                project_id=project_id,
                experiment_id=experiment_id,
                origin=Quarantine.Origin.IMPORT,
                reference=f"{name}:line {example.line}" if example.line else f"{name}:{example.about}",
                reason=example.fault.value,
                detail=f"{example.about}: {MEANINGS[example.fault]}.",
                payload={"file": name, "line": example.line or None, "value": example.value},
            )
            for example in judged.examples
        ),
        batch_size=500,
        ignore_conflicts=True,  # a quoted line break can give two rows the number of one line
    )


def _finish(
    row: Experiment, project: ProjectFacts, name: str, counts: dict[str, Any], acting_user: str, now: datetime
) -> None:
    """Note in the journal what came in, end the experiment where it still runs, and take the one look at it."""
    write_journal(
        project_id=row.project_id,
        at=project.clock.at(now),
        actor=acting_user,
        action="experiment.report",
        subject=f"experiment:{row.key}",
        reason=f"Report on the schedule: {name}",
        after={"counts": counts},
    )
    if Status(row.status) in (Status.RUNNING, Status.PAUSED):
        stop(experiment_id=row.pk, acting_user=acting_user, now=now, reason=f"Its report has come in: {name}")
    analyse_recorded(experiment_id=row.pk)

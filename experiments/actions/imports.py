"""Import of experiments that were recorded elsewhere: everything of an import becomes a record, or nothing does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from django.db import DataError, connection, transaction

from experiments.actions.analysis import analyse_recorded
from experiments.actions.design import KeyTaken, create_experiment
from experiments.actions.import_design import experiment_draft, metric_drafts
from experiments.actions.import_rows import copy_units, insert_aggregates, quarantine_rows
from experiments.actions.lifecycle import launch, stop, submit
from experiments.models import Experiment, RecordedImport
from experiments.queries.designs import variants_of
from experiments.recorded.counts import BadRow, Counts
from experiments.recorded.files import DataFile, DataInvalid
from experiments.recorded.layout import Layout
from experiments.recorded.manifest import Manifest
from experiments.recorded.manifest_parts import SourceKind
from experiments.recorded.recording import Part, Recording, examine_files, fingerprint, opened_recording
from experiments.recorded.units import unit_rows
from experiments.vocabulary import PERSONAL_UNITS
from foundation.actions.journal import write_journal
from foundation.errors import DomainError
from foundation.ids import hash_unit
from foundation.queries import ProjectFacts, project_by_key

Progress = Callable[[str], None]

IMPORT_LOCK = 7_202_601
"""First key of the advisory lock that an import holds; the second is the project's id."""


class RecordedDifferently(DomainError):
    """The experiment's key is taken by other data, another manifest, or an experiment of our own."""

    code = "RECORDED_DIFFERENTLY"
    hint = "Choose another experiment.key in the manifest; what was imported once is never replaced."


@dataclass(frozen=True, slots=True)
class Imported:
    """An experiment as it stands after an import; `already` when the same manifest and data were imported before."""

    experiment_id: int
    key: str
    already: bool


@dataclass(frozen=True, slots=True)
class _Order:
    """Who imports what, into which project, and when."""

    project: ProjectFacts
    manifest: Manifest
    files: tuple[DataFile, ...]
    fingerprint: str
    acting_user: str
    now: datetime
    progress: Progress


def import_recorded(
    *,
    manifest: Manifest,
    paths: Sequence[Path],
    workspaces: Path,
    acting_user: str,
    now: datetime,
    progress: Progress,
) -> tuple[Imported, ...]:
    """Import the experiments of a manifest, take the one look at each and return them in the order of their keys.

    Units keep the variant that was recorded; personal ids are hashed with the project's pepper. Importing the same
    manifest and data again changes nothing. workspaces: folder for temporary files; progress: takes sentences.
    Raises ProjectUnknown, DataInvalid, RecordedDifferently, MetricTaken; then nothing has changed.
    """
    project = project_by_key(manifest.project)
    files = examine_files(manifest, paths)
    progress(f"Reading {', '.join(file.name for file in files)}.")
    order = _Order(project, manifest, files, fingerprint(manifest, files), acting_user, now, progress)
    known = _imported_before(order)
    if known:
        return known
    if not manifest.experiment.many:
        _refuse_taken_key(order, manifest.experiment.key)
    try:
        with opened_recording(manifest, files, workspaces=workspaces, project_zone=project.time_zone) as recording:
            return _record(order, recording)
    except KeyTaken as taken:
        raise RecordedDifferently(taken.message) from taken
    except DataError as error:
        raise DataInvalid(
            f"The totals are too large to be added up: {error}.", hint="Check columns and money_unit of the outcomes."
        ) from error


def _imported_before(order: _Order) -> tuple[Imported, ...]:
    rows = RecordedImport.objects.filter(
        experiment__project_id=order.project.id, fingerprint=order.fingerprint
    ).select_related("experiment")
    return tuple(
        Imported(row.experiment_id, row.experiment.key, already=True) for row in rows.order_by("experiment__key")
    )


def _refuse_taken_key(order: _Order, key: str) -> None:
    row = Experiment.objects.filter(project_id=order.project.id, key=key).first()
    if row is None:
        return
    if not RecordedImport.objects.filter(experiment=row).exists():
        raise RecordedDifferently(f"Project {order.project.key} already has an experiment {key} of its own.")
    raise RecordedDifferently(
        f"Experiment {key} of project {order.project.key} was imported before, from other data or another manifest."
    )


def _record(order: _Order, recording: Recording) -> tuple[Imported, ...]:
    """Write all experiments in one transaction; imports into one project wait for each other."""
    rows = recording.manifest.source is SourceKind.ROWS
    record_part = partial(_record_units if rows else _record_aggregates, order, recording)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [IMPORT_LOCK, order.project.id])
        known = _imported_before(order)
        if known:
            return known
        done = [Imported(record_part(part), part.key, already=False) for part in recording.parts]
        quarantine_rows(project_id=order.project.id, experiment_id=None, examples=recording.unattributed())
    return tuple(sorted(done, key=lambda imported: imported.key))


def _record_units(order: _Order, recording: Recording, part: Part) -> int:
    found, examples = recording.units(part)
    manifest, layout = recording.manifest, recording.loaded.layout
    experiment_id = _create(order, part, found.units)
    ids = {variant.key: variant.id for variant in variants_of(experiment_id)}
    positions = {index: ids[variant.key] for index, variant in enumerate(manifest.variants) if variant.key in ids}
    order.progress(f"{part.key}: writing {found.counts.rows_kept} of {found.counts.rows_read} rows.")
    copy_units(
        experiment_id=experiment_id,
        variant_ids=positions,
        rows=unit_rows(
            found,
            hash_unit=partial(hash_unit, order.project.pepper, manifest.columns.unit_kind),
            hash_cluster=_cluster_hasher(order),
        ),
    )
    return _finish(order, part, experiment_id, found.counts, examples, _columns_of(layout, manifest))


def _record_aggregates(order: _Order, recording: Recording, part: Part) -> int:
    found = recording.aggregates(part)
    experiment_id = _create(order, part, found.units)
    ids = {variant.key: variant.id for variant in variants_of(experiment_id)}
    insert_aggregates(experiment_id=experiment_id, variant_ids=ids, totals=found.totals)
    columns = {"totals": [], "covariates": [], "checkpoint": found.checkpoint, "units": found.units}
    return _finish(order, part, experiment_id, found.counts, found.examples, columns)


def _create(order: _Order, part: Part, units: Mapping[str, int]) -> int:
    """Create the draft with the variants that have units and return its id."""
    metrics = metric_drafts(order.manifest, project_id=order.project.id, acting_user=order.acting_user, now=order.now)
    variants = [variant for variant in order.manifest.variants if units[variant.key]]
    draft = experiment_draft(order.manifest, part, variants=variants, metrics=metrics)
    return create_experiment(project_id=order.project.id, draft=draft, acting_user=order.acting_user, now=order.now)


def _finish(
    order: _Order,
    part: Part,
    experiment_id: int,
    counts: Counts,
    examples: Sequence[BadRow],
    columns: Mapping[str, Any],
) -> int:
    """Record where the experiment came from, walk it to its end and take the one look at it."""
    names = ", ".join(file.name for file in order.files)
    RecordedImport.objects.create(
        experiment_id=experiment_id,
        manifest=msgspec.to_builtins(order.manifest),
        fingerprint=order.fingerprint,
        counts=counts.to_dict(),
        columns=columns,
    )
    quarantine_rows(project_id=order.project.id, experiment_id=experiment_id, examples=examples)
    write_journal(
        project_id=order.project.id,
        at=order.project.clock.at(order.now),
        actor=order.acting_user,
        action="experiment.import",
        subject=f"experiment:{part.key}",
        reason=f"Recorded elsewhere: {names}",
        after={"fingerprint": order.fingerprint, "counts": counts.to_dict()},
    )
    actor, now = order.acting_user, order.now
    submit(experiment_id=experiment_id, acting_user=actor, now=now, reason=f"Recorded elsewhere: {names}")
    launch(experiment_id=experiment_id, acting_user=actor, now=now, reason="Freezes the plan of the manifest")
    stop(experiment_id=experiment_id, acting_user=actor, now=now, reason="Was over when it was imported")
    order.progress(f"{part.key}: analysing.")
    analyse_recorded(experiment_id=experiment_id)
    return experiment_id


def _columns_of(layout: Layout, manifest: Manifest) -> dict[str, Any]:
    """Return where each part of each metric stands in the arrays of a unit, and whether units come in clusters."""
    return {
        "totals": [{"metric": slot.metric, "part": slot.part} for slot in layout.totals],
        "covariates": [{"metric": slot.metric, "part": slot.part} for slot in layout.covariates],
        "clustered": manifest.columns.cluster is not None,
    }


def _cluster_hasher(order: _Order) -> Callable[[str], str]:
    kind = order.manifest.columns.cluster_kind
    return partial(hash_unit, order.project.pepper, kind) if kind in PERSONAL_UNITS else str

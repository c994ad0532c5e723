"""From a bundle's content to a snapshot, or to an error that names the path of the fault."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

from experiments.assignment.arms import compile_arms
from experiments.assignment.bucketing import SLOTS, Purpose, slot_prefix
from experiments.assignment.calendars import read_periods
from experiments.assignment.flags import compile_flags
from experiments.assignment.indexing import plan_units
from experiments.assignment.reading import (
    BundleInvalid,
    read_flag,
    read_integer,
    read_list,
    read_moment,
    read_object,
    read_ranges,
    read_text,
)
from experiments.assignment.snapshot import Experiment, Holdout, Snapshot
from experiments.assignment.targeting import AudienceInvalid, Predicate, compile_audience, required_values
from experiments.vocabulary import Reason, Status, UnitKind

READABLE_SCHEMAS = (3, 2, 1)
"""The schema that publishers write now, and those before it that the golden vectors and old files hold."""

_STATUSES = tuple(status.value for status in Status)
_UNIT_KINDS = tuple(kind.value for kind in UnitKind)
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)


class _Shared(NamedTuple):
    """Equal parts of different experiments, kept once: it is the processor's cache that sets the speed."""

    predicates: dict[str, Predicate]
    boundaries: dict[tuple[int, ...], tuple[int, ...]]


def compile_snapshot(content: object) -> Snapshot:
    """Return the snapshot of a bundle's content (schema 1 to 3, parsed from JSON).

    Raises:
        BundleInvalid: the content is malformed or contradicts itself; the message begins with the path.
    """
    bundle = read_object(content, "bundle")
    schema = bundle.get("schema")
    if schema not in READABLE_SCHEMAS or isinstance(schema, bool):
        raise BundleInvalid(f"bundle.schema: {schema!r} cannot be read, only {READABLE_SCHEMAS}.")
    project = read_object(bundle.get("project"), "bundle.project")
    holdouts = {holdout.id: holdout for holdout in _holdouts(bundle)}
    layers = dict(_layers(bundle))
    experiments: dict[str, Experiment] = {}
    ids: set[int] = set()
    shared = _Shared({}, {})
    for index, entry in enumerate(read_list(bundle.get("experiments"), "bundle.experiments")):
        path = f"bundle.experiments[{index}]"
        experiment = _experiment(read_object(entry, path), path, holdouts, layers, shared)
        if experiment.key in experiments or experiment.id in ids:
            raise BundleInvalid(f"{path}: experiment {experiment.key!r} ({experiment.id}) appears twice.")
        experiments[experiment.key] = experiment
        ids.add(experiment.id)
    _refuse_shared_slots(experiments.values())
    latest_opening = max((e.epoch_opened_at for e in experiments.values()), default=_BEGINNING)
    sticky = _sticky(experiments.values())
    plans = plan_units(tuple(experiments.values()), layers)
    return Snapshot(
        project_id=read_integer(project, "id", "bundle.project"),
        project_key=read_text(project, "key", "bundle.project"),
        version=read_integer(bundle, "version", "bundle"),
        experiments=experiments,
        holdouts=holdouts,
        layer_prefixes=layers,
        plans=plans,
        latest_opening=latest_opening,
        swift_from=_END if sticky else latest_opening,
        sticky=MappingProxyType(sticky),
        flags=MappingProxyType(compile_flags(bundle, layers, tuple(experiments.values()), plans)),
    )


def _sticky(experiments: Iterable[Experiment]) -> dict[str, tuple[Experiment, ...]]:
    found: dict[str, tuple[Experiment, ...]] = {}
    for experiment in experiments:
        if experiment.is_sticky and experiment.is_running:
            found[experiment.unit_kind] = (*found.get(experiment.unit_kind, ()), experiment)
    return found


def _holdouts(bundle: Mapping[str, object]) -> Iterator[Holdout]:
    seen: set[int] = set()
    for index, entry in enumerate(read_list(bundle.get("holdouts"), "bundle.holdouts")):
        path = f"bundle.holdouts[{index}]"
        holdout = read_object(entry, path)
        identity = read_integer(holdout, "id", path)
        if identity in seen:
            raise BundleInvalid(f"{path}.id: holdout {identity} appears twice.")
        seen.add(identity)
        yield Holdout(
            id=identity,
            key=read_text(holdout, "key", path),
            unit_kind=_unit_kind(holdout, path),
            share=read_integer(holdout, "share", path, most=SLOTS),
            prefix=slot_prefix(read_text(holdout, "salt", path), Purpose.HOLDOUT),
        )


def _layers(bundle: Mapping[str, object]) -> Iterator[tuple[int, bytes]]:
    seen: set[int] = set()
    for index, entry in enumerate(read_list(bundle.get("layers"), "bundle.layers")):
        path = f"bundle.layers[{index}]"
        layer = read_object(entry, path)
        identity = read_integer(layer, "id", path)
        if identity in seen:
            raise BundleInvalid(f"{path}.id: layer {identity} appears twice.")
        seen.add(identity)
        read_text(layer, "key", path)
        yield identity, slot_prefix(read_text(layer, "salt", path), Purpose.LAYER)


def _experiment(
    entry: Mapping[str, object],
    path: str,
    holdouts: Mapping[int, Holdout],
    layers: Mapping[int, bytes],
    shared: _Shared,
) -> Experiment:
    salt = read_text(entry, "salt", path)
    status = read_text(entry, "status", path)
    if status not in _STATUSES:
        raise BundleInvalid(f"{path}.status: unknown status {status!r}.")
    layer = _reference(entry, "layer", path, layers)
    audience = entry.get("audience")
    unit_kind = _unit_kind(entry, path)
    epoch = read_integer(entry, "epoch", path)
    identity, key = read_integer(entry, "id", path), read_text(entry, "key", path)
    arms = compile_arms(entry, path, (identity, key, unit_kind), epoch)
    coverage = read_integer(entry, "coverage", path, most=SLOTS)
    is_running = status == Status.RUNNING
    return Experiment(
        id=identity,
        key=key,
        unit_kind=unit_kind,
        is_running=is_running,
        is_personalised=read_flag(entry, "personalised", path),
        epoch=epoch,
        epoch_opened_at=read_moment(entry, "epoch_opened_at", path),
        layer=layer,
        layer_ranges=() if layer is None else read_ranges(entry.get("layer_ranges"), f"{path}.layer_ranges"),
        holdout=_reference(entry, "holdout", path, holdouts),
        admits=None if audience is None else _predicate(audience, f"{path}.audience", shared),
        required=required_values(audience),
        coverage=coverage if is_running and coverage < SLOTS else SLOTS,  # One object for all: see _Shared.
        coverage_prefix=slot_prefix(salt, Purpose.COVERAGE),
        variant_prefix=slot_prefix(salt, Purpose.VARIANT),
        boundaries=shared.boundaries.setdefault(arms.boundaries, arms.boundaries),
        draws=arms.draws if is_running else (arms.refused[Reason.NOT_RUNNING],) * len(arms.draws),
        variants=arms.variants,
        overrides=arms.overrides,
        refused=arms.refused,
        is_sticky="sticky" in entry and read_flag(entry, "sticky", path),
        periods=read_periods(entry.get("period"), f"{path}.period", salt, unit_kind),
        settling=arms.settling,
    )


def _predicate(audience: object, path: str, shared: _Shared) -> Predicate:
    try:
        name = json.dumps(audience, sort_keys=True)
        if name not in shared.predicates:
            shared.predicates[name] = compile_audience(audience, path=path)
        return shared.predicates[name]
    except AudienceInvalid as error:
        raise BundleInvalid(error.message, hint=error.hint) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise BundleInvalid(f"{path}: is not JSON.") from error


def _unit_kind(entry: Mapping[str, object], path: str) -> str:
    kind = read_text(entry, "unit_kind", path)
    if kind not in _UNIT_KINDS:
        raise BundleInvalid(f"{path}.unit_kind: unknown kind {kind!r}; use one of {', '.join(_UNIT_KINDS)}.")
    return kind


def _reference(entry: Mapping[str, object], name: str, path: str, known: Mapping[int, object]) -> int | None:
    if entry.get(name) is None:
        return None
    reference = read_integer(entry, name, path)
    if reference not in known:
        raise BundleInvalid(f"{path}.{name}: there is no {name} {reference} in this bundle.")
    return reference


def _refuse_shared_slots(experiments: Iterable[Experiment]) -> None:
    taken: dict[int, list[tuple[int, int, str]]] = {}
    for experiment in experiments:
        if experiment.layer is not None:
            spans = taken.setdefault(experiment.layer, [])
            spans.extend((start, end, experiment.key) for start, end in experiment.layer_ranges)
    for layer, spans in taken.items():
        spans.sort()
        for (_, end, first), (start, _, second) in pairwise(spans):
            if start < end:
                raise BundleInvalid(f"bundle.layers: {first!r} and {second!r} share slot {start} of layer {layer}.")

"""Experiments laid out by unit kind, layer and audience, so that a call meets only those a unit can be in."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from experiments.assignment.bucketing import draw_slot
from experiments.assignment.segments import cut_segments
from experiments.assignment.snapshot import Assignment, Experiment, LayerIndex, UnitPlan
from experiments.vocabulary import Reason


def plan_units(experiments: Sequence[Experiment], layers: Mapping[int, bytes]) -> tuple[UnitPlan, ...]:
    """Return one plan for each unit kind that some experiment randomises, in the order of the bundle."""
    kinds = dict.fromkeys(experiment.unit_kind for experiment in experiments)
    return tuple(_plan(kind, [e for e in experiments if e.unit_kind == kind], layers) for kind in kinds)


def owner_of(layer: LayerIndex, unit: bytes) -> Experiment | None:
    """Return the experiment that holds a unit's slot of a layer."""
    return layer.owners[bisect_right(layer.boundaries, draw_slot(layer.prefix, unit))]


def _plan(kind: str, experiments: Sequence[Experiment], layers: Mapping[int, bytes]) -> UnitPlan:
    unlayered = [experiment for experiment in experiments if experiment.layer is None]
    return UnitPlan(
        unit_kind=kind,
        layers=tuple(_layer_indexes(experiments, layers)),
        unlayered=tuple(experiment for experiment in unlayered if experiment.required is None),
        by_attribute=_attribute_indexes(unlayered),
        overrides=_overrides(experiments),
        unit_missing=_refusals(experiments, Reason.UNIT_MISSING),
        unit_invalid=_refusals(experiments, Reason.UNIT_INVALID),
        has_periods=any(experiment.periods is not None for experiment in experiments),
    )


def _refusals(experiments: Iterable[Experiment], reason: Reason) -> tuple[Assignment, ...]:
    return tuple(Assignment(e.refused[reason if e.is_running else Reason.NOT_RUNNING]) for e in experiments)


def _layer_indexes(experiments: Iterable[Experiment], layers: Mapping[int, bytes]) -> Iterable[LayerIndex]:
    members: dict[int, list[Experiment]] = {}
    for experiment in experiments:
        if experiment.layer is not None:
            members.setdefault(experiment.layer, []).append(experiment)
    for layer, owned in members.items():
        boundaries, owners = cut_segments(
            (start, end, experiment) for experiment in owned for start, end in experiment.layer_ranges
        )
        yield LayerIndex(prefix=layers[layer], boundaries=boundaries, owners=owners)


def _attribute_indexes(
    experiments: Iterable[Experiment],
) -> tuple[tuple[str, Mapping[str, tuple[Experiment, ...]]], ...]:
    indexes: dict[str, dict[str, list[Experiment]]] = {}
    for experiment in experiments:
        if experiment.required is not None:
            attribute, texts = experiment.required
            for text in texts:
                indexes.setdefault(attribute, {}).setdefault(text, []).append(experiment)
    return tuple(
        (attribute, MappingProxyType({text: tuple(found) for text, found in index.items()}))
        for attribute, index in indexes.items()
    )


def _overrides(experiments: Iterable[Experiment]) -> Mapping[str, tuple[Assignment, ...]]:
    answers: dict[str, list[Assignment]] = {}
    for experiment in experiments:
        for unit_id, variant in experiment.overrides.items():
            if experiment.is_running:
                answers.setdefault(unit_id, []).append(Assignment(variant.overridden))
    return MappingProxyType({unit_id: tuple(found) for unit_id, found in answers.items()})

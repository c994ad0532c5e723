"""The arms of one experiment: who owns which variant slot, and the answers that are ready before anyone asks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from experiments.assignment.bucketing import SLOTS
from experiments.assignment.reading import (
    BundleInvalid,
    freeze,
    read_flag,
    read_integer,
    read_list,
    read_object,
    read_ranges,
    read_text,
)
from experiments.assignment.segments import cut_segments
from experiments.assignment.snapshot import Answer, Variant
from experiments.vocabulary import ArmState, Reason

Identity = tuple[int, str, str]
"""Id, key and unit kind of the experiment: how every answer begins."""

REFUSALS = (
    Reason.NOT_RUNNING,
    Reason.NOT_STARTED,
    Reason.UNIT_MISSING,
    Reason.UNIT_INVALID,
    Reason.HOLDOUT,
    Reason.LAYER_TAKEN,
    Reason.AUDIENCE,
    Reason.COVERAGE,
    Reason.BLACKOUT,
    Reason.ARM_CLOSED,
    Reason.PERSONALISATION_OFF,
    Reason.STICKY_UNAVAILABLE,
    Reason.ALIAS_UNKNOWN,
    Reason.ENGINE_ERROR,
)


_STATES = tuple(state.value for state in ArmState)


@dataclass(frozen=True, slots=True)
class Arms:
    """The part of an experiment that its variants make up."""

    boundaries: tuple[int, ...]
    draws: tuple[Answer, ...]
    variants: Mapping[str, Variant]
    overrides: Mapping[str, Variant]
    refused: Mapping[Reason, Answer]
    settling: tuple[Answer, ...]


def compile_arms(entry: Mapping[str, object], path: str, identity: Identity, epoch: int) -> Arms:
    """Return the arms of an experiment's entry.

    Raises:
        BundleInvalid: not exactly one control, a key twice, weights that do not sum to a million, ranges that
            overlap or do not add up to the variant's weight, or an override to an unknown variant.
    """
    variants: dict[str, Variant] = {}
    spans: list[tuple[int, int, Variant]] = []
    for index, item in enumerate(read_list(entry.get("variants"), f"{path}.variants")):
        where = f"{path}.variants[{index}]"
        record = read_object(item, where)
        variant = _variant(record, where, identity, epoch)
        if variant.key in variants:
            raise BundleInvalid(f"{where}.key: variant {variant.key!r} appears twice.")
        variants[variant.key] = variant
        ranges = read_ranges(record.get("ranges"), f"{where}.ranges")
        if sum(end - start for start, end in ranges) != variant.weight:
            raise BundleInvalid(f"{where}.ranges: do not add up to the weight {variant.weight}.")
        spans.extend((start, end, variant) for start, end in ranges)
    controls = [variant for variant in variants.values() if variant.is_control]
    if len(controls) != 1:
        raise BundleInvalid(f"{path}.variants: must have exactly one control, not {len(controls)}.")
    total = sum(variant.weight for variant in variants.values())
    if total != SLOTS:
        raise BundleInvalid(f"{path}.variants: weights sum to {total}, not to {SLOTS}.")
    refused = {reason: _refusal(identity, controls[0], epoch, reason) for reason in REFUSALS}
    closed = refused[Reason.ARM_CLOSED]
    try:
        boundaries, owners = cut_segments(spans)
    except ValueError as error:
        raise BundleInvalid(f"{path}.variants: {error}") from error
    return Arms(
        boundaries=boundaries,
        draws=tuple(arm.drawn if arm is not None and arm.state == ArmState.OPEN else closed for arm in owners),
        variants=MappingProxyType(variants),
        overrides=MappingProxyType(dict(_overrides(entry, path, variants))),
        refused=MappingProxyType(refused),
        settling=tuple(arm.settling if arm is not None and arm.state == ArmState.OPEN else closed for arm in owners),
    )


def _variant(record: Mapping[str, object], path: str, identity: Identity, epoch: int) -> Variant:
    state = read_text(record, "state", path)
    if state not in _STATES:
        raise BundleInvalid(f"{path}.state: unknown state {state!r}; use one of {', '.join(_STATES)}.")
    key = read_text(record, "key", path)
    weight = read_integer(record, "weight", path, most=SLOTS)
    parameters = read_object(freeze(read_object(record.get("parameters"), f"{path}.parameters")), path)
    share = weight / SLOTS
    budget = None if record.get("budget") is None else read_integer(record, "budget", path)

    def given(reason: Reason, probability: float | None) -> Answer:
        enrolled = probability is not None
        return Answer(*identity, key, enrolled, reason, epoch, probability or 0.0, parameters, budget)

    return Variant(
        key=key,
        is_control=read_flag(record, "control", path),
        state=ArmState(state),
        weight=weight,
        parameters=parameters,
        drawn=given(Reason.SPLIT, share),
        kept=given(Reason.STICKY, share),
        overridden=given(Reason.OVERRIDE, None),
        previewed=given(Reason.PREVIEW, None),
        settling=given(Reason.BURN_IN, None),
    )


def _overrides(
    entry: Mapping[str, object], path: str, variants: Mapping[str, Variant]
) -> Iterator[tuple[str, Variant]]:
    for unit_id, key in read_object(entry.get("overrides"), f"{path}.overrides").items():
        variant = variants.get(key) if isinstance(key, str) else None
        if variant is None:
            raise BundleInvalid(f"{path}.overrides: {key!r} is not a variant of this experiment.")
        yield unit_id, variant


def _refusal(identity: Identity, control: Variant, epoch: int, reason: Reason) -> Answer:
    return Answer(*identity, control.key, False, reason, epoch, 0.0, control.parameters)

"""Flags: parameters that storefronts ask for by name, each with a type, a default and the experiments that can set it.

A flag of a layer is set by the experiments of that layer; a flag without a layer by the one experiment without a layer
whose variants have a parameter of its key.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from types import MappingProxyType

from experiments.assignment.bucketing import encode_unit
from experiments.assignment.indexing import owner_of
from experiments.assignment.reading import BundleInvalid, read_integer, read_list, read_object, read_text
from experiments.assignment.snapshot import Answer, Assignment, Experiment, Flag, UnitPlan
from experiments.vocabulary import FlagKind, Reason

LARGEST_INTEGER = 2**53 - 1
"""Beyond it JavaScript rounds."""

_KINDS = tuple(kind.value for kind in FlagKind)
_SERVED = frozenset({Reason.OVERRIDE, Reason.PREVIEW, Reason.BURN_IN})
"""Reasons under which a variant is served though nobody is enrolled."""


def value_fault(kind: FlagKind, value: object) -> str | None:
    """Return what a value of this type must be, where the given one is not; None where it fits.

    A truth value is no number; a number with a decimal point is no whole number, 20.0 included.
    """
    match kind:
        case FlagKind.BOOLEAN:
            return None if isinstance(value, bool) else "must be true or false"
        case FlagKind.STRING:
            return None if isinstance(value, str) and _is_sendable(value) else "must be a text"
        case FlagKind.INTEGER:
            fits = type(value) is int and abs(value) <= LARGEST_INTEGER
            return None if fits else f"must be a whole number of at most {LARGEST_INTEGER}, without a decimal point"
        case FlagKind.FLOAT:
            return None if _is_finite(value) else "must be a finite number"
        case FlagKind.OBJECT:
            return None if isinstance(value, Mapping) and _is_sendable(value) else "must be an object"


def render_value(kind: FlagKind, value: object) -> str:
    """Return a value that fits its type as JSON; a FLOAT always has a decimal point: some clients insist on it."""
    if kind is not FlagKind.FLOAT:
        return _json(value)
    text = repr(float(str(value)))
    return text if "." in text else text.replace("e", ".0e")


def compile_flags(
    bundle: Mapping[str, object],
    layers: Mapping[int, bytes],
    experiments: Sequence[Experiment],
    plans: Sequence[UnitPlan],
) -> dict[str, Flag]:
    """Return the flags of a bundle by key, none where it does not speak of flags. `plans` lay the experiments out.

    Raises:
        BundleInvalid: a flag appears twice, its layer is unknown, a value is of the wrong type, or two running
            experiments without a layer set one flag.
    """
    flags: dict[str, Flag] = {}
    for index, item in enumerate(read_list(bundle.get("flags", ()), "bundle.flags")):
        path = f"bundle.flags[{index}]"
        flag = _flag(read_object(item, path), path, layers, experiments, plans)
        if flag.key in flags:
            raise BundleInvalid(f"{path}.key: flag {flag.key!r} appears twice.")
        flags[flag.key] = flag
    return flags


def serves_variant(answer: Answer) -> bool:
    """Return whether the answer gives the parameters of its variant; otherwise flags keep their defaults."""
    return answer.enrolled or answer.reason in _SERVED


def value_of(flag: Flag, answer: Answer) -> str:
    """Return what an answer of one of the flag's experiments gives the flag, as JSON."""
    if not serves_variant(answer):
        return flag.default
    return flag.values.get((answer.experiment_key, answer.variant or ""), flag.default)


def contenders(flag: Flag, units: Mapping[str, object]) -> tuple[str, ...]:
    """Return the keys of the experiments that can decide a flag for these units; all others refuse with LAYER_TAKEN.

    In a layer that is the one that holds the unit's slot, and those that override the unit. Where a unit is missing or
    invalid, one experiment of its kind is enough to say so.
    """
    if not flag.indexes:
        return flag.setter_keys
    found: list[str] = []
    for plan, layer in flag.indexes:
        unit_id = units.get(plan.unit_kind)
        unit = encode_unit(unit_id)
        if unit is None:
            speaker = _speaker(flag, plan.unit_kind)
        else:
            speaker = owner_of(layer, unit)
            if unit_id in plan.overrides:
                found.extend(assignment.answer.experiment_key for assignment in plan.overrides[str(unit_id)])
        if speaker is not None:
            found.append(speaker.key)
    return tuple([key for key in dict.fromkeys(found) if key in flag.setter_keys])


def _speaker(flag: Flag, unit_kind: str) -> Experiment | None:
    speakers = (experiment for experiment in flag.setters if experiment.unit_kind == unit_kind)
    return min(speakers, key=lambda experiment: not experiment.is_running, default=None)


def deciding(given: Sequence[Assignment]) -> Assignment | None:
    """Return which of the assignments of a flag's experiments decides it; None where no experiment has a claim.

    An override or a preview comes first, then what serves a variant, then a refusal; of equals the oldest.
    """
    best = given[0] if len(given) == 1 else min(given, key=_rank, default=None)
    return None if best is None or best.answer.reason is Reason.LAYER_TAKEN else best


def _rank(assignment: Assignment) -> tuple[int, int]:
    answer = assignment.answer
    if answer.reason in (Reason.OVERRIDE, Reason.PREVIEW):
        order = 0
    elif serves_variant(answer):
        order = 1
    else:
        order = {Reason.NOT_RUNNING: 3, Reason.LAYER_TAKEN: 4}.get(answer.reason, 2)
    return order, answer.experiment_id or 0


def _flag(
    entry: Mapping[str, object],
    path: str,
    layers: Mapping[int, bytes],
    experiments: Sequence[Experiment],
    plans: Sequence[UnitPlan],
) -> Flag:
    key, kind = read_text(entry, "key", path), read_text(entry, "kind", path)
    if kind not in _KINDS:
        raise BundleInvalid(f"{path}.kind: unknown type {kind!r}; use one of {', '.join(_KINDS)}.")
    layer = None if entry.get("layer") is None else read_integer(entry, "layer", path)
    if layer is not None and layer not in layers:
        raise BundleInvalid(f"{path}.layer: there is no layer {layer} in this bundle.")
    fault = value_fault(FlagKind(kind), entry.get("default"))
    if fault is not None:
        raise BundleInvalid(f"{path}.default: {fault}.")
    setters = _setters(key, layer, path, experiments)
    return Flag(
        key=key,
        kind=FlagKind(kind),
        default=render_value(FlagKind(kind), entry.get("default")),
        indexes=tuple(
            (plan, index)
            for plan in plans
            for index in plan.layers
            if layer is not None and index.prefix == layers[layer]
        ),
        setters=setters,
        setter_keys=tuple(experiment.key for experiment in setters),
        values=MappingProxyType(dict(_values(key, FlagKind(kind), setters))),
    )


def _setters(key: str, layer: int | None, path: str, experiments: Sequence[Experiment]) -> tuple[Experiment, ...]:
    """Return the experiments that can set a flag. Of those without a layer at most one, since one at a time may run."""
    found = [e for e in experiments if e.layer == layer and any(key in v.parameters for v in e.variants.values())]
    if layer is not None:
        return tuple(found)
    running = [experiment for experiment in found if experiment.is_running]
    if len(running) > 1:
        first, second, *_ = running
        raise BundleInvalid(f"{path}: {first.key!r} and {second.key!r} run without a layer and set flag {key!r} both.")
    return tuple(running or found[:1])


def _values(key: str, kind: FlagKind, setters: Iterable[Experiment]) -> Iterable[tuple[tuple[str, str], str]]:
    for experiment in setters:
        for variant in experiment.variants.values():
            if key in variant.parameters:
                value = variant.parameters[key]
                fault = value_fault(kind, value)
                if fault is not None:
                    where = f"bundle.experiments[{experiment.key}].variants[{variant.key}].parameters.{key}"
                    raise BundleInvalid(f"{where}: {fault}.")
                yield (experiment.key, variant.key), render_value(kind, value)


def _is_finite(value: object) -> bool:
    if type(value) not in (int, float):
        return False
    try:
        return isfinite(float(str(value)))
    except ValueError:  # A whole number with thousands of digits has no text.
        return False


def _is_sendable(value: object) -> bool:
    """Return whether a value can travel: JSON without lone surrogates and numbers that are none."""
    try:
        _json(value).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=dict)

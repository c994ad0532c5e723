"""Assignment: a pure function of units, attributes, a moment and a snapshot. It never raises.

Order for each experiment: running -> QA override -> started -> personalisation -> holdout -> layer -> audience
-> coverage -> blackout -> variant. `_answer` is that order; `_swift` is the same for the common call in which nothing
before the layer refuses, written for speed.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from xxhash import xxh3_64_intdigest

from experiments.assignment.bucketing import SLOTS, draw_slot, encode_unit
from experiments.assignment.periods import Periods
from experiments.assignment.snapshot import Answer, Assignment, Experiment, Snapshot, UnitPlan
from experiments.assignment.targeting import Predicate
from experiments.vocabulary import ArmState, Reason


class _Call(NamedTuple):
    units: Mapping[str, str]
    attributes: Mapping[str, object]
    at: datetime
    sticky: Mapping[int, str | None] | None
    bundle: Snapshot
    personalised: bool
    held_out: Mapping[int, Reason]


def assign(
    units: Mapping[str, str],
    attributes: Mapping[str, object],
    at: datetime,
    sticky: Mapping[int, str | None] | None,
    bundle: Snapshot,
    *,
    keys: Sequence[str] | None = None,
    personalised: bool = True,
) -> tuple[Assignment, ...]:
    """Return one answer for each key, in their order; without keys, for each experiment that concerns the unit.

    An experiment concerns a unit where its layer gives it the unit's slot and its audience admits the unit's
    attributes; where the unit is missing, invalid or overridden it does too. `units` maps unit kinds to ids,
    `at` is an aware project time, `sticky` maps experiment ids to the variant that the unit met before the
    allocation changed: it stands in for the draws of coverage and variant. An experiment that is sticky is not
    drawn where `sticky` is None or has None for it: what the unit met before is then not known. Never raises:
    what goes wrong in one experiment gives its control with ENGINE_ERROR.
    """
    try:
        held_out = _refusing_holdouts(units, bundle) if bundle.holdouts else {}
        if keys is None and personalised and not held_out and not sticky and at >= bundle.swift_from:
            return _concerned(units, attributes, at, bundle, None)
        call = _Call(units, attributes, at, sticky, bundle, personalised, held_out)
        if keys is None:
            return _concerned(units, attributes, at, bundle, call)
        return tuple([_named(call, key) for key in keys])
    except Exception:  # noqa: BLE001 - the storefront gets an answer, whatever happened
        call = _Call(units, attributes, at, sticky, bundle, personalised, {})
        return tuple([_guarded(call, key) for key in (bundle.experiments if keys is None else keys)])


def _concerned(
    units: Mapping[str, str], attributes: Mapping[str, object], at: datetime, bundle: Snapshot, gated: _Call | None
) -> tuple[Assignment, ...]:
    answers: list[Assignment] = []
    for plan in bundle.plans:
        unit_id = units.get(plan.unit_kind)
        if unit_id is None or unit_id == "":
            answers.extend(plan.unit_missing)
            continue
        unit = encode_unit(unit_id)
        if unit is None:
            answers.extend(plan.unit_invalid)
        elif unit_id in plan.overrides:
            overridden = plan.overrides[unit_id]
            answers.extend(overridden)
            given = {answer.experiment_id for answer in overridden}
            call = gated or _Call(units, attributes, at, None, bundle, True, {})
            eligible = _eligible(plan, unit, attributes)
            answers.extend(_answer(call, e, unit, slot) for e, slot in eligible if e.id not in given)
        elif gated is not None or plan.has_periods:
            call = gated or _Call(units, attributes, at, None, bundle, True, {})
            answers.extend(_answer(call, e, unit, slot) for e, slot in _eligible(plan, unit, attributes))
        else:
            _swift(plan, unit, attributes, answers)
    return tuple(answers)


def _swift(plan: UnitPlan, unit: bytes, attributes: Mapping[str, object], answers: list[Assignment]) -> None:
    """Append the answers of the experiments that the unit may enter, none of them gated or sticky.

    An experiment that is not running needs no look here: it draws NOT_RUNNING from every slot.
    """
    asked: Predicate | None = None
    is_admitted = True
    for layer in plan.layers:
        layer_slot = xxh3_64_intdigest(layer.prefix + unit) % SLOTS
        owner = layer.owners[bisect_right(layer.boundaries, layer_slot)]
        if owner is None:
            continue
        if owner.admits is not asked:  # Equal audiences are one predicate, so that neighbours need not ask again.
            asked = owner.admits
            is_admitted = asked is None or asked(attributes)
        if is_admitted:
            if owner.coverage == SLOTS:
                slot = xxh3_64_intdigest(owner.variant_prefix + unit) % SLOTS
                answers.append(Assignment(owner.draws[bisect_right(owner.boundaries, slot)], layer_slot, None, slot))
            else:
                answers.append(_draw(owner, unit, layer_slot))
    if plan.unlayered or plan.by_attribute:
        answers.extend(_draw(experiment, unit, None) for experiment in _unlayered(plan, attributes))


def _eligible(plan: UnitPlan, unit: bytes, attributes: Mapping[str, object]) -> Iterator[tuple[Experiment, int | None]]:
    """Yield the experiments that the unit may enter, with its slot in their layer."""
    for layer in plan.layers:
        slot = draw_slot(layer.prefix, unit)
        owner = layer.owners[bisect_right(layer.boundaries, slot)]
        if owner is not None and (owner.admits is None or owner.admits(attributes)):
            yield owner, slot
    for experiment in _unlayered(plan, attributes):
        yield experiment, None


def _unlayered(plan: UnitPlan, attributes: Mapping[str, object]) -> Iterator[Experiment]:
    for experiment in plan.unlayered:
        if experiment.admits is None or experiment.admits(attributes):
            yield experiment
    for attribute, index in plan.by_attribute:
        text = attributes.get(attribute)
        if isinstance(text, str):
            for experiment in index.get(text, ()):
                if experiment.admits is None or experiment.admits(attributes):
                    yield experiment


def _named(call: _Call, key: str) -> Assignment:
    experiment = call.bundle.experiments.get(key)
    if experiment is None:
        return _unknown(key)
    unit_id = call.units.get(experiment.unit_kind)
    if not experiment.is_running:
        return Assignment(experiment.refused[Reason.NOT_RUNNING])
    if unit_id is None or unit_id == "":
        return Assignment(experiment.refused[Reason.UNIT_MISSING])
    unit = encode_unit(unit_id)
    if unit is None:
        return Assignment(experiment.refused[Reason.UNIT_INVALID])
    if unit_id in experiment.overrides:
        return Assignment(experiment.overrides[unit_id].overridden)
    slot = None
    barrier = None
    if experiment.layer is not None:
        slot = draw_slot(call.bundle.layer_prefixes[experiment.layer], unit)
        if not any(start <= slot < end for start, end in experiment.layer_ranges):
            barrier = Reason.LAYER_TAKEN
    if barrier is None and experiment.admits is not None and not experiment.admits(call.attributes):
        barrier = Reason.AUDIENCE
    return _answer(call, experiment, unit, slot, barrier)


def _answer(
    call: _Call, experiment: Experiment, unit: bytes, layer_slot: int | None, barrier: Reason | None = None
) -> Assignment:
    """Return the answer to a valid unit; `barrier` says why layer or audience keeps it out, if it does."""
    reason: Reason | None
    if not experiment.is_running:
        reason = Reason.NOT_RUNNING
    elif call.at < experiment.epoch_opened_at or (experiment.periods and call.at < experiment.periods.anchor):
        reason = Reason.NOT_STARTED
    elif experiment.is_personalised and not call.personalised:
        reason = Reason.PERSONALISATION_OFF
    elif experiment.holdout is not None and experiment.holdout in call.held_out:
        reason = call.held_out[experiment.holdout]
    else:
        reason = barrier
    if reason is not None:
        return Assignment(experiment.refused[reason], layer_slot)
    if experiment.periods is not None:
        return _draw_cell(experiment, experiment.periods, call.at, unit, layer_slot)
    met = None if call.sticky is None else call.sticky.get(experiment.id, "")
    if met is None:
        if experiment.is_sticky:
            return Assignment(experiment.refused[Reason.STICKY_UNAVAILABLE], layer_slot)
        return _draw(experiment, unit, layer_slot)
    kept = experiment.variants.get(met)
    if kept is None:
        return _draw(experiment, unit, layer_slot)
    is_empty = kept.state is ArmState.EMPTY
    return Assignment(experiment.refused[Reason.ARM_CLOSED] if is_empty else kept.kept, layer_slot)


def _draw(experiment: Experiment, unit: bytes, layer_slot: int | None) -> Assignment:
    coverage_slot = None
    if experiment.coverage < SLOTS:
        coverage_slot = draw_slot(experiment.coverage_prefix, unit)
        if coverage_slot >= experiment.coverage:
            return Assignment(experiment.refused[Reason.COVERAGE], layer_slot, coverage_slot)
    slot = draw_slot(experiment.variant_prefix, unit)
    answer = experiment.draws[bisect_right(experiment.boundaries, slot)]
    return Assignment(answer, layer_slot, coverage_slot, slot)


def _draw_cell(
    experiment: Experiment, periods: Periods, at: datetime, unit: bytes, layer_slot: int | None
) -> Assignment:
    """Return the answer to a unit in the period of a moment: the unit takes part as a whole, its cell is drawn."""
    coverage_slot = None
    if experiment.coverage < SLOTS:
        coverage_slot = draw_slot(experiment.coverage_prefix, unit)
        if coverage_slot >= experiment.coverage:
            return Assignment(experiment.refused[Reason.COVERAGE], layer_slot, coverage_slot)
    index = periods.index(at)
    if periods.is_kept_out(index):
        return Assignment(experiment.refused[Reason.BLACKOUT], layer_slot, coverage_slot)
    slot = periods.slot(unit, index)
    answers = experiment.draws if at >= periods.counts_from(index) else experiment.settling
    answer = answers[bisect_right(experiment.boundaries, slot)]
    return Assignment(answer, layer_slot, coverage_slot, slot, index)


def _refusing_holdouts(units: Mapping[str, str], bundle: Snapshot) -> dict[int, Reason]:
    """Return why, for the holdouts whose experiments refuse these units."""
    reasons: dict[int, Reason] = {}
    for holdout in bundle.holdouts.values():
        unit_id = units.get(holdout.unit_kind)
        unit = encode_unit(unit_id)
        if unit is None:
            reasons[holdout.id] = Reason.UNIT_INVALID if unit_id else Reason.UNIT_MISSING
        elif draw_slot(holdout.prefix, unit) < holdout.share:
            reasons[holdout.id] = Reason.HOLDOUT
    return reasons


def _guarded(call: _Call, key: str) -> Assignment:
    """Return an answer whatever happens, so that a fault in one experiment leaves the others as they are."""
    try:
        held_out = _refusing_holdouts(call.units, call.bundle)
        return _named(call._replace(held_out=held_out), key)
    except Exception:  # noqa: BLE001 - as above
        experiment = call.bundle.experiments.get(key) if isinstance(key, str) else None
        return _unknown(str(key)) if experiment is None else Assignment(experiment.refused[Reason.ENGINE_ERROR])


def _unknown(key: str) -> Assignment:
    return Assignment(Answer(None, key, None, None, False, Reason.UNKNOWN_EXPERIMENT, 0, 0.0, {}))

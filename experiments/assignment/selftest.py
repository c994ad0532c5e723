"""A snapshot put to the test before it serves: what it answers to units that nobody is, and what it must answer.

The compiler says whether content can be read; this says whether what was read behaves. The work is bounded whatever
the number of experiments: the more there are, the fewer units try each.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from math import sqrt

from experiments.assignment.bucketing import SLOTS, draw_slot
from experiments.assignment.engine import assign
from experiments.assignment.reading import BundleInvalid
from experiments.assignment.snapshot import Assignment, Experiment, Snapshot
from experiments.vocabulary import ArmState, Reason, UnitKind

MOST_ANSWERS = 40_000
MOST_DRAWS = 400_000
FEWEST_UNITS, MOST_UNITS = 20, 200
FEWEST_DRAWS, MOST_SHARE_UNITS = 500, 20_000
SIGMAS = 5.0
"""How far a share may lie from what it should be. Two independent sets of units must both say so."""

_KINDS = tuple(kind.value for kind in UnitKind)
_ODD: Mapping[str, object] = {"country": 5, "orders": "three", "tags": [None, {}], "": True, "version": "not.a.version"}


def examine_assignment(snapshot: Snapshot, again: Snapshot) -> None:
    """Refuse a snapshot that does not behave; `again` is a second compilation of the same content.

    Raises:
        BundleInvalid: it raises, gives a variant that is not there or a probability that is none, two experiments of
            a layer enrol one unit, two compilations differ, or shares are not those of weights and coverage; the
            message begins with the path.
    """
    experiments = tuple(snapshot.experiments.values())
    if not experiments:
        return
    at = max([snapshot.latest_opening, *(e.periods.anchor for e in experiments if e.periods is not None)])
    units = max(FEWEST_UNITS, min(MOST_UNITS, MOST_ANSWERS // len(experiments)))
    for number, attributes in zip(range(units), _attributes(experiments), strict=False):
        named = {kind: f"self-test-{kind}-{number}" for kind in _KINDS}
        _examine_answers(named, attributes, at, snapshot, again)
    draws = max(FEWEST_DRAWS, min(MOST_SHARE_UNITS, MOST_DRAWS // len(experiments)))
    for experiment in experiments:
        _examine_slots(experiment)
        if experiment.is_running:
            _examine_shares(experiment, at, draws)


def _attributes(experiments: Sequence[Experiment]) -> Iterator[Mapping[str, object]]:
    """Yield attributes without end: none, odd ones, and those that some audience insists on."""
    wanted = [
        {attribute: text} for attribute, texts in filter(None, (e.required for e in experiments)) for text in texts[:1]
    ]
    while True:
        yield {}
        yield _ODD
        yield from wanted


def _examine_answers(
    units: Mapping[str, str], attributes: Mapping[str, object], at: datetime, snapshot: Snapshot, again: Snapshot
) -> None:
    keys = tuple(snapshot.experiments)
    named = assign(units, attributes, at, {}, snapshot, keys=keys)
    for answer, same in zip(named, assign(units, attributes, at, {}, again, keys=keys), strict=True):
        _examine_answer(answer, snapshot.experiments[answer.experiment_key])
        if _gist(answer) != _gist(same):
            raise _fault(answer.experiment_key, "two compilations of the same content answer differently.")
    concerned = {answer.experiment_key: answer for answer in assign(units, attributes, at, {}, snapshot)}
    for answer in named:
        found = concerned.get(answer.experiment_key)
        if (found is None and answer.enrolled) or (found is not None and _gist(found) != _gist(answer)):
            raise _fault(answer.experiment_key, "asked by name and asked for all, it answers differently.")
    enrolling = Counter(snapshot.experiments[answer.experiment_key].layer for answer in named if answer.enrolled)
    for layer, count in enrolling.items():
        if layer is not None and count > 1:
            raise BundleInvalid(f"bundle.layers: {count} experiments of layer {layer} enrol one unit.")


def _examine_answer(answer: Assignment, experiment: Experiment) -> None:
    variant = experiment.variants.get(answer.variant or "")
    if answer.reason is Reason.ENGINE_ERROR:
        raise _fault(experiment.key, "the engine fails on it.")
    if variant is None:
        raise _fault(experiment.key, f"it gives {answer.variant!r}, which is none of its variants.")
    if answer.enrolled and not 0 < answer.probability <= 1:
        raise _fault(experiment.key, f"it enrols with the probability {answer.probability}.")
    if not answer.enrolled and answer.probability != 0:
        raise _fault(experiment.key, f"it does not enrol, but with the probability {answer.probability}.")
    if dict(answer.parameters) != dict(variant.parameters):
        raise _fault(experiment.key, f"variant {variant.key!r} comes with the parameters of another.")


def _gist(answer: Assignment) -> tuple[object, ...]:
    """Return what two ways to the same answer must agree on; which slots a refusal has looked at is theirs."""
    return (
        answer.experiment_id,
        answer.variant,
        answer.enrolled,
        answer.reason,
        answer.epoch,
        answer.probability,
        answer.slots if answer.enrolled else None,
    )


def _examine_slots(experiment: Experiment) -> None:
    """Refuse where the compiled slots do not give each variant exactly its weight."""
    given: Counter[str | None] = Counter()
    for start, end, answer in zip(
        (0, *experiment.boundaries), (*experiment.boundaries, SLOTS), experiment.draws, strict=True
    ):
        given[answer.variant if answer.enrolled else None] += end - start
    for variant in experiment.variants.values():
        is_given = experiment.is_running and variant.state is ArmState.OPEN
        if given[variant.key] != (variant.weight if is_given else 0):
            raise _fault(experiment.key, f"variant {variant.key!r} has {given[variant.key]} slots.")


def _examine_shares(experiment: Experiment, at: datetime, draws: int) -> None:
    """Refuse where the shares of units are not those of coverage and weights, twice in a row."""
    fault = _odd_share(experiment, at, range(draws))
    if fault is not None and _odd_share(experiment, at, range(draws, 2 * draws)) is not None:
        raise _fault(experiment.key, f"{fault}; create the experiment again, with another salt.")


def _odd_share(experiment: Experiment, at: datetime, numbers: range) -> str | None:
    boundaries, periods = experiment.boundaries, experiment.periods
    index = 0 if periods is None else periods.index(at)
    drawn = [0] * len(experiment.draws)
    units = [b"self-test-%d" % number for number in numbers]
    if experiment.coverage < SLOTS:
        units = [unit for unit in units if draw_slot(experiment.coverage_prefix, unit) < experiment.coverage]
    for unit in units:
        slot = draw_slot(experiment.variant_prefix, unit) if periods is None else periods.slot(unit, index)
        drawn[bisect_right(boundaries, slot)] += 1
    if _is_odd(len(units), experiment.coverage / SLOTS, len(numbers)):
        return f"{len(units)} of {len(numbers)} units are covered"
    given: Counter[str | None] = Counter()
    for answer, count in zip(experiment.draws, drawn, strict=True):
        given[answer.variant if answer.enrolled else None] += count
    for variant in experiment.variants.values():
        share = variant.weight / SLOTS if variant.state is ArmState.OPEN else 0.0
        if _is_odd(given[variant.key], share, len(units)):
            return f"variant {variant.key!r} is given to {given[variant.key]} of {len(units)} units"
    return None


def _is_odd(count: int, share: float, of: int) -> bool:
    """Return whether a count is too far from its share; one unit is never too far."""
    return abs(count - of * share) > SIGMAS * sqrt(of * share * (1 - share)) + 1


def _fault(key: str, what: str) -> BundleInvalid:
    return BundleInvalid(f"bundle.experiments[{key}]: {what}")

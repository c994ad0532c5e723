"""The self-test of snapshots, on snapshots that a faulty compiler would make: it does not trust the compiler."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pytest

from experiments.assignment.reading import BundleInvalid
from experiments.assignment.selftest import examine_assignment
from experiments.assignment.snapshot import Experiment, Snapshot, UnitPlan
from tests.experiments.assignment.builders import arms, compiled, experiment, layer


def snapshot() -> Snapshot:
    """Return two experiments of a layer and one without."""
    parts = [
        experiment(1, layer=1, layer_ranges=[[0, 500_000]]),
        experiment(2, layer=1, layer_ranges=[[500_000, 1_000_000]]),
        experiment(3, variants=arms(200_000, 800_000), coverage=500_000),
    ]
    return compiled(*parts, layers=[layer(1)])


def with_experiment(whole: Snapshot, key: str, **changes: Any) -> Snapshot:
    """Return the snapshot with one experiment changed wherever the engine may meet it."""
    changed = replace(whole.experiments[key], **changes)

    def swapped(found: Experiment | None) -> Experiment | None:
        return changed if found is whole.experiments[key] else found

    def replanned(plan: UnitPlan) -> UnitPlan:
        layers = tuple(replace(index, owners=tuple(map(swapped, index.owners))) for index in plan.layers)
        unlayered = tuple(found for found in map(swapped, plan.unlayered) if found is not None)
        return replace(plan, layers=layers, unlayered=unlayered)

    experiments = MappingProxyType(dict(whole.experiments) | {key: changed})
    return replace(whole, experiments=experiments, plans=tuple(map(replanned, whole.plans)))


def refusal(broken: Snapshot) -> str:
    with pytest.raises(BundleInvalid) as caught:
        examine_assignment(broken, broken)
    return caught.value.message


def test_examine__what_the_compiler_makes__passes() -> None:
    examine_assignment(snapshot(), snapshot())


def test_examine__nothing__passes() -> None:
    examine_assignment(compiled(), compiled())


def test_examine__slots_moved_from_one_variant_to_the_other__is_refused() -> None:
    whole = snapshot()
    start, middle, end = whole.experiments["experiment-3"].boundaries
    message = refusal(with_experiment(whole, "experiment-3", boundaries=(start, middle + 1, end)))

    assert message == "bundle.experiments[experiment-3]: variant 'control' has 200001 slots."


def test_examine__coverage_of_another_experiment__shows_in_the_shares() -> None:
    broken = with_experiment(snapshot(), "experiment-3", coverage_prefix=b"", variant_prefix=b"same")
    object.__setattr__(broken.experiments["experiment-3"], "coverage_prefix", b"same")

    assert "is given to" in refusal(broken)


def test_examine__variant_that_is_not_there__is_refused() -> None:
    whole = snapshot()
    others = whole.experiments["experiment-1"].variants["control"]
    broken = with_experiment(whole, "experiment-3", variants=MappingProxyType({"control": others}))

    assert "none of its variants" in refusal(broken)


@pytest.mark.parametrize("probability", [0.0, -0.1, 1.1, float("nan")])
def test_examine__probability_that_is_none__is_refused(probability: float) -> None:
    whole = snapshot()
    draws = tuple(replace(answer, probability=probability) for answer in whole.experiments["experiment-3"].draws)

    assert "with the probability" in refusal(with_experiment(whole, "experiment-3", draws=draws))


def test_examine__audience_that_raises__is_refused() -> None:
    def failing(attributes: object) -> bool:
        raise ZeroDivisionError

    assert "the engine fails" in refusal(with_experiment(snapshot(), "experiment-1", admits=failing))


def test_examine__two_experiments_in_the_same_part_of_a_layer__is_refused() -> None:
    whole = snapshot()
    broken = with_experiment(whole, "experiment-1", layer_ranges=((0, 1_000_000),))

    assert "answers differently" in refusal(broken)
    owners = tuple(replace(plan, layers=()) for plan in broken.plans)
    assert refusal(replace(broken, plans=owners))


def test_examine__two_compilations_that_differ__is_refused() -> None:
    whole = snapshot()
    other = with_experiment(whole, "experiment-3", variant_prefix=b"another salt")

    with pytest.raises(BundleInvalid, match="two compilations"):
        examine_assignment(whole, other)


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: replace(answer, variant="arm-1"),
        lambda answer: replace(answer, parameters={"arm": "other"}),
        lambda answer: replace(answer, probability=0.5),
    ],
    ids=["variant", "parameters", "probability"],
)
def test_examine__refusal_that_gives_something__is_refused(change: Callable[[Any], Any]) -> None:
    whole = snapshot()
    refused = {reason: change(answer) for reason, answer in whole.experiments["experiment-1"].refused.items()}

    assert refusal(with_experiment(whole, "experiment-1", refused=MappingProxyType(refused)))


def test_examine__experiments_that_begin_later__are_tried_as_of_their_beginning() -> None:
    later = experiment(1, epoch_opened_at=datetime(2031, 1, 1).astimezone().isoformat())

    examine_assignment(compiled(later, experiment(2)), compiled(later, experiment(2)))

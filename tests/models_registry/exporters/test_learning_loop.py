"""The loop of networks: every sample once an epoch, and an end where it diverges."""

import math
from itertools import chain

import numpy as np
import pytest

from models_registry.exporters.learning_loop import run_epochs
from models_registry.pipeline import TrainingDiverged


def run(losses: list[float], told: list[float] | None = None) -> list[list[int]]:
    """Run two epochs of ten samples in batches of four and return the batches."""
    batches: list[list[int]] = []

    def step(places: np.ndarray) -> float:
        batches.append(places.tolist())
        return losses[len(batches) - 1]

    run_epochs(
        step,
        samples=10,
        epochs=2,
        batch=4,
        guess=1.0,
        rng=np.random.default_rng(1),
        tell=(told if told is not None else []).append,
    )
    return batches


def test_epochs__every_sample__comes_once_each_in_another_order():
    told: list[float] = []
    batches = run([1.0] * 6, told)
    assert [len(batch) for batch in batches] == [4, 4, 2, 4, 4, 2]
    first, second = (list(chain(*batches[part])) for part in (slice(3), slice(3, 6)))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert told == pytest.approx(np.arange(1, 7) / 6)


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_epochs__a_loss_that_is_not_finite__ends_at_once(loss: float):
    with pytest.raises(TrainingDiverged):
        run([1.0, loss])


def test_epochs__far_worse_than_guessing__ends_after_the_epoch():
    run([2.0] * 6)
    with pytest.raises(TrainingDiverged, match="epoch 2"):
        run([1.0, 1.0, 1.0, 2.5, 2.5, 2.5])

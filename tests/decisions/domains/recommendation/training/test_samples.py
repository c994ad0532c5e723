"""Next-item samples: the histories are those that serving would have seen."""

import numpy as np
import pytest

from decisions.domains.recommendation.features import history_of
from decisions.domains.recommendation.training.dataset import split_log
from decisions.domains.recommendation.training.samples import next_items, weights_table
from models_registry.pipeline import TrainingDataInsufficient
from models_registry.predictors.history import LONGEST_HISTORY, recency_weights
from tests.decisions.domains.recommendation.training.shop import log_of, shop


def test_next_items__every_first_contact__is_a_target_with_the_history_before_it():
    log = log_of(
        units=[0, 0, 0, 0, 1, 0, 1],
        items=[3, 1, 3, 2, 0, 0, 1],
        at=[0.1, 0.2, 0.3, 0.4, 0.41, 0.9, 0.95],
        kinds=[0, 0, 2, 1, 0, 0, 0],
        item_count=4,
    )
    samples = next_items(split_log(log, share=0.28, most_users=9, seed=1), most=100, seed=1)
    told = [
        (history[:length].tolist(), target)
        for history, length, target in zip(samples.histories, samples.lengths, samples.targets, strict=True)
    ]
    assert told == [([], 3), ([3], 1), ([3, 1], 2), ([], 0)]
    assert samples.importance == pytest.approx(np.array([3, 1, 2, 1]) / 1.75)


def test_next_items__of_a_long_log__are_as_history_of_makes_them():
    rng = np.random.default_rng(4)
    rows = 3_000
    log = log_of(
        units=np.repeat([0, 1], rows // 2), items=rng.integers(0, 400, rows), at=rng.uniform(size=rows), item_count=400
    )
    data = split_log(log, share=0.2, most_users=2, seed=1)
    samples = next_items(data, most=100_000, seed=1)
    expected = []
    for row in range(data.train_rows):
        before = log.items[:row][log.units[:row] == log.units[row]]
        if log.items[row] not in before:
            expected.append((history_of(before).tolist(), int(log.items[row])))
    told = [
        (history[:length].tolist(), int(target))
        for history, length, target in zip(samples.histories, samples.lengths, samples.targets, strict=True)
    ]
    assert told == expected
    assert samples.lengths.max() == LONGEST_HISTORY


def test_next_items__more_than_asked__keeps_the_latest():
    data = split_log(shop(), share=0.2, most_users=9, seed=1)
    everything, some = next_items(data, most=10**6, seed=1), next_items(data, most=100, seed=1)
    assert len(some) == 100
    assert some.targets.tolist() == everything.targets[-100:].tolist()


def orders(*, lines: int = 4, units: int = 200):
    """Return orders of several lines each; the lines of an order have the same time, and the log has them by item."""
    rng = np.random.default_rng(6)
    rows = units * lines
    return log_of(
        units=np.concatenate((np.repeat(np.arange(units), lines), np.arange(units))),
        items=np.concatenate((rng.integers(0, 30, rows), np.full(units, 30))),
        at=np.concatenate((np.repeat(rng.uniform(0.1, 0.5, units), lines), np.full(units, 0.9))),
        item_count=31,
    )


def test_next_items__the_lines_of_an_order__have_no_order_that_could_be_learnt():
    samples = next_items(split_log(orders(), share=0.1, most_users=9, seed=1), most=10**6, seed=1)
    followed = samples.lengths > 0
    above = (samples.targets > samples.histories[:, 0])[followed]
    assert 0.4 < above.mean() < 0.6


def test_next_items__an_item_twice_in_an_order__is_never_in_its_own_history():
    samples = next_items(split_log(orders(lines=12), share=0.1, most_users=9, seed=1), most=10**6, seed=1)
    for history, length, target in zip(samples.histories, samples.lengths, samples.targets, strict=True):
        assert target not in history[:length]


def test_next_items__the_same_seed__draws_the_same_order_and_another_one_another():
    data = split_log(orders(), share=0.1, most_users=9, seed=1)
    first, again, other = (next_items(data, most=10**6, seed=seed).histories.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_next_items__nobody_with_two_items__is_insufficient():
    log = log_of(units=[0, 1, 2, 0, 1], items=[0, 1, 2, 1, 2], at=[0.1, 0.2, 0.3, 0.8, 0.9], item_count=3)
    with pytest.raises(TrainingDataInsufficient):
        next_items(split_log(log, share=0.4, most_users=9, seed=1), most=100, seed=1)


def test_weights_table__its_rows__are_the_weights_that_serve():
    table = weights_table(7.0)
    assert not table[0].any()
    assert table[3, :3].tolist() == recency_weights(3, 7.0).tolist()
    assert not table[3, 3:].any()

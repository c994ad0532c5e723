"""Tests of slates: each fault is counted under its name, once a slate."""

import numpy as np
import pytest

from models_registry.gates import JudgedSlate, violations_of


def slate(actions: list[int], allowed: list[int], size: int = 3) -> JudgedSlate:
    return JudgedSlate(np.array(actions, dtype=np.int64), np.array(allowed, dtype=np.int64), size)


@pytest.mark.parametrize(
    ("judged", "failing"),
    [
        (slate([4, 2, 1], [1, 2, 3, 4]), []),
        (slate([4, 2], [2, 4]), []),
        (slate([], []), []),
        (slate([4, 9, 1], [1, 2, 3, 4]), ["eligible"]),
        (slate([4, 4, 1], [1, 2, 3, 4]), ["different"]),
        (slate([4, 1], [1, 2, 3, 4]), ["complete"]),
        (slate([4, 3, 2, 1], [1, 2, 3, 4]), ["complete"]),
        (slate([9, 9], [1, 2, 3]), ["eligible", "different", "complete"]),
    ],
)
def test_violations__of_a_slate__are_counted_by_test(judged: JudgedSlate, failing: list[str]):
    found, slates = violations_of([judged])
    assert slates == 1
    assert [name for name, count in found.items() if count] == failing
    assert set(found) == {"eligible", "different", "complete"}


def test_violations__of_no_slates__are_none():
    assert violations_of([]) == ({"eligible": 0, "different": 0, "complete": 0}, 0)

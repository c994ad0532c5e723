"""Mixes of groups, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from decisions.domains.recommendation.training.calibration import Groups, bands, groups_of, miscalibration
from decisions.domains.recommendation.training.dataset import split_log
from tests.decisions.domains.recommendation.training.shop import shop

GROUPS = Groups(np.array([0, 0, 1, 1, 2], dtype=np.int32), 3)


def places(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def test_miscalibration__the_same_mix__is_0_and_nothing_in_common_1():
    assert miscalibration(places(0, 2), places(1, 3), GROUPS) == pytest.approx(0.0)
    assert miscalibration(places(0, 1), places(2, 4), GROUPS) == pytest.approx(1.0)


def test_miscalibration__half_in_common__is_what_one_computes_by_hand():
    """p = (1, 0), q = (1/2, 1/2), m = (3/4, 1/4)."""
    expected = (np.log2(4 / 3) + 0.5 * np.log2(2 / 3) + 0.5 * np.log2(2)) / 2
    assert miscalibration(places(0), places(1, 2), GROUPS) == pytest.approx(expected)
    assert miscalibration(places(1, 2), places(0), GROUPS) == pytest.approx(expected)


def test_miscalibration__nothing_known_or_shown__is_0():
    assert miscalibration(places(), places(1), GROUPS) == 0.0
    assert miscalibration(places(1), places(), GROUPS) == 0.0


def test_bands__popularity__are_filled_in_thirds_of_all_contacts():
    popularity = np.array([1, 6, 1, 3, 3, 4, 0], dtype=np.float32)
    # of 18 contacts 6 are the head's; then 4 and 3 begin in the second third, and the other 3 in the last
    assert bands(popularity).tolist() == [2, 0, 2, 1, 2, 1, 2]
    assert bands(np.zeros(3, dtype=np.float32)).tolist() == [0, 0, 0]


def test_groups__are_categories_or_where_there_are_none_bands():
    data = split_log(shop(), share=0.2, most_users=5, seed=1)
    assert groups_of(data).count == 6
    plain = replace(data, log=replace(data.log, categories=("",) * 60))
    assert groups_of(plain).count == 3

"""Families of segments in arrays say what one family says alone."""

import numpy as np
import pytest

from experiments.statistics import segments
from experiments.statistics.batch_segments import heterogeneities
from experiments.statistics.results import Undefined


def test_heterogeneities__families_of_any_size__equal_one_at_a_time():
    rng = np.random.default_rng(1)
    sizes = np.array([3, 0, 1, 10, 2, 1])
    effects, variances = rng.normal(0, 1, sizes.sum()), rng.uniform(0.05, 2.0, sizes.sum())
    found = heterogeneities(effects, variances, sizes)
    start = 0
    for family, size in enumerate(sizes):
        rows = slice(start, start + size)
        start += size
        alone = segments.heterogeneity(effects[rows], variances[rows])
        if isinstance(alone, Undefined):
            assert np.isnan([found.q[family], found.p_value[family], *found.shrunk[rows]]).all()
            assert found.df[family] == 0
            continue
        assert (found.q[family], found.df[family]) == (pytest.approx(alone.q), alone.df)
        assert found.p_value[family] == pytest.approx(alone.p_value)
        shrunk = segments.shrunk(effects[rows], variances[rows])
        assert found.shrunk[rows] == pytest.approx([each.effect for each in shrunk])
        assert found.shrunk_se[rows] == pytest.approx([each.se for each in shrunk])


def test_heterogeneities__figures_of_any_scale__do_not_leave_the_floats():
    effects, variances = np.array([1e-160, 3e-160, 1.0, 1.0]), np.array([1e-320, 2e-320, 1.0, 1e-312])
    found = heterogeneities(effects, variances, np.array([2, 2]))
    alone = segments.heterogeneity(effects[:2], variances[:2])
    assert not isinstance(alone, Undefined)
    assert found.q[0] == pytest.approx(alone.q)
    assert isinstance(segments.heterogeneity(effects[2:], variances[2:]), Undefined)
    assert np.isnan(found.q[1])
    assert np.isnan(found.shrunk[2:]).all()

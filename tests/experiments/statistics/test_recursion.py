"""A motion watched at looks: what is left out of the sums is nothing, and one drift tells of another."""

import math
from itertools import pairwise

import numpy as np
import pytest

from experiments.statistics.group_sequential import lan_demets
from experiments.statistics.recursion import crossing_probabilities, origin, watched


def states(information, bounds):
    """Return the states after every look, with the lower end as far as a normal can be."""
    state = origin()
    for at, bound in zip(information, bounds, strict=True):
        root = math.sqrt(at)
        state = state.advance(at, -8.0 * root, min(bound, 8.0) * root)
        yield state


def test_advance__a_small_step_after_many__equals_the_sum_over_all_nodes():
    information = (*(k / 20.0 for k in range(1, 19)), 0.9005, 1.0)
    kept = list(states(information, lan_demets(information, 0.05)))
    for before, after in pairwise(kept):
        step = after.information - before.information
        gaps = (after.nodes[:, None] - before.nodes[None, :]) / math.sqrt(step)
        density = np.exp(-0.5 * gaps * gaps) @ before.mass / math.sqrt(2.0 * math.pi * step)
        found = after.mass / density
        # the quadrature weights are what is left: they add up to the width of the region
        width = after.nodes[-1] - after.nodes[0]
        assert found.sum() == pytest.approx(width, rel=2e-3)
        assert (found > 0.0).all()


@pytest.mark.parametrize("looks", [1, 3, 14])
@pytest.mark.parametrize("shift", [-3.5, -1.0, 0.0, 2.0, 3.5])
def test_watched__another_drift__crosses_as_often_as_when_watched_with_it(looks, shift):
    information = tuple(2_000.0 * (k + 1) for k in range(looks))
    bounds = lan_demets(information, 0.045, fractions=tuple((k + 1) / looks for k in range(looks)))
    upper, lower = (*bounds[:-1], 2.3), (*(-bound for bound in bounds[:-1]), -math.inf)
    step = 1.0 / math.sqrt(information[-1])
    motion = watched(information, upper, lower=lower, drift=2.3 * step)
    drift = (2.3 + shift) * step
    up, _down = crossing_probabilities(information, upper, lower=lower, drift=drift)
    assert motion.crossing(drift) == pytest.approx(sum(up), rel=1e-6)


def test_bounds__looks_that_nearly_coincide__spend_what_they_may():
    information = (0.2, 0.2002, 0.5, 0.5004, 0.8, 1.0)
    bounds = lan_demets(information, 0.05)
    up, _down = crossing_probabilities(information, bounds)
    assert sum(up) == pytest.approx(0.025, rel=1e-6)

import numpy as np
import pytest

from experiments.statistics.means import checked, welch
from experiments.statistics.pair import Pair, p_value
from experiments.statistics.ratios import linearise, pre_ratio, ratio_problem
from experiments.statistics.results import Undefined, UndefinedReason
from tests.experiments.statistics.units import sample


def linear(y, d):
    arm = sample(y, d, names=("y", "d"))
    return linearise(arm, ratio=arm.mean_of("y") / arm.mean_of("d"), denominator=arm.mean_of("d"))


def test_linearise__own_ratio__has_the_ratio_as_mean_and_the_delta_variance():
    y, d = np.array([1.0, 0.0, 3.0, 2.0]), np.array([2.0, 1.0, 4.0, 5.0])
    found = linear(y, d)
    ratio = y.sum() / d.sum()
    assert found.mean_of("y") == pytest.approx(ratio)
    expected = (y.var(ddof=1) - 2 * ratio * np.cov(y, d)[0, 1] + ratio**2 * d.var(ddof=1)) / d.mean() ** 2
    assert found.variance("y") == pytest.approx(expected)


def test_linearised_test__heterogeneous_users__keeps_its_size_where_the_event_level_test_does_not():
    rng = np.random.default_rng(20)
    rejected, naive = 0, 0
    for _ in range(1000):
        arms, events = [], []
        for _arm in range(2):
            views = 1 + rng.geometric(0.1, 400)
            clicks = rng.binomial(views, rng.beta(1.0, 9.0, 400))
            arms.append(linear(clicks, views))
            events.append((clicks.sum(), views.sum()))
        pair = checked(welch(*arms))
        assert isinstance(pair, Pair)
        rejected += p_value(pair) < 0.05
        (x1, n1), (x2, n2) = events
        pooled = (x1 + x2) / (n1 + n2)
        z = (x1 / n1 - x2 / n2) / np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
        naive += abs(z) > 1.96
    assert 0.03 <= rejected / 1000 <= 0.07
    assert naive / 1000 > 0.15


def test_ratio__order_value_of_two_buyers_among_many__is_the_mean_of_orders():
    revenue, orders = [0.0] * 98 + [30.0, 90.0], [0.0] * 98 + [1.0, 2.0]
    assert linear(revenue, orders).mean_of("y") == pytest.approx(40.0)


def test_pre_ratio__pooled_ratio__is_the_linearised_covariate():
    arm = sample([1.0, 2.0], [3.0, 5.0], [2.0, 4.0], names=("y", "x", "x_d"))
    found = pre_ratio(arm, ratio=1.5, denominator=2.0)
    assert found.mean_of("x") == pytest.approx((4.0 - 1.5 * 3.0) / 2.0)
    assert found.mean_of("x_d") == 3.0


@pytest.mark.parametrize(
    ("denominator", "reason"),
    [
        ([0.0] * 200, UndefinedReason.ZERO_DENOMINATOR),
        ([1.0] * 99 + [0.0] * 200, UndefinedReason.TOO_FEW_UNITS),
        ([1.0] * 150 + [0.0] * 60_000, None),
        ([400.0] + [1.0] * 199, UndefinedReason.DENOMINATOR_TOO_NOISY),
        ([4.0] * 3, None),
        ([4.0] * 98 + [3.0], UndefinedReason.TOO_FEW_UNITS),
    ],
)
def test_ratio_problem__denominator__is_named(denominator, reason):
    arm = sample([1.0] * len(denominator), denominator, names=("y", "d"))
    assert ratio_problem(arm) == (None if reason is None else Undefined(reason))

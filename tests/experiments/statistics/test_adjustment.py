import numpy as np
import pytest

from experiments.statistics.adjustment import Adjusted, lin, usable_covariates
from experiments.statistics.means import checked, welch
from experiments.statistics.pair import Pair
from experiments.statistics.regression import interacted
from experiments.statistics.results import Undefined, UndefinedReason
from tests.experiments.statistics.units import sample

NAMES = ("y", "x", "m")


def draw(rng: np.random.Generator, n: int, effect: float = 0.0, slope: float = 0.8, missing: float = 0.0):
    x = rng.normal(5.0, 1.0, n)
    y = slope * x + rng.normal(0.0, 1.0, n) + effect
    gone = (rng.random(n) < missing).astype(float)
    return y, np.where(gone > 0, 0.0, x), gone


def adjusted_of(control, treatment, covariates) -> Adjusted:
    found = lin(control, treatment, covariates)
    assert isinstance(found, Adjusted)
    return found


def test_lin__unit_rows__equals_the_interacted_regression():
    rng = np.random.default_rng(3)
    control, treatment = draw(rng, 400, missing=0.3), draw(rng, 250, 0.2, 1.3, missing=0.3)
    found = adjusted_of(sample(*control, names=NAMES), sample(*treatment, names=NAMES), ("x", "m")).pair
    y = np.concatenate([control[0], treatment[0]])
    w = np.repeat([0.0, 1.0], [400, 250])
    covariates = np.column_stack([np.concatenate([control[i], treatment[i]]) for i in (1, 2)])
    expected = interacted(y, w, covariates)
    assert found.difference == pytest.approx(expected.estimate, rel=1e-10)


def test_lin__equal_slopes__has_the_robust_error_of_the_regression():
    # HC2 takes the covariates as fixed; ours adds the variance of their mean, which vanishes where slopes agree
    rng = np.random.default_rng(3)
    control, treatment = draw(rng, 2000), draw(rng, 1000, 0.2)
    found = adjusted_of(sample(*control[:2], names=("y", "x")), sample(*treatment[:2], names=("y", "x")), ("x",)).pair
    y, x = (np.concatenate([control[i], treatment[i]]) for i in (0, 1))
    expected = interacted(y, np.repeat([0.0, 1.0], [2000, 1000]), x[:, None])
    assert found.se == pytest.approx(expected.se_hc2, rel=0.01)


def test_lin__no_covariates__is_the_plain_pair():
    rng = np.random.default_rng(4)
    control, treatment = (sample(*draw(rng, 30), names=NAMES) for _ in range(2))
    plain = welch(control, treatment)
    found = adjusted_of(control, treatment, ()).pair
    assert isinstance(plain, Pair)
    assert (found.difference, found.variance) == pytest.approx((plain.difference, plain.variance))
    assert found.df == pytest.approx(plain.df)


def test_lin__correlated_covariate__leaves_one_minus_r_squared_of_the_variance():
    rng = np.random.default_rng(5)
    arms = [draw(rng, 40_000, slope=1.0) for _ in range(2)]
    control, treatment = (sample(*arm[:2], names=("y", "x")) for arm in arms)
    plain, found = welch(control, treatment), adjusted_of(control, treatment, ("x",)).pair
    assert isinstance(plain, Pair)
    r_squared = np.corrcoef(np.concatenate([a[0] for a in arms]), np.concatenate([a[1] for a in arms]))[0, 1] ** 2
    assert found.variance / plain.variance == pytest.approx(1.0 - r_squared, rel=0.02)


def test_lin__constant_filled_in_for_missing_data__does_not_matter():
    rng = np.random.default_rng(6)
    arms = [draw(rng, 300, missing=0.4) for _ in range(2)]
    zero = [sample(y, x, m, names=NAMES) for y, x, m in arms]
    other = [sample(y, x + 77.0 * m, m, names=NAMES) for y, x, m in arms]
    first, second = (adjusted_of(arms[0], arms[1], ("x", "m")).pair for arms in (zero, other))
    assert (first.difference, first.se) == pytest.approx((second.difference, second.se), rel=1e-9)


def test_lin__adjusted_arms__are_correlated_through_the_covariate_mean():
    rng = np.random.default_rng(7)
    control, treatment = (sample(*draw(rng, 500)[:2], names=("y", "x")) for _ in range(2))
    pair = adjusted_of(control, treatment, ("x",)).pair
    assert pair.covariance > 0.0
    assert pair.variance < pair.control.variance + pair.treatment.variance


def test_lin__fewer_units_than_slopes__is_undefined():
    arm = sample([1.0, 2.0], [1.0, 3.0], names=("y", "x"))
    assert lin(arm, arm, ("x",)) == Undefined(UndefinedReason.TOO_FEW_UNITS)


def test_usable_covariates__constant_or_repeated__are_dropped():
    rng = np.random.default_rng(8)
    arms = []
    for _ in range(2):
        y, x, _m = draw(rng, 50)
        arms.append(sample(y, x, np.full(50, 7.0), 2.0 * x + 1.0, names=("y", "x", "c", "x2")))
    assert usable_covariates(arms[0], arms[1], ("x", "c", "x2")) == ("x",)


@pytest.mark.parametrize(("units", "missing", "kept"), [(1000, 0.5, ("x", "m")), (1000, 0.97, ()), (150, 0.9, ())])
def test_usable_covariates__mostly_missing__are_dropped(units, missing, kept):
    rng = np.random.default_rng(9)
    arms = [sample(*draw(rng, units, missing=missing), names=NAMES) for _ in range(2)]
    assert usable_covariates(arms[0], arms[1], ("x", "m")) == kept


def test_lin__leaked_outcome_as_covariate__hides_the_effect():
    # why a covariate must be measured strictly before exposure: the outcome itself removes the effect
    rng = np.random.default_rng(10)
    control, treatment = draw(rng, 2000), draw(rng, 2000, effect=0.5)
    leaky = [sample(y, y + rng.normal(0, 0.1, 2000), names=("y", "x")) for y, _x, _m in (control, treatment)]
    clean = [sample(y, x, names=("y", "x")) for y, x, _m in (control, treatment)]
    assert abs(adjusted_of(leaky[0], leaky[1], ("x",)).pair.difference) < 0.05
    assert adjusted_of(clean[0], clean[1], ("x",)).pair.difference == pytest.approx(0.5, abs=0.1)


def test_checked__adjusted_pair__can_be_tested():
    rng = np.random.default_rng(11)
    control, treatment = (sample(*draw(rng, 60)[:2], names=("y", "x")) for _ in range(2))
    assert isinstance(checked(adjusted_of(control, treatment, ("x",)).pair), Pair)

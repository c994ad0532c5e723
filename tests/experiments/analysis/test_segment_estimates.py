"""The estimates of many pairs of arms at once are those of one pair at a time."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from experiments.analysis.estimate import Estimated, Stratified, estimate
from experiments.analysis.plan import Adjustment
from experiments.analysis.segment_estimates import EffectBatch, estimate_batch
from experiments.statistics.batches import DEFINED, REASONS, MomentBatch
from experiments.statistics.lift import lift
from experiments.statistics.moments import Moments
from experiments.statistics.results import Interval, Undefined, UndefinedReason
from experiments.vocabulary import MetricKind
from tests.experiments.statistics.units import sample

Z = 1.959963984540054
NAMES = {
    MetricKind.CONVERSION: ("y", "x"),
    MetricKind.COUNT: ("y", "x"),
    MetricKind.SUM: ("y", "x"),
    MetricKind.RATIO: ("y", "d", "x", "x_d"),
}


def arm(
    rng: np.random.Generator, kind: MetricKind, n: int, effect: float, *, covariates: bool, missing: bool
) -> Moments:
    """Return the moments of n units of an arm whose habits carry over from before."""
    habit = rng.gamma(2.0, 0.5, n)
    columns: list[NDArray[Any]]
    if kind is MetricKind.CONVERSION:
        columns = [rng.random(n) < np.minimum(1.0, 0.1 * habit * effect), rng.random(n) < np.minimum(1.0, 0.1 * habit)]
    elif kind is MetricKind.COUNT:
        columns = [rng.poisson(habit * effect), rng.poisson(habit)]
    elif kind is MetricKind.SUM:
        columns = [np.exp(rng.normal(2, 1, n)) * (rng.random(n) < 0.2 * habit) * e for e in (effect, 1.0)]
    else:
        views, before = 1 + rng.poisson(5.0 * habit), rng.poisson(5.0 * habit)
        columns = [rng.binomial(views, min(0.9, 0.2 * effect)), views, rng.binomial(before, 0.2), before]
    names = NAMES[kind]
    if not covariates:
        kept = 2 if kind is MetricKind.RATIO else 1
        columns, names = columns[:kept], names[:kept]
    elif missing:
        seen = rng.random(n) < 0.5
        columns = [c * seen if name.startswith("x") else c for name, c in zip(names, columns, strict=True)]
        columns, names = [*columns, ~seen], (*names, "m")
    return sample(*(np.asarray(column, dtype=float) for column in columns), names=names)


def batches(pairs: list[tuple[Stratified, Stratified]], side: int) -> list[MomentBatch]:
    strata = len(pairs[0][0].strata)
    return [MomentBatch.of([pair[side].strata[k] for pair in pairs]) for k in range(strata)]


def check(
    kind: MetricKind, pairs: list[tuple[Stratified, Stratified]], adjust: Adjustment = Adjustment.LIN
) -> EffectBatch:
    """Assert that the batch says of every pair what `estimate` says of it alone, and return the batch."""
    found = estimate_batch(kind, batches(pairs, 0), batches(pairs, 1), adjust=adjust, z=Z)
    for row, (control, treatment) in enumerate(pairs):
        with np.errstate(all="ignore"):
            alone = estimate(kind, control, treatment, adjust=adjust)
        code = int(found.reason[row])
        if isinstance(alone, Undefined):
            assert REASONS[code] is alone.reason
            assert math.isnan(found.p_value[row])
            continue
        assert code == DEFINED
        same(alone, found, row)
    return found


def same(alone: Estimated, found: EffectBatch, row: int) -> None:
    effect, se = alone.effect, alone.effect.pair.se
    scale = max(abs(effect.pair.control.mean), se)
    assert found.difference[row] == pytest.approx(effect.pair.difference, rel=1e-9, abs=1e-12 * scale)
    assert found.se[row] == pytest.approx(se if se > 0.0 else effect.null_se, rel=1e-9)
    assert found.p_value[row] == pytest.approx(effect.p_value(), rel=1e-8, abs=1e-300)
    point = lift(effect.pair)
    if isinstance(point, Undefined):
        assert math.isnan(found.lift[row])
    else:
        assert found.lift[row] == pytest.approx(point, rel=1e-9, abs=1e-12)
    same_interval(effect.lift(Z), found.lift_interval.intervals()[row])


def same_interval(alone: Interval, found: Interval) -> None:
    assert (found.status, found.reason) == (alone.status, alone.reason)
    for one, other in ((alone.lower, found.lower), (alone.upper, found.upper)):
        assert (one is None) == (other is None)
        assert one is None or other == pytest.approx(one, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("kind", MetricKind)
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    strata=st.integers(1, 3),
    covariates=st.booleans(),
    missing=st.booleans(),
    units=st.sampled_from([0, 1, 2, 4, 12, 130, 400, 900]),
)
def test_estimate_batch__random_moments__equal_one_pair_at_a_time(kind, seed, strata, covariates, missing, units):
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(6):
        sides = []
        for effect in (1.0, rng.uniform(0.5, 2.0)):
            sizes = [int(units * rng.uniform(0.2, 1.8)) for _ in range(strata)]
            parts = [
                arm(rng, kind, n, effect, covariates=covariates, missing=missing)
                if n
                else nobody(kind, covariates, missing)
                for n in sizes
            ]
            sides.append(Stratified(tuple(parts)))
        pairs.append((sides[0], sides[1]))
    check(kind, pairs)


def nobody(kind: MetricKind, covariates: bool, missing: bool) -> Moments:
    size = arm(np.random.default_rng(0), kind, 3, 1.0, covariates=covariates, missing=missing)
    k = len(size.names)
    return Moments(0, size.names, np.zeros(k), np.zeros((k, k)), None, (0,) * k)


def pair_of(control: Moments, treatment: Moments) -> tuple[Stratified, Stratified]:
    return Stratified((control,)), Stratified((treatment,))


def rates(n: int, x: int) -> Moments:
    return sample([1.0] * x + [0.0] * (n - x))


def test_estimate_batch__counts_at_the_edges__equal_one_pair_at_a_time():
    counts = [
        (50, 0, 60, 0),
        (50, 50, 60, 60),
        (50, 0, 60, 60),
        (50, 0, 60, 9),
        (50, 9, 60, 0),
        (1, 0, 60, 9),
        (900, 90, 800, 110),
    ]
    found = check(MetricKind.CONVERSION, [pair_of(rates(n, x), rates(m, y)) for n, x, m, y in counts])
    assert [REASONS[code] if code != DEFINED else None for code in found.reason] == [
        UndefinedReason.NO_VARIANCE,
        UndefinedReason.NO_VARIANCE,
        None,
        None,
        None,
        UndefinedReason.TOO_FEW_UNITS,
        None,
    ]


def test_estimate_batch__means_at_the_edges__equal_one_pair_at_a_time():
    rng = np.random.default_rng(5)
    ordinary, negative, large = rng.normal(3, 1, 300), rng.normal(-3, 1, 300), rng.normal(0, 1e200, 300)
    constant, nothing = np.full(300, 2.0), np.zeros(300)
    columns = [ordinary, negative, large, constant, nothing, ordinary[:20], ordinary * 1e-15]
    with np.errstate(over="ignore", invalid="ignore"):
        groups = [sample(column) for column in columns]
    found = check(MetricKind.SUM, [pair_of(a, b) for a in groups for b in groups])
    reasons = {REASONS[code] for code in found.reason if code != DEFINED}
    assert reasons == {UndefinedReason.NO_VARIANCE, UndefinedReason.OVERFLOW}


def test_estimate_batch__covariates_at_the_edges__equal_one_pair_at_a_time():
    rng = np.random.default_rng(6)
    names, pairs = ("y", "x", "m"), []
    for covariate in ("useful", "constant", "copied", "absent", "few units"):
        arms = []
        for _ in range(2):
            n = 4 if covariate == "few units" else 400
            x = rng.normal(5, 1, n)
            missing = (rng.random(n) < 0.3).astype(float)
            y = x + rng.normal(0, 1, n)
            x = {"constant": np.full(n, 3.0), "copied": missing * 2.0, "absent": np.zeros(n)}.get(covariate, x)
            arms.append(sample(y, x, np.ones(n) if covariate == "absent" else missing, names=names))
        pairs.append(pair_of(*arms))
    check(MetricKind.SUM, pairs)


def test_estimate_batch__ratios_at_the_edges__equal_one_pair_at_a_time():
    rng = np.random.default_rng(7)
    y, d = rng.poisson(2, 300), 1 + rng.poisson(3, 300)
    past, nothing, same = 1 + rng.poisson(3, 300), np.zeros(300), np.full(300, 4.0)
    names = ("y", "d", "x", "x_d")
    arms = [
        sample(y, d, y, past, names=names),
        sample(y, d, nothing, nothing, names=names),
        sample(y, nothing, y, past, names=names),
        sample(y, same, y, past, names=names),
        sample(y[:40], d[:40], y[:40], past[:40], names=names),
        sample(y, np.where(np.arange(300) < 120, 1.0, nothing), y, past, names=names),
        sample(y, np.where(np.arange(300) % 2, 30.0, -29.0), y, past, names=names),
    ]
    found = check(MetricKind.RATIO, [pair_of(a, b) for a in arms for b in arms])
    reasons = {REASONS[code] for code in found.reason if code != DEFINED}
    assert {UndefinedReason.ZERO_DENOMINATOR, UndefinedReason.TOO_FEW_UNITS} <= reasons
    assert UndefinedReason.DENOMINATOR_TOO_NOISY in reasons


def test_estimate_batch__adjustment_switched_off__uses_no_covariate():
    rng = np.random.default_rng(8)
    arms = [arm(rng, MetricKind.SUM, 500, 1.0, covariates=True, missing=False) for _ in range(4)]
    check(MetricKind.SUM, [pair_of(*arms[:2]), pair_of(*arms[2:])], Adjustment.NONE)

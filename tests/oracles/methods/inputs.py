"""Oracle inputs as the engine's own types: decimals become exact integers, as a query delivers them."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from experiments.statistics.distributions import normal_isf
from experiments.statistics.moments import Moments, PowerSums
from experiments.statistics.proportions import Counts
from experiments.statistics.results import Alternative

SCALE = 10**12

ALTERNATIVES = {
    "two-sided": Alternative.TWO_SIDED,
    "greater": Alternative.GREATER,
    "less": Alternative.LESS,
    "larger": Alternative.GREATER,
    "smaller": Alternative.LESS,
}


def whole(value: float, power: int = 1) -> int:
    """Return a decimal in units of 1e-12 to a power, rounded."""
    exact: Fraction = Fraction(str(value)) * SCALE**power
    return math.floor(exact + Fraction(1, 2))


def moments(n: int, names: Sequence[str], sums: Sequence[float], products: Mapping[tuple[str, str], float]) -> Moments:
    """Return the moments of decimal sums by way of exact integers; missing products count as 0."""
    upper = [whole(products.get((a, b), products.get((b, a), 0.0)), 2) for i, a in enumerate(names) for b in names[i:]]
    exact = PowerSums(n, tuple(names), tuple(whole(value) for value in sums), tuple(upper))
    return Moments.from_power_sums(exact, dict.fromkeys(names, SCALE))


def mean_arm(arm: Mapping[str, Any]) -> Moments:
    """Return the moments of {n, sum, sum_sq}, {n, mean, var} or {n, successes}."""
    if "successes" in arm:
        return moments(arm["n"], ["y"], [arm["successes"]], {("y", "y"): arm["successes"]})
    if "sum" in arm:
        return moments(arm["n"], ["y"], [arm["sum"]], {("y", "y"): arm["sum_sq"]})
    scatter = np.array([[arm["var"] * (arm["n"] - 1)]])
    return Moments(arm["n"], ("y",), np.array([arm["mean"]]), scatter)


def raw_arm(*columns: Sequence[float], names: Sequence[str] = ("y",)) -> Moments:
    """Return the moments of unit values, one list per variable."""
    rows = np.array(columns, dtype=float)
    centred = rows - rows.mean(axis=1, keepdims=True)
    return Moments(rows.shape[1], tuple(names), rows.mean(axis=1), centred @ centred.T)


def arms(inputs: Mapping[str, Any]) -> tuple[Moments, Moments]:
    """Return control and treatment, from sums or from raw data."""
    if "control_data" in inputs:
        return raw_arm(inputs["control_data"]), raw_arm(inputs["treatment_data"])
    return mean_arm(inputs["control"]), mean_arm(inputs["treatment"])


def counts(inputs: Mapping[str, Any]) -> Counts:
    """Return the two-by-two counts."""
    control, treatment = inputs["control"], inputs["treatment"]
    return Counts(control["n"], control["successes"], treatment["n"], treatment["successes"])


def level_alpha(inputs: Mapping[str, Any]) -> float:
    """Return alpha, from `alpha` or `confidence_level`."""
    return float(1.0 - inputs["confidence_level"] if "confidence_level" in inputs else inputs["alpha"])


def z_of(inputs: Mapping[str, Any]) -> float:
    """Return the two-sided normal multiplier."""
    return normal_isf(level_alpha(inputs) / 2.0)


def alternative(inputs: Mapping[str, Any]) -> Alternative:
    """Return the alternative; two-sided when none is named."""
    return ALTERNATIVES[inputs.get("alternative", "two-sided")]


def named_moments(arm: Mapping[str, Any], names: Mapping[str, str]) -> Moments:
    """Return the moments of {n, mean: {..}, var: {..}, cov: {"a|b": ..}} for chosen variables (ours -> theirs)."""
    ours = list(names)
    size = len(ours)
    cov = np.zeros((size, size))
    for i, a in enumerate(ours):
        for j, b in enumerate(ours):
            left, right = names[a], names[b]
            cov[i, j] = arm["var"][left] if i == j else arm["cov"]["|".join(sorted((left, right)))]
    mean = np.array([arm["mean"][names[name]] for name in ours])
    return Moments(arm["n"], tuple(ours), mean, cov * (arm["n"] - 1))

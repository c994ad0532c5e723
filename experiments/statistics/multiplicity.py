"""Several tests at once: adjusted p-values in input order, Dunnett's many-to-one comparison, e-values."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtr, roots_hermitenorm

from experiments.statistics.figures import FigureInvalid, between_0_and_1, finite

_LEAST_REST = 1e-9
"""Independent part of a comparison whose control has no units; any small number gives the same."""

Factor = Callable[[int, float], float]
"""From the rank (0 is the smallest p-value) and the p-value to the corrected one."""


def bonferroni(p_values: Sequence[float]) -> list[float]:
    """Return min(1, m p)."""
    checked_p(p_values)
    return [min(1.0, len(p_values) * p) for p in p_values]


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's (1979) step-down adjusted p-values."""
    checked_p(p_values)
    m = len(p_values)
    return _step_down(p_values, lambda rank, p: (m - rank) * p)


def holm_sidak(p_values: Sequence[float]) -> list[float]:
    """Return the step-down p-values with Sidak's correction, for independent tests."""
    checked_p(p_values)
    m = len(p_values)
    return _step_down(p_values, lambda rank, p: -math.expm1((m - rank) * math.log1p(-p)) if p < 1.0 else 1.0)


def hochberg(p_values: Sequence[float]) -> list[float]:
    """Return Hochberg's (1988) step-up adjusted p-values, for non-negatively dependent tests."""
    checked_p(p_values)
    m = len(p_values)
    return _step_up(p_values, lambda rank, p: (m - rank) * p)


def hommel(p_values: Sequence[float]) -> list[float]:
    """Return Hommel's (1988) adjusted p-values: closed testing with Simes' test."""
    checked_p(p_values)
    m = len(p_values)
    order = sorted(range(m), key=lambda i: p_values[i])
    p = [p_values[i] for i in order]
    adjusted = [max(p[i], min(m * p[j] / (j + 1) for j in range(m))) for i in range(m)] if m else []
    for size in range(m - 1, 1, -1):
        low, high = range(m - size + 1), range(m - size + 1, m)
        worst = min(size * p[i] / (2 + offset) for offset, i in enumerate(high))
        for i in low:
            adjusted[i] = max(adjusted[i], min(size * p[i], worst))
        for i in high:
            adjusted[i] = max(adjusted[i], adjusted[m - size])
    return _restore(order, [min(1.0, value) for value in adjusted])


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values that control the false-discovery rate (Benjamini & Hochberg 1995)."""
    checked_p(p_values)
    m = len(p_values)
    return _step_up(p_values, lambda rank, p: m * p / (rank + 1))


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values that control the false-discovery rate under any dependence (2001)."""
    checked_p(p_values)
    m = len(p_values)
    harmonic = sum(1.0 / k for k in range(1, m + 1))
    return _step_up(p_values, lambda rank, p: harmonic * m * p / (rank + 1))


def e_benjamini_hochberg(e_values: Sequence[float], alpha: float) -> list[int]:
    """Return the indices rejected by e-BH: the k largest, k = max{j: e_(j) >= m / (alpha j)} (Wang & Ramdas 2022)."""
    between_0_and_1(alpha=alpha)
    if not all(value >= 0.0 for value in e_values):
        raise FigureInvalid("e_values: must be 0 or more")
    m = len(e_values)
    order = sorted(range(m), key=lambda i: -e_values[i])
    passing = [j for j, i in enumerate(order, start=1) if e_values[i] >= m / (alpha * j)]
    return sorted(order[: max(passing, default=0)])


def dunnett_p(statistic: float, loadings: tuple[float, ...], df: float = math.inf) -> float:
    """Return P(max |Z_i| >= |statistic|) over all treatments compared with one control (Dunnett 1955).

    loadings: sqrt(n_i / (n_i + n_control)) per treatment, so that Corr(Z_i, Z_j) = loading_i loading_j.
    """
    finite(statistic=statistic)
    _check_loadings(loadings, df)
    return min(1.0, _beyond(abs(statistic), loadings, df))


@lru_cache(maxsize=1024)
def dunnett_critical(alpha: float, loadings: tuple[float, ...], df: float = math.inf) -> float:
    """Return the two-sided critical value of Dunnett's test; 2.21, 2.35, 2.51 for 2, 3, 5 equal arms at 5%."""
    between_0_and_1(alpha=alpha)
    _check_loadings(loadings, df)
    low, high = 0.0, 40.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        if dunnett_p(middle, loadings, df) > alpha:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


@lru_cache(maxsize=1024)
def dunnett_spare(alpha: float, loadings: tuple[float, ...]) -> float:
    """Return the level that each rejected comparison of a single-step Dunnett test may hand on.

    With t of k nulls true the test errs with P_t = P(max over t |Z_i| >= critical); the k - t others may then hand on
    (alpha - P_t) / (k - t) each. The least over t, with the t comparisons that are least correlated (Sidak 1967).
    """
    between_0_and_1(alpha=alpha)
    _check_loadings(loadings, math.inf)
    bound, size = dunnett_critical(alpha, loadings), len(loadings)
    least = sorted(loadings)
    spares = [(alpha - dunnett_p(bound, tuple(least[:t]))) / (size - t) for t in range(1, size)]
    return max(0.0, min([alpha / size, *spares]))


def checked_p(p_values: Sequence[float]) -> None:
    """Check that p-values are probabilities. Raises FigureInvalid."""
    if not all(0.0 <= p <= 1.0 for p in p_values):
        raise FigureInvalid(f"p_values: must be from 0 to 1, not {list(p_values)}")


def equal_loadings(treatments: int) -> tuple[float, ...]:
    """Return the loadings of equally sized arms."""
    return (math.sqrt(0.5),) * treatments


def _check_loadings(loadings: tuple[float, ...], df: float) -> None:
    if not loadings or not all(0.0 <= loading <= 1.0 for loading in loadings):
        raise FigureInvalid(f"loadings: needs one or more, from 0 to 1, not {loadings}")
    if not df > 0.0:
        raise FigureInvalid(f"df: must be above 0, not {df}")


def _beyond(bound: float, loadings: tuple[float, ...], df: float) -> float:
    """Return P(any |Z_i| >= bound) = E[1 - prod(1 - tail_i(z))] over the shared z; small ones keep their digits."""
    z, weights = _hermite()
    if math.isinf(df):
        scales, mass = np.ones(1), np.ones(1)
    else:
        scales, mass = _chi_nodes(df)
    total = 0.0
    for scale, share in zip(scales, mass, strict=True):
        beyond = np.zeros_like(z)
        for loading in loadings:
            rest = max(_LEAST_REST, math.sqrt(1.0 - loading * loading))
            edge = bound * float(scale)
            tail = ndtr((loading * z - edge) / rest) + ndtr((-edge - loading * z) / rest)
            beyond = beyond + tail * (1.0 - beyond)
        total += float(share) * float(weights @ beyond)
    return total


@lru_cache(maxsize=1)
def _hermite() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    z, weights = roots_hermitenorm(120)
    return z, weights / weights.sum()


def _chi_nodes(df: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return nodes and weights of sqrt(chi-square / df) by its quantiles."""
    tails = (np.arange(400) + 0.5) / 400.0
    return np.sqrt(chdtri(df, tails) / df), np.full(400, 1.0 / 400.0)


def _step_down(p_values: Sequence[float], factor: Factor) -> list[float]:
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, running = [], 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, factor(rank, p_values[index])))
        adjusted.append(running)
    return _restore(order, adjusted)


def _step_up(p_values: Sequence[float], factor: Factor) -> list[float]:
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, running = [0.0] * len(order), 1.0
    for rank in range(len(order) - 1, -1, -1):
        running = min(running, factor(rank, p_values[order[rank]]))
        adjusted[rank] = running
    return _restore(order, adjusted)


def _restore(order: Sequence[int], values: Sequence[float]) -> list[float]:
    restored = [0.0] * len(order)
    for position, index in enumerate(order):
        restored[index] = values[position]
    return restored

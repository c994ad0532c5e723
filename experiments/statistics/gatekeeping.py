"""Tests in an order of importance: fixed sequence, the weighted graph, and intervals for what was selected."""

from collections.abc import Sequence

from experiments.statistics.distributions import normal_isf
from experiments.statistics.results import Interval, bounded


def fixed_sequence(p_values: Sequence[float], alpha: float) -> list[int]:
    """Return the indices rejected when each test, in order, has the whole alpha until one fails."""
    rejected: list[int] = []
    for index, p in enumerate(p_values):
        if p > alpha:
            break
        rejected.append(index)
    return rejected


def graphical(
    p_values: Sequence[float], weights: Sequence[float], transition: Sequence[Sequence[float]], alpha: float
) -> list[int]:
    """Return the indices rejected by the sequentially rejective graph (Bretz et al. 2009), whatever the order.

    Reject p_j <= w_j alpha; then w_l += w_j g_jl and g_lk = (g_lk + g_lj g_jk) / (1 - g_lj g_jl).
    """
    w = list(weights)
    g = [list(row) for row in transition]
    open_tests = set(range(len(p_values)))
    rejected: list[int] = []
    while True:
        found = next((j for j in sorted(open_tests) if p_values[j] <= w[j] * alpha), None)
        if found is None:
            return sorted(rejected)
        rejected.append(found)
        open_tests.discard(found)
        old = [list(row) for row in g]
        for i in open_tests:
            w[i] += w[found] * old[found][i]
            loop = old[i][found] * old[found][i]
            for k in open_tests:
                moved = old[i][k] + old[i][found] * old[found][k]
                g[i][k] = 0.0 if i == k or loop >= 1.0 else moved / (1.0 - loop)
        w[found] = 0.0


def false_coverage_level(selected: int, tests: int, q: float) -> float:
    """Return the confidence level 1 - R q / m for each of R selected parameters (Benjamini & Yekutieli 2005)."""
    return 1.0 - selected * q / tests


def false_coverage_intervals(
    estimates: Sequence[float], standard_errors: Sequence[float], selected: Sequence[int], q: float
) -> list[Interval]:
    """Return the intervals of the selected parameters whose false-coverage rate is at most q."""
    level = false_coverage_level(len(selected), len(estimates), q)
    z = normal_isf((1.0 - level) / 2.0)
    return [bounded(estimates[i] - z * standard_errors[i], estimates[i] + z * standard_errors[i]) for i in selected]

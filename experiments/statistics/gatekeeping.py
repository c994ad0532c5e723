"""Tests in an order of importance: fixed sequence, the weighted graph, and intervals for what was selected."""

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.statistics.distributions import normal_isf
from experiments.statistics.figures import FigureInvalid, between_0_and_1, finite, not_negative
from experiments.statistics.multiplicity import checked_p
from experiments.statistics.results import Interval, bounded


@dataclass(frozen=True, slots=True)
class Graph:
    """Levels of tests as shares of alpha, and how much of its level each test hands to each other once rejected."""

    weights: tuple[float, ...]
    transition: tuple[tuple[float, ...], ...]

    def without(self, rejected: int) -> "Graph":
        """Return the graph after one rejection, which has no level left (Bretz et al. 2009).

        w_l += w_j g_jl and g_lk = (g_lk + g_lj g_jk) / (1 - g_lj g_jl).
        """
        w, g, j = self.weights, self.transition, rejected
        nobody = (0.0,) * len(w)
        return Graph(
            tuple(0.0 if i == j else w[i] + w[j] * g[j][i] for i in range(len(w))),
            tuple(nobody if i == j else self._row(i, j) for i in range(len(w))),
        )

    def _row(self, i: int, j: int) -> tuple[float, ...]:
        """Return where test i hands its level on once j is out of the graph."""
        mine, through = self.transition[i], self.transition[j]
        if mine[j] == 0.0:
            return mine
        loop = mine[j] * through[i]
        if loop >= 1.0:
            return (0.0,) * len(mine)
        scale = 1.0 / (1.0 - loop)
        return tuple(
            0.0 if k in (i, j) else scale * (own + mine[j] * other)
            for k, (own, other) in enumerate(zip(mine, through, strict=True))
        )


def fixed_sequence(p_values: Sequence[float], alpha: float) -> list[int]:
    """Return the indices rejected when each test, in order, has the whole alpha until one fails."""
    between_0_and_1(alpha=alpha)
    checked_p(p_values)
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

    Reject p_j <= w_j alpha, then take j out of the graph.
    """
    between_0_and_1(alpha=alpha)
    checked_p(p_values)
    _check_graph(len(p_values), weights, transition)
    graph = Graph(tuple(weights), tuple(tuple(row) for row in transition))
    rejected: list[int] = []
    while True:
        still = (j for j in range(len(p_values)) if j not in rejected)
        found = next((j for j in still if p_values[j] <= graph.weights[j] * alpha), None)
        if found is None:
            return sorted(rejected)
        rejected.append(found)
        graph = graph.without(found)


def false_coverage_level(selected: int, tests: int, q: float) -> float:
    """Return the confidence level 1 - R q / m for each of R selected parameters (Benjamini & Yekutieli 2005)."""
    between_0_and_1(q=q)
    if not 0 <= selected <= tests or tests == 0:
        raise FigureInvalid(f"selected: must be from 0 to {tests}, not {selected}")
    return 1.0 - selected * q / tests


def false_coverage_intervals(
    estimates: Sequence[float], standard_errors: Sequence[float], selected: Sequence[int], q: float
) -> list[Interval]:
    """Return the intervals of the selected parameters whose false-coverage rate is at most q."""
    finite(**{f"estimate_{i}": value for i, value in enumerate(estimates)})
    not_negative(**{f"standard_error_{i}": value for i, value in enumerate(standard_errors)})
    if len(standard_errors) != len(estimates):
        raise FigureInvalid(f"standard_errors: needs {len(estimates)} values, has {len(standard_errors)}")
    if not selected:
        return []
    if len(set(selected)) != len(selected) or not all(0 <= i < len(estimates) for i in selected):
        raise FigureInvalid(f"selected: must be distinct positions below {len(estimates)}, not {list(selected)}")
    level = false_coverage_level(len(selected), len(estimates), q)
    z = normal_isf((1.0 - level) / 2.0)
    return [bounded(estimates[i] - z * standard_errors[i], estimates[i] + z * standard_errors[i]) for i in selected]


def _check_graph(tests: int, weights: Sequence[float], transition: Sequence[Sequence[float]]) -> None:
    if len(weights) != tests or len(transition) != tests or any(len(row) != tests for row in transition):
        raise FigureInvalid(f"weights: {tests} tests need as many weights, and rows and columns of the transition")
    if not all(0.0 <= share <= 1.0 for share in (*weights, *(share for row in transition for share in row))):
        raise FigureInvalid("weights: must be shares, and so must those handed on")

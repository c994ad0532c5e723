"""What usual methods find in tests without any effect: customers are split at random, again and again."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from experiments.statistics.distributions import normal_isf
from experiments.statistics.one_proportion import wilson
from experiments.trial.orders import Floats
from experiments.trial.rehearsal import Rehearsal

ALPHA: Final = 0.05
CHUNK: Final = 250
FEWEST_TO_LOOK: Final = 5
"""Buyers in each arm from which somebody who peeks believes a p-value."""


class Method(StrEnum):
    """A way of judging a test."""

    LINES = "LINES"
    ORDERS = "ORDERS"
    DELTA_LIFT = "DELTA_LIFT"
    PEEK_CONVERSION = "PEEK_CONVERSION"
    PEEK_REVENUE = "PEEK_REVENUE"
    OURS_ORDER_VALUE = "OURS_ORDER_VALUE"
    OURS_REVENUE = "OURS_REVENUE"
    OURS_CONVERSION = "OURS_CONVERSION"
    OURS_LOOKS_CONVERSION = "OURS_LOOKS_CONVERSION"
    OURS_LOOKS_REVENUE = "OURS_LOOKS_REVENUE"
    OURS_ENDLESS_CONVERSION = "OURS_ENDLESS_CONVERSION"
    OURS_ENDLESS_REVENUE = "OURS_ENDLESS_REVENUE"


@dataclass(frozen=True, slots=True)
class FalsePositives:
    """How often a method called a difference where there is none, with the 95% interval of that share."""

    method: Method
    found: int
    tests: int
    lower: float
    upper: float

    @property
    def share(self) -> float:
        """The share of tests with a false call."""
        return self.found / self.tests


def counted(method: Method, found: int, tests: int) -> FalsePositives:
    """Return a method's count with Wilson's interval."""
    interval = wilson(found, tests, normal_isf(0.025))
    return FalsePositives(
        method, found, tests, interval.lower or 0.0, 1.0 if interval.upper is None else interval.upper
    )


def usual_methods(
    test: Rehearsal, *, tests: int, seed: int, progress: Callable[[float], None]
) -> tuple[FalsePositives, ...]:
    """Return the false calls of the usual methods at 5% over so many random splits in halves.

    Lines (orders) as independent: z of the average line (order) value. DELTA_LIFT: z of the relative lift of revenue
    per customer with Var = V_t / m_c^2 + m_t^2 V_c / m_c^4. PEEK: every evening's z against 1.96. progress: takes
    the share of the work that is done.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    order = np.argsort(test.entry, kind="stable")
    columns = _columns(test)[order]
    ends = np.searchsorted(test.entry[order], np.arange(test.entry_days), side="right")
    totals = np.cumsum(columns, axis=0)[np.maximum(ends - 1, 0)] * (ends > 0)[:, None]
    found = dict.fromkeys(Method, 0)
    limit = normal_isf(ALPHA / 2.0)
    for done in range(0, tests, CHUNK):
        size = min(CHUNK, tests - done)
        split = (rng.random((size, test.customers)) < 0.5).astype(float)
        treated = _cumulated(split, columns, ends)
        control = totals[None, :, :] - treated
        for method, z in _statistics(control, treated).items():
            found[method] += int(np.count_nonzero(np.max(np.abs(z), axis=1) > limit))
        progress((done + size) / tests)
    shown = [Method.LINES] if test.all_lines.sum() > test.all_orders.sum() else []
    shown += [Method.ORDERS, Method.DELTA_LIFT, Method.PEEK_CONVERSION, Method.PEEK_REVENUE]
    return tuple(counted(method, found[method], tests) for method in shown)


def _columns(test: Rehearsal) -> Floats:
    """Return per customer: 1, bought, revenue, its square; orders, lines, their amounts and squared amounts."""
    ones, squares = np.ones(test.customers), (test.all_squares, test.all_line_squares)
    return np.column_stack(
        (ones, test.bought, test.revenue, test.revenue**2, test.all_orders, test.all_lines, test.all_revenue, *squares)
    )


def _cumulated(split: Floats, columns: Floats, ends: np.ndarray) -> Floats:
    """Return the treated customers' sums at the end of each day: shape (tests, days, columns)."""
    starts = np.concatenate(([0], ends[:-1]))
    parts = [split[:, a:b] @ columns[a:b] for a, b in zip(starts, ends, strict=True)]
    found: Floats = np.cumsum(np.stack(parts, axis=1), axis=1)
    return found


def _statistics(control: Floats, treated: Floats) -> dict[Method, Floats]:
    """Return each method's z by test and look; 0 where nobody would look yet."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            Method.LINES: _average(control[:, -1:], treated[:, -1:], 5, 8),
            Method.ORDERS: _average(control[:, -1:], treated[:, -1:], 4, 7),
            Method.DELTA_LIFT: _delta_lift(control[:, -1:], treated[:, -1:]),
            Method.PEEK_CONVERSION: _pooled(control, treated),
            Method.PEEK_REVENUE: _welch(control, treated),
        }
    early = np.minimum(control[:, :, 1], treated[:, :, 1]) < FEWEST_TO_LOOK
    for method in (Method.PEEK_CONVERSION, Method.PEEK_REVENUE):
        found[method] = np.where(early, 0.0, found[method])
    return {method: np.where(np.isfinite(z), z, 0.0) for method, z in found.items()}


def _average(control: Floats, treated: Floats, number: int, squares: int) -> Floats:
    """Return z of the mean amount of rows, each taken for an independent observation."""
    means, variances = [], []
    for arm in (control, treated):
        n, total = arm[:, :, number], arm[:, :, 6]
        means.append(total / n)
        variances.append((arm[:, :, squares] - total**2 / n) / (n - 1.0) / n)
    return _z(means[1] - means[0], variances[0] + variances[1])


def _pooled(control: Floats, treated: Floats) -> Floats:
    n_c, n_t = control[:, :, 0], treated[:, :, 0]
    rate = (control[:, :, 1] + treated[:, :, 1]) / (n_c + n_t)
    return _z(treated[:, :, 1] / n_t - control[:, :, 1] / n_c, rate * (1.0 - rate) * (1.0 / n_c + 1.0 / n_t))


def _means(arm: Floats) -> tuple[Floats, Floats]:
    """Return revenue per customer and the variance of that mean."""
    n, total = arm[:, :, 0], arm[:, :, 2]
    return total / n, (arm[:, :, 3] - total**2 / n) / (n - 1.0) / n


def _welch(control: Floats, treated: Floats) -> Floats:
    (m_c, v_c), (m_t, v_t) = _means(control), _means(treated)
    return _z(m_t - m_c, v_c + v_t)


def _delta_lift(control: Floats, treated: Floats) -> Floats:
    (m_c, v_c), (m_t, v_t) = _means(control), _means(treated)
    return _z(m_t / m_c - 1.0, v_t / m_c**2 + m_t**2 * v_c / m_c**4)


def _z(difference: Floats, variance: Floats) -> Floats:
    found: Floats = difference / np.sqrt(variance)
    return found

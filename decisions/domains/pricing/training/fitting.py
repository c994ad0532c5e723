"""Log-linear demand of many items at once: penalised iteratively reweighted least squares, items side by side.

log E(units) = level_i + sum_k slope_ik x_k + shocks + log exposure, with the variance mu + dispersion_i mu^2 of the
negative binomial (McCullagh and Nelder 1989), times an inflation for errors that hang together over weeks. Slopes have
normal priors around the mean of their item's cluster, which the slopes of all items tell (empirical Bayes).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.domains.pricing.training.pooling import Hyperprior, Pooled, Standing, pool

LARGEST_STEP: Final = 1.0
LARGEST_LOG: Final = 25.0
LEVEL_PRECISION: Final = 1e-3
"""Of the prior of a level around the log of the item's mean: only keeps items that hardly sold from running away."""
SETTLED: Final = 1e-3
"""The fit ends where no shared effect, and hardly a slope, moves by more in a step."""
LEAST_ITERATIONS: Final = 6
DISPERSION_ROWS: Final = 30.0
"""With how many rows of the usual dispersion an item's own begins."""
LARGEST_DISPERSION: Final = 20.0
LARGEST_INFLATION: Final = 100.0
BLOCK: Final = 28
"""Errors of an item hang together within so many steps of time: four weeks of days."""
_RIDGE: Final = 1e-9

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Shock:
    """Effects that items share: rows with the same code have the same one. sd: of the prior; None learns it."""

    code: Integers
    sd: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Rows in the order of items: `item` are places, and each below `items` has a row.

    columns: regressors whose slopes every item has for itself, each centred or small, with what is known of their
    slopes beforehand in `priors`; inflation is judged by the first one. cluster: of each item, -1 for none. exposure:
    logs. block: of each row, the place of the stretch within which errors hang together, of one item each.
    """

    item: Integers
    items: int
    units: Floats
    exposure: Floats
    columns: tuple[Floats, ...]
    priors: tuple[Hyperprior, ...]
    shocks: tuple[Shock, ...]
    cluster: Integers
    block: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What was learnt. levels: of items. slopes, errors: items x columns. shocks: by code. dispersion: of items.

    base: log of the mean of each row without exposure. pooled: of each column. inflation: of the variance, by errors
    that hang together.
    """

    levels: Floats
    slopes: Floats
    errors: Floats
    shocks: tuple[Floats, ...]
    dispersion: Floats
    inflation: float
    pooled: tuple[Pooled, ...]
    base: Floats
    iterations: int


def blocks_of(item: Integers, at: Integers, length: int = BLOCK) -> Integers:
    """Return for each row the place of its item's stretch of so many steps of `at`; rows in the order of (item, at)."""
    changes = (np.diff(item, prepend=-1) != 0) | (np.diff(at // length, prepend=-1) != 0)
    return np.cumsum(changes).astype(np.int64) - 1


def shock_codes(*parts: Sequence[int] | Integers) -> Integers:
    """Return one code for each different combination of the parts, from 0."""
    code = np.zeros(1, np.int64)
    for part in parts:
        values = np.asarray(part, np.int64) - int(np.min(part))
        code = code * (int(values.max()) + 1) + values
    return np.unique(code, return_inverse=True)[1].reshape(-1).astype(np.int64)


def fit_demand(design: Design, *, iterations: int, tell: Callable[[float], None] = lambda _share: None) -> Fit:
    """Return levels and slopes of all items with standard errors; the same for equal arguments."""
    state = _State(design)
    done = 0
    for done in range(1, iterations + 1):
        moved = state.step()
        tell(done / iterations)
        if done >= LEAST_ITERATIONS and moved < SETTLED:
            break
    return state.fit(done)


class _State:
    """The estimates on their way: theta and its priors are items x (level, slopes); `mean` is of each row."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.starts = np.searchsorted(design.item, np.arange(design.items))
        self.counts = np.diff(np.append(self.starts, len(design.item)))
        self.width = 1 + len(design.columns)
        self.regressors = (np.ones(len(design.item)), *(np.ascontiguousarray(column) for column in design.columns))
        level = np.log((self._sums(design.units) + 0.5) / self._sums(np.exp(design.exposure)))
        self.means = np.column_stack((level, *(np.full(design.items, prior.mean) for prior in design.priors)))
        self.spreads = np.array([LEVEL_PRECISION**-1, *(prior.spread**2 for prior in design.priors)])
        self.theta = self.means.copy()
        self.shocks = [np.zeros(int(shock.code.max(initial=-1)) + 1) for shock in design.shocks]
        self.shock_sds = [0.3 if shock.sd is None else shock.sd for shock in design.shocks]
        self.dispersion = np.zeros(design.items)
        self.inflation = 1.0
        self.pooled: list[Pooled] = []
        self.mean = self._means()

    def step(self) -> float:
        """Move every estimate once; return the largest move of a shared effect, and of nine in ten slopes."""
        before = self.theta.copy()
        gradient, hessian = self._normal()
        pulled = gradient / self.inflation - (self.theta - self.means) / self.spreads
        step = np.linalg.solve(self._precision(hessian), pulled[:, :, None])[:, :, 0]
        self.theta += np.clip(step, -LARGEST_STEP, LARGEST_STEP)
        self.mean = self._means()
        moved = [self._move_shock(place) for place in range(len(self.shocks))]
        self._disperse()
        self._pool()
        slopes = np.abs(self.theta - before)[:, 1:].max(axis=1, initial=0.0)
        return max([float(np.quantile(slopes, 0.9)), *moved])

    def fit(self, iterations: int) -> Fit:
        """Return what was learnt, the errors with what the pooled means are uncertain by."""
        _, hessian = self._normal()
        variances = np.diagonal(np.linalg.inv(self._precision(hessian)), axis1=1, axis2=2)[:, 1:].copy()
        for place, pooled in enumerate(self.pooled):
            variances[:, place] += (variances[:, place] / self.spreads[place + 1] * pooled.errors) ** 2
        return Fit(
            levels=self.theta[:, 0],
            slopes=self.theta[:, 1:],
            errors=np.sqrt(variances),
            shocks=tuple(self.shocks),
            dispersion=self.dispersion,
            inflation=self.inflation,
            pooled=tuple(self.pooled),
            base=self._base(),
            iterations=iterations,
        )

    def _sums(self, values: Floats) -> Floats:
        """Return the sum of a column over the rows of each item."""
        found: Floats = np.add.reduceat(values, self.starts)
        return found

    def _spread(self, values: Floats) -> Floats:
        """Return the values of the items, each for all rows of its item."""
        return np.repeat(values, self.counts)

    def _base(self) -> Floats:
        base = self._spread(self.theta[:, 0])
        for place, column in enumerate(self.regressors[1:], start=1):
            base += self._spread(self.theta[:, place]) * column
        for shock, values in zip(self.design.shocks, self.shocks, strict=True):
            base += values[shock.code]
        return base

    def _means(self) -> Floats:
        found: Floats = np.exp(np.clip(self._base() + self.design.exposure, -LARGEST_LOG, LARGEST_LOG))
        return found

    def _residuals(self) -> tuple[Floats, Floats]:
        """Return (y - mu) / (1 + d mu) and mu / (1 + d mu) of each row: score and information of its log mean."""
        scale = 1.0 / (1.0 + self._spread(self.dispersion) * self.mean)
        return (self.design.units - self.mean) * scale, self.mean * scale

    def _normal(self) -> tuple[Floats, Floats]:
        """Return gradient (items x width) and information (items x width x width) of the log-likelihood."""
        residual, weight = self._residuals()
        gradient = np.empty((self.design.items, self.width))
        information = np.empty((self.design.items, self.width, self.width))
        for row, column in enumerate(self.regressors):
            gradient[:, row] = self._sums(residual * column)
            weighted = weight * column
            for other in range(row, self.width):
                found = self._sums(weighted * self.regressors[other])
                information[:, row, other] = information[:, other, row] = found
        return gradient, information

    def _precision(self, hessian: Floats) -> Floats:
        """Return the precision of each item's posterior."""
        found: Floats = hessian / self.inflation + np.diag(1.0 / self.spreads)
        return found

    def _move_shock(self, place: int) -> float:
        """Move the effects of one shock by a Newton step, and learn how much they differ where that is asked for."""
        shock, values = self.design.shocks[place], self.shocks[place]
        residual, weight = self._residuals()
        precision = self.shock_sds[place] ** -2
        pulled = np.bincount(shock.code, residual, minlength=len(values)) / self.inflation - precision * values
        held = np.bincount(shock.code, weight, minlength=len(values)) / self.inflation + precision
        step = np.clip(pulled / held, -LARGEST_STEP, LARGEST_STEP)
        self.shocks[place] = values + step
        self.mean = self.mean * np.exp(step)[shock.code]
        if shock.sd is None:
            self.shock_sds[place] = float(np.sqrt(np.mean(self.shocks[place] ** 2 + 1.0 / held)))
        return float(np.abs(step - step.mean()).max(initial=0.0))

    def _disperse(self) -> None:
        """Learn the dispersion of each item by moments, drawn to the usual one: sum((y - mu)^2 - mu) / sum(mu^2)."""
        freedom = self.counts / np.maximum(self.counts - self.width, 1.0)
        squares = np.maximum(self._sums(self.mean**2), 1e-12)
        own = (self._sums((self.design.units - self.mean) ** 2) * freedom - self._sums(self.mean)) / squares
        own = np.clip(own, 0.0, LARGEST_DISPERSION)
        usual = float(np.median(own))
        self.dispersion = (self.counts * own + DISPERSION_ROWS * usual) / (self.counts + DISPERSION_ROWS)

    def _pool(self) -> None:
        """Learn the inflation, and the means and spreads of slopes, from where the estimates stand."""
        _, hessian = self._normal()
        if self.design.columns:
            self.inflation = self._inflated(hessian)
        variances = np.diagonal(np.linalg.inv(self._precision(hessian)), axis1=1, axis2=2)
        self.pooled = []
        for place, prior in enumerate(self.design.priors, start=1):
            standing = Standing(
                self.theta[:, place], variances[:, place], self.means[:, place], float(self.spreads[place])
            )
            found = pool(standing, self.design.cluster, prior)
            self.pooled.append(found)
            self.means[:, place], self.spreads[place] = found.means, found.within

    def _inflated(self, hessian: Floats) -> float:
        """Return how much larger the variance of the first slope is than independent rows would have it.

        Sums over blocks of the score that is left of its column once the other columns are taken out, squared, beside
        the information: the ratio that a sandwich of clusters has to the plain covariance, over all items together.
        """
        residual, weight = self._residuals()
        traces = _RIDGE * (1.0 + np.trace(hessian, axis1=1, axis2=2))
        inverse = np.linalg.inv(hessian + traces[:, None, None] * np.eye(self.width))
        left = np.zeros(len(residual))
        for place, column in enumerate(self.regressors):
            left += self._spread(inverse[:, 1, place] / inverse[:, 1, 1]) * column
        by_block = np.bincount(self.design.block, residual * left)
        told = float((weight * left**2).sum())
        usual = (int(self.design.block[-1]) + 1) / self.design.items
        correction = usual / max(1.0, usual - 1.0)
        ratio = float((by_block**2).sum()) / max(told, 1e-12)
        return float(np.clip(ratio * correction, 1.0, LARGEST_INFLATION))

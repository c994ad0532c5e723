"""One forecast of every series from what several ways would have foretold: by their pinball, the spread by errors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.domains.restock.training.figures import gamma_quantiles, pinball
from decisions.domains.restock.training.naive import mean_changes
from decisions.domains.restock.training.panel import Floats, Panel
from decisions.domains.restock.training.paths import Indices, Paths, burnt_in, running_sums
from decisions.domains.restock.training.seasons import expected_shares

JUDGED: Final = (0.5, 0.8, 0.95)
"""The quantiles by which ways are told apart."""
AVERAGED: Final = 3
"""How many ways, those with the least pinball, are averaged: that forecasts better than any one of them."""
PRIOR_WINDOWS: Final = 8.0
"""Windows of all series with which the loss of a way begins in each series."""
PRIOR_ERRORS: Final = 6.0
"""Errors as the spread of similar series would have them, with which the variance of a series begins."""
LEAST_SEEN: Final = 0.5
"""The share of a window's steps that must be known for it to count."""
LEAST_FITTED: Final = 5
TINY: Final = 1e-9

Prior = Callable[[int, Floats], Floats]
"""(steps, mean totals of the series) -> the variance of such totals where a series' own errors say nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """The totals of `steps` steps after each origin, as far as they are known.

    sold: series x origins, pieces in known steps. shares: how many steps' demand they are, by the season. seen: the
    share of the steps that is known. valid: whether the window counts.
    """

    steps: int
    sold: Floats
    shares: Floats
    seen: Floats
    valid: npt.NDArray[np.bool_]

    def independent(self, stride: int) -> Floats:
        """Return as how many windows that do not overlap those of each series count."""
        found: Floats = self.valid.sum(axis=1) * min(1.0, stride / self.steps)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """The forecast of every series: means and variances of totals, series x horizons. way: the best one, by name."""

    means: Floats
    variances: Floats
    way: tuple[str, ...]


def chosen(panel: Panel, paths: Paths, factors: Floats, *, prior: Prior | None = None) -> Moments:
    """Return the forecast from the end of the panel, of every series by the ways whose pinball was least.

    Their forecasts are averaged (Bates, Granger 1969). Losses at the second and third horizon are compared, each drawn
    to the mean loss of the way in all series. The variance of a total is that of a way's own errors, drawn to `prior`,
    or to a power of the mean (Taylor's law) that is fitted to all series.
    """
    windows = windows_of(panel, paths.origins, factors)
    errors = [_variances(paths, found, panel.season, prior) for found in windows]
    judged = range(1, min(3, len(windows))) if len(windows) > 1 else range(1)
    losses = np.sum([_losses(paths, windows[place], errors[place], panel) for place in judged], axis=0)
    best = np.argsort(losses, axis=0, kind="stable")[:AVERAGED]
    means = [_mean_of(_totals(paths, found.steps), best) for found in windows]
    variances = [_mean_of(found, best) for found in errors]
    return Moments(
        means=np.maximum.accumulate(np.column_stack(means), axis=1),
        variances=np.column_stack(variances),
        way=tuple(paths.ways[place] for place in best[0].tolist()),
    )


def windows_of(panel: Panel, origins: Indices, factors: Floats) -> list[Windows]:
    """Return the windows of each horizon; a window counts where it lies in the panel and enough of it is known."""
    known = running_sums(panel.known.astype(np.float64))
    sold = running_sums(panel.units * panel.known)
    shares = running_sums(expected_shares(panel, factors) * panel.known)
    begun = burnt_in(panel, origins)
    found = []
    for steps in panel.horizons:
        inside = origins + steps <= panel.steps
        ends = np.minimum(origins + steps, panel.steps)
        seen = (known[:, ends] - known[:, origins]) / steps
        valid = begun & inside & (seen >= LEAST_SEEN)
        part = sold[:, ends] - sold[:, origins]
        found.append(Windows(steps, part, shares[:, ends] - shares[:, origins], seen, valid))
    return found


def taylor_prior(means: Floats, variances: Floats, weights: Floats) -> Callable[[Floats], Floats]:
    """Return variance as c mean^b, with 1 <= b <= 2, fitted to series with errors of their own (Taylor 1961).

    c is the median over series, so that a few that jump do not widen the forecasts of all.
    """
    usable = (means > TINY) & (variances > TINY) & (weights > 0.0)
    power = 1.0
    if usable.sum() >= LEAST_FITTED:
        x, y, w = np.log(means[usable]), np.log(variances[usable]), weights[usable]
        x = x - np.average(x, weights=w)
        spread = float(np.average(x * x, weights=w))
        power = float(np.clip(np.average(x * y, weights=w) / spread, 1.0, 2.0)) if spread > TINY else 1.0
    ratio = float(np.median(variances[usable] / means[usable] ** power)) if usable.any() else 1.0

    def prior(of: Floats) -> Floats:
        found: Floats = ratio * np.maximum(of, TINY) ** power
        return found

    return prior


def _variances(paths: Paths, windows: Windows, stride: int, prior: Prior | None) -> Floats:
    """Return ways x series: the variance of totals, by the way's errors and a prior."""
    totals = _totals(paths, windows.steps)
    found = np.empty(totals.shape)
    weights = windows.independent(stride)
    for way in range(len(paths.ways)):
        errors = windows.sold - paths.rates(way, windows.steps) * windows.shares
        whole = np.maximum(windows.seen, LEAST_SEEN)
        squares = (errors**2 / whole * windows.valid).sum(axis=1) / np.maximum(1, windows.valid.sum(axis=1))
        typical = (windows.sold / whole * windows.valid).sum(axis=1) / np.maximum(1, windows.valid.sum(axis=1))
        if prior is None:
            expected = taylor_prior(typical, squares, weights)(totals[way])
        else:
            expected = prior(windows.steps, totals[way])
        found[way] = (weights * squares + PRIOR_ERRORS * expected) / (weights + PRIOR_ERRORS)
    return found


def _losses(paths: Paths, windows: Windows, variances: Floats, panel: Panel) -> Floats:
    """Return ways x series: the mean scaled pinball, drawn to that of the way in all series."""
    scales = mean_changes(windows.sold, windows.valid)[:, None]
    counted = windows.valid.sum(axis=1)
    losses = np.empty((len(paths.ways), panel.series))
    for way in range(len(paths.ways)):
        means = paths.rates(way, windows.steps) * windows.shares
        spread = (variances[way][:, None] * windows.seen) * np.ones_like(means)
        loss = np.zeros_like(means)
        for probability in JUDGED:
            loss += pinball(gamma_quantiles(means, spread, probability), windows.sold, probability)
        summed = (loss / scales * windows.valid).sum(axis=1)
        pooled = summed.sum() / max(1, counted.sum())
        losses[way] = (summed + PRIOR_WINDOWS * pooled) / (counted + PRIOR_WINDOWS)
    return losses


def _totals(paths: Paths, steps: int) -> Floats:
    """Return ways x series: the mean total of the steps after the end."""
    found: Floats = np.array([paths.rates(way, steps)[:, -1] * steps for way in range(len(paths.ways))])
    return found


def _mean_of(values: Floats, best: npt.NDArray[np.int64]) -> Floats:
    found: Floats = np.take_along_axis(values, best, axis=0).mean(axis=0)
    return found

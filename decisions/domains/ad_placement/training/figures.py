"""Figures of predicted rates: log-likelihood of units, area under the curve, and rates that need no model."""

import numpy as np
import numpy.typing as npt

from decisions.domains.ad_placement.training.dataset import Showings

Floats = npt.NDArray[np.float64]

LEAST_RATE = 1e-7
"""Rates are judged as if they were no closer to 0 or to 1 than this."""
PRIOR_SHOWINGS = 100.0
"""With how many showings at the rate of all a creative's own rate begins."""


def likelihoods(rates: Floats, showings: Showings) -> Floats:
    """Return the log-likelihood of each row's clicks: k log p + (n - k) log(1 - p); higher is better, natural logs."""
    p = np.clip(rates, LEAST_RATE, 1.0 - LEAST_RATE)
    found: Floats = showings.clicked * np.log(p) + (showings.shown - showings.clicked) * np.log1p(-p)
    return found


def log_loss(rates: Floats, showings: Showings) -> float:
    """Return the mean negative log-likelihood of a showing."""
    return -float(likelihoods(rates, showings).sum() / showings.shown.sum())


def auc(rates: Floats, showings: Showings) -> float | None:
    """Return the chance that a click has a higher rate than a showing without one, ties half; None for one class."""
    clicks, others = showings.clicked, showings.shown - showings.clicked
    if clicks.sum() <= 0.0 or others.sum() <= 0.0:
        return None
    _, place = np.unique(rates, return_inverse=True)
    by_rate, against = np.bincount(place, clicks), np.bincount(place, others)
    below = np.cumsum(against) - against
    return float((by_rate * (below + 0.5 * against)).sum() / (clicks.sum() * others.sum()))


def smoothed_rates(showings: Showings, creatives: int) -> Floats:
    """Return each creative's rate of clicks, drawn to that of all: what the model-free policy goes by."""
    clicks = np.bincount(showings.items, showings.clicked, minlength=creatives)
    shown = np.bincount(showings.items, showings.shown, minlength=creatives)
    rate = showings.clicked.sum() / showings.shown.sum()
    found: Floats = (clicks + PRIOR_SHOWINGS * rate) / (shown + PRIOR_SHOWINGS)
    return found


def by_unit(figures: Floats, showings: Showings, units: npt.NDArray[np.int64]) -> Floats:
    """Return the sum of each unit's rows by what it was shown, in the order of the units."""
    _, place = np.unique(units, return_inverse=True)
    total: Floats = np.bincount(place, figures) / np.bincount(place, showings.shown)
    return total

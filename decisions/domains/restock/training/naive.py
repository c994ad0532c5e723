"""The reference that needs no model: what was sold in the last stretch, with the errors that this has made so far."""

from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.domains.restock.training.panel import Floats, Panel

LEAST_ERRORS: Final = 4
"""Series with fewer errors of their own get those of all series, by their scale."""
LEAST_SEEN: Final = 0.5


def stretches(panel: Panel, steps: int) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return series x stretches: totals of stretches of so many steps up to the end, and which of them count.

    A stretch that is known in part is scaled to the whole; one that is known for less than half does not count.
    """
    count = panel.steps // steps
    begun = panel.steps - count * steps
    shape = (panel.series, count, steps)
    sold = (panel.units * panel.known)[:, begun:].reshape(shape).sum(axis=2)
    seen = panel.known[:, begun:].reshape(shape).mean(axis=2)
    counts: npt.NDArray[np.bool_] = seen >= LEAST_SEEN
    return sold / np.maximum(seen, LEAST_SEEN), counts


def scales(panel: Panel, steps: int) -> Floats:
    """Return by what errors of each series are divided: its mean change between stretches of so many steps."""
    return mean_changes(*stretches(panel, steps))


def mean_changes(totals: Floats, counts: npt.NDArray[np.bool_]) -> Floats:
    """Return the mean absolute change of each series from one total that counts to the next (MASE, 2006).

    totals, counts: series x totals. Where nothing changes, its mean; at least one piece.
    """
    pairs = counts[:, 1:] & counts[:, :-1]
    change = (np.abs(np.diff(totals, axis=1)) * pairs).sum(axis=1) / np.maximum(1, pairs.sum(axis=1))
    mean = (totals * counts).sum(axis=1) / np.maximum(1, counts.sum(axis=1))
    found: Floats = np.maximum(np.where(change > 0.0, change, mean), 1.0)
    return found


def naive_quantiles(panel: Panel, steps: int, probabilities: tuple[float, ...]) -> Floats:
    """Return series x probabilities: the total of the last stretch, plus quantiles of its errors in the past."""
    totals, counts = stretches(panel, steps)
    pairs = counts[:, 1:] & counts[:, :-1]
    errors = np.diff(totals, axis=1)
    own_scales = scales(panel, steps)
    together = (errors / own_scales[:, None])[pairs]
    pooled = np.quantile(together, probabilities) if len(together) else np.zeros(len(probabilities))
    found = np.empty((panel.series, len(probabilities)))
    last = _last(totals, counts)
    for place in range(panel.series):
        own = errors[place, pairs[place]]
        spread = np.quantile(own, probabilities) if len(own) >= LEAST_ERRORS else pooled * own_scales[place]
        found[place] = last[place] + spread
    return np.maximum(found, 0.0)


def _last(totals: Floats, counts: npt.NDArray[np.bool_]) -> Floats:
    """Return the last total of each series that counts, 0 where none does."""
    if not totals.shape[1]:
        return np.zeros(len(totals))
    place = totals.shape[1] - 1 - np.argmax(counts[:, ::-1], axis=1)
    found: Floats = np.where(counts.any(axis=1), totals[np.arange(len(totals)), place], 0.0)
    return found

"""Monotone regression: the non-increasing values that are nearest to what was measured, such as demand over price."""

import numpy as np
import numpy.typing as npt

from foundation.errors import DomainError

Floats = npt.NDArray[np.float64]


class MeasuredInvalid(DomainError):
    """What was measured cannot be made monotone."""

    code = "MEASURED_INVALID"
    hint = "Give one finite value and one weight above 0 for each place; leave out what was not measured."


def non_increasing(values: Floats, weights: Floats) -> Floats:
    """Return what pooling adjacent violators gives: argmin of sum w (y - g)^2 over g_1 >= g_2 >= ... >= g_n.

    By the min-max formula, which is the same and needs no loop over rows: g_k = max over b >= k of min over a <= k of
    the weighted mean of y_a..y_b (Robertson, Wright & Dykstra 1988, theorem 1.4.4).

    values: ... x n, each row in the order in which it may not rise. weights: of the same shape, or n for all rows
    alike. The result has the shape of values and is monotone to the last bit. Raises MeasuredInvalid.
    """
    values = np.asarray(values, np.float64)
    weights = np.asarray(weights, np.float64)
    if values.ndim < 1 or weights.shape not in (values.shape, values.shape[-1:]):
        raise MeasuredInvalid(f"weights: must have the shape of values or of a row, not {weights.shape}.")
    if not np.isfinite(values).all() or not (np.isfinite(weights) & (weights > 0.0)).all():
        raise MeasuredInvalid("values and weights: must be finite, weights above 0.")
    found = np.full(values.shape, -np.inf)
    # least[..., b]: the lowest mean of y_a..y_b over all a that were gone through. While k is the newest of these, the
    # highest of it over b >= k is the answer for k.
    least = np.full(values.shape, np.inf)
    for first in range(values.shape[-1]):
        weight = weights[..., first:]
        means = np.cumsum(weight * values[..., first:], axis=-1) / np.cumsum(weight, axis=-1)
        least[..., first:] = np.minimum(least[..., first:], means)
        found[..., first] = least[..., first:].max(axis=-1)
    return found

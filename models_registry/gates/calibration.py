"""Whether probabilities are what they say: expected responses beside observed ones, over all and by size of them."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models_registry.gates.rule import GateMalformed

BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Calibration:
    """How probabilities and responses agree over `rows`.

    expected, observed: sums of probabilities and of responses. error: the expected calibration error, the mean of
    |mean probability - rate| over bins of equal numbers of rows. chance: what a perfectly calibrated predictor would
    show as its error on so many rows.
    """

    rows: int
    expected: float
    observed: float
    error: float
    chance: float

    @property
    def ratio(self) -> float | None:
        """Expected responses by observed ones; None where nobody responded."""
        return self.expected / self.observed if self.observed > 0.0 else None

    @property
    def error_share(self) -> float | None:
        """The error beyond chance as a share of the observed rate; None where nobody responded."""
        if self.observed <= 0.0:
            return None
        return max(0.0, self.error - self.chance) * self.rows / self.observed


def calibration_of(
    probabilities: npt.NDArray[np.floating], responses: npt.NDArray[np.bool_] | npt.NDArray[np.floating]
) -> Calibration:
    """Return how probabilities agree with responses (0 or 1), row by row.

    ECE = sum over bins of n_b / n |p_b - y_b| (Naeini et al. 2015), here over bins of equal mass; for a calibrated
    predictor its expectation is close to sum of n_b / n sqrt(2 / pi) sqrt(p_b (1 - p_b) / n_b).

    Raises:
        GateMalformed: the columns differ in length, or hold something else than probabilities and responses.
    """
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(responses, dtype=np.float64)
    if p.ndim != 1 or p.shape != y.shape:
        raise GateMalformed("Probabilities and responses are not columns of equal length.")
    if not (np.isfinite(p).all() and ((p >= 0.0) & (p <= 1.0)).all() and np.isin(y, (0.0, 1.0)).all()):
        raise GateMalformed("Probabilities lie from 0 to 1, and responses are 0 or 1.")
    error = chance = 0.0
    for rows in np.array_split(np.argsort(p, kind="stable"), BINS):
        if len(rows):
            share, mean = len(rows) / len(p), float(p[rows].mean())
            error += share * abs(mean - float(y[rows].mean()))
            chance += share * math.sqrt(2.0 / math.pi * mean * (1.0 - mean) / len(rows))
    return Calibration(len(p), float(p.sum()), float(y.sum()), error, chance)

"""Calibration on a later slice of time: Platt's two parameters, drawn to the identity where there is little to see."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from models_registry.predictors.responses import LARGEST_SHIFT, Calibration

SLOPE_SPREAD: Final = 0.3
INTERCEPT_SPREAD: Final = 0.3
"""Standard deviations of the prior around slope 1 and intercept 0: some tens of clicks outweigh it."""
LEAST: Final = 0.05
MOST: Final = 20.0
ITERATIONS: Final = 50

Floats = npt.NDArray[np.float64]


def calibrated(logits: Floats, shown: Floats, responded: Floats) -> Calibration:
    """Return slope and intercept with the largest posterior: logistic in the model's log-odds (Platt 1999), by Newton.

    logits: of rows that were shown `shown` times with `responded` responses. Without rows it is the identity.
    """
    theta = np.array([1.0, 0.0])
    precision = np.array([SLOPE_SPREAD**-2, INTERCEPT_SPREAD**-2])
    design = np.column_stack((logits, np.ones(len(logits))))
    for _ in range(ITERATIONS):
        p = sigmoid(design @ theta)
        gradient = design.T @ (shown * p - responded) + precision * (theta - np.array([1.0, 0.0]))
        weights = shown * p * (1.0 - p)
        hessian = (design * weights[:, None]).T @ design + np.diag(precision)
        step = np.linalg.solve(hessian, gradient)
        theta -= step * min(1.0, 1.0 / (float(np.abs(step).max()) + 1e-12))
        if float(np.abs(step).max()) < 1e-9:
            break
    slope = min(MOST, max(LEAST, float(theta[0])))
    return Calibration(slope, min(LARGEST_SHIFT, max(-LARGEST_SHIFT, float(theta[1]))))


def sigmoid(values: Floats) -> Floats:
    """Return 1 / (1 + e^-x), which cannot overflow in this form."""
    found: Floats = (1.0 + np.tanh(0.5 * values)) * 0.5
    return found


def log_odds(rate: float) -> float:
    """Return the log-odds of a rate, kept off 0 and 1."""
    kept = min(1.0 - 1e-9, max(1e-9, rate))
    return math.log(kept / (1.0 - kept))

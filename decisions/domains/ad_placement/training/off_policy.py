"""What a policy would have earned on the log of another one: two estimates, and when neither is to be used.

For reports on recorded data alone; the full set of estimators is not here.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

LEAST_EFFECTIVE: Final = 100.0
MOST_SHARE: Final = 0.05
Z: Final = 1.959963984540054

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its interval at 95 %."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """What a policy is worth. effective: rows that the weights leave; refused: why the estimates are not to be used."""

    rows: int
    ips: Estimate
    snips: Estimate
    effective: float
    largest_share: float
    mean_weight: float
    refused: str


def policy_value(weights: Floats, rewards: Floats) -> PolicyValue:
    """Return the value of a policy on a log; weights are its propensities by those that were logged.

    IPS = mean(w r); SNIPS = sum(w r) / sum(w), its error by linearisation. Refused where the effective sample size
    (sum w)^2 / sum w^2 is below 100, one row has more than 1/20 of the weight, the mean weight is off 1 by more than
    three of its standard errors, or nothing with weight was rewarded, which has no interval (STATISTICS.md 20).

    Raises:
        ValueError: the columns differ in length, are empty, or a weight is negative or not finite.
    """
    rows = len(weights)
    if not rows or weights.shape != rewards.shape or not (np.isfinite(weights).all() and (weights >= 0.0).all()):
        raise ValueError("needs a finite weight of 0 or more for each reward")
    total = float(weights.sum())
    products = weights * rewards
    ips = float(products.mean())
    snips = float(products.sum() / total) if total else 0.0
    ips_error = float(products.std(ddof=1)) / math.sqrt(rows) if rows > 1 else math.inf
    snips_error = float(np.sqrt(np.square(weights * (rewards - snips)).sum()) / total) if total else math.inf
    squares = float(np.square(weights).sum())
    effective, largest = (total * total / squares, float(weights.max()) / total) if total else (0.0, 1.0)
    spread = float(weights.std(ddof=1)) / math.sqrt(rows) if rows > 1 else math.inf
    refusals = (
        (not products.any(), "no row with weight was rewarded"),
        (effective < LEAST_EFFECTIVE, f"the effective sample size is {effective:.0f}, below {LEAST_EFFECTIVE:.0f}"),
        (largest > MOST_SHARE, f"one row has {largest:.0%} of the weight"),
        (abs(total / rows - 1.0) > 3.0 * spread, f"the mean weight is {total / rows:.3f}, too far from 1"),
    )
    return PolicyValue(
        rows=rows,
        ips=_estimate(ips, ips_error),
        snips=_estimate(snips, snips_error),
        effective=effective,
        largest_share=largest,
        mean_weight=total / rows,
        refused="; ".join(sentence for holds, sentence in refusals if holds),
    )


def _estimate(value: float, error: float) -> Estimate:
    return Estimate(value, value - Z * error, value + Z * error)

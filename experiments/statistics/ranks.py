"""Rank tests: how often a unit of the treatment beats one of control. They say nothing about means."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from experiments.statistics.distributions import tail_p
from experiments.statistics.results import Alternative, Undefined, UndefinedReason
from experiments.statistics.rows import finite_column


@dataclass(frozen=True, slots=True)
class RankTest:
    """Pairs won by the treatment (ties count half), their share P(T > C) + P(T = C) / 2, and the p-value of 1/2."""

    wins: float
    share: float
    z: float
    p_value: float


def mann_whitney(
    control: ArrayLike, treatment: ArrayLike, alternative: Alternative = Alternative.TWO_SIDED
) -> RankTest | Undefined:
    """Return the rank-sum test by normal approximation, corrected for ties and continuity (Mann & Whitney 1947).

    z = (W - n_c n_t / 2 -+ 1/2) / s, s^2 = n_c n_t / 12 ((N + 1) - sum(t^3 - t) / (N (N - 1))), t the sizes of ties.
    Assumes equal distributions under the null: with unequal spread it is no test of P(T > C) = 1/2. Raises
    RowsInvalid for values that are not finite.
    """
    left, right = np.sort(finite_column("control", control)), finite_column("treatment", treatment)
    n_c, n_t = left.size, right.size
    if n_c == 0 or n_t == 0:
        return Undefined(UndefinedReason.NO_DATA)
    beaten = np.searchsorted(left, right, side="left") + np.searchsorted(left, right, side="right")
    wins, total = 0.5 * float(beaten.sum()), n_c + n_t
    ties = np.unique(np.concatenate([left, right]), return_counts=True)[1].astype(float)
    tied = float((ties**3 - ties).sum()) / (total * (total - 1.0))
    variance = n_c * n_t / 12.0 * (total + 1.0 - tied)
    if not variance > 1e-9:
        return Undefined(UndefinedReason.NO_VARIANCE)
    distance = wins - 0.5 * n_c * n_t
    correction = {Alternative.GREATER: 0.5, Alternative.LESS: -0.5}.get(alternative, 0.5 * float(np.sign(distance)))
    z = (distance - correction) / math.sqrt(variance)
    return RankTest(wins, wins / (n_c * n_t), z, tail_p(z, math.inf, alternative))

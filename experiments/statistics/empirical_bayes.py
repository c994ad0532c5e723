"""The prior that finished experiments teach: between-experiment variance by moments."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.statistics.figures import FigureInvalid
from experiments.statistics.posterior import NormalPrior, posterior
from experiments.statistics.results import Undefined, UndefinedReason


@dataclass(frozen=True, slots=True)
class EmpiricalPrior:
    """The prior of the next effect, and the past ones shrunk towards it.

    prior: mean and between-experiment variance tau^2. shrunk: posterior means in input order. experiments: how many.
    """

    prior: NormalPrior
    shrunk: tuple[float, ...]
    experiments: int


def empirical_prior(effects: Sequence[float], std_errors: Sequence[float]) -> EmpiricalPrior | Undefined:
    """Return the normal prior estimated from finished experiments (DerSimonian & Laird 1986), or why there is none.

    tau^2 = max(0, (Q - (k - 1)) / (sum w - sum w^2 / sum w)), w = 1 / SE^2, Q = sum w (x - weighted mean)^2; the
    mean is weighted by 1 / (SE^2 + tau^2). Effects must share one scale (relative lifts). Raises FigureInvalid for
    lists of different lengths.
    """
    if len(effects) != len(std_errors):
        raise FigureInvalid(f"std_errors: needs {len(effects)} values, has {len(std_errors)}")
    if len(effects) < 2:
        return Undefined(UndefinedReason.TOO_FEW_UNITS if effects else UndefinedReason.NO_DATA)
    if not all(map(math.isfinite, (*effects, *std_errors))):
        return Undefined(UndefinedReason.OVERFLOW)
    if not all(se > 0.0 for se in std_errors):
        return Undefined(UndefinedReason.NO_VARIANCE)
    variance = _between(effects, std_errors)
    mean = _weighted_mean(effects, [math.hypot(se, math.sqrt(variance)) for se in std_errors])
    prior = NormalPrior(mean, variance)
    shrunk = []
    for effect, se in zip(effects, std_errors, strict=True):
        found = posterior(effect, se, prior)
        if isinstance(found, Undefined):
            return found
        shrunk.append(found.mean)
    return EmpiricalPrior(prior, tuple(shrunk), len(effects))


def _between(effects: Sequence[float], std_errors: Sequence[float]) -> float:
    """Return tau^2, computed in units of the smallest SE so that weights neither overflow nor vanish together."""
    scale = min(std_errors)
    weights = [(scale / se) ** 2 for se in std_errors]
    centre = _weighted_mean(effects, std_errors)
    q = sum(w * ((x - centre) / scale) ** 2 for w, x in zip(weights, effects, strict=True))
    total = sum(weights)
    room = total - sum(w * w for w in weights) / total
    return max(0.0, (q - (len(effects) - 1)) / room) * scale * scale if room > 0.0 else 0.0


def _weighted_mean(effects: Sequence[float], std_errors: Sequence[float]) -> float:
    scale = min(std_errors)
    weights = [(scale / se) ** 2 for se in std_errors]
    return sum(w * x for w, x in zip(weights, effects, strict=True)) / sum(weights)

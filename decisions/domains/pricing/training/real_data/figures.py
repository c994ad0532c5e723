"""Figures of the report on pricing: regressions with errors by cluster, and deviances beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from decisions.domains.pricing.training.evaluation import deviance

DRAWS: Final = 2_000
SEED: Final = 1
LEVEL: Final = 0.95

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval at 95 %."""

    value: float
    lower: float
    upper: float

    def text(self, digits: int = 2) -> str:
        """Return the figure with its interval."""
        return f"{self.value:+.{digits}f} [{self.lower:+.{digits}f}, {self.upper:+.{digits}f}]"

    def percent(self) -> str:
        """Return a share with its interval in percent."""
        return f"{self.value:.1%} [{self.lower:.1%}, {self.upper:.1%}]"


def slopes(y: Floats, columns: Sequence[Floats], cluster: Integers) -> tuple[Estimate, ...]:
    """Return the slopes of a least-squares regression through the origin, with errors by cluster (CR1).

    V = (X'X)^-1 (sum_g X_g' e_g e_g' X_g) (X'X)^-1 G / (G - 1), intervals by t with G - 1 degrees of freedom (Liang and
    Zeger 1986). Take means of groups out of y and columns beforehand.
    """
    x = np.column_stack(columns)
    bread = np.linalg.inv(x.T @ x)
    found = bread @ (x.T @ y)
    scores = x * (y - x @ found)[:, None]
    names, place = np.unique(cluster, return_inverse=True)
    summed = np.zeros((len(names), x.shape[1]))
    np.add.at(summed, place.reshape(-1), scores)
    groups = len(names)
    errors = np.sqrt(np.diag(bread @ (summed.T @ summed) @ bread) * groups / (groups - 1))
    half = float(stdtrit(groups - 1, 0.5 + LEVEL / 2.0)) * errors
    return tuple(Estimate(float(b), float(b - h), float(b + h)) for b, h in zip(found, half, strict=True))


def demeaned(values: Floats, *groups: Integers, sweeps: int = 200) -> Floats:
    """Return the values less the means of groups; of several crossed ones by sweeping each in turn until it settles."""
    found: Floats = values - values.mean()
    for _ in range(sweeps if len(groups) > 1 else 1):
        before = found
        for group in groups:
            counts = np.maximum(np.bincount(group), 1)
            found = found - (np.bincount(group, found) / counts)[group]
        if np.abs(found - before).max(initial=0.0) < 1e-10:
            break
    return found


def log_log(price: Floats, units: Floats, columns: Sequence[Floats] = ()) -> tuple[Floats, float]:
    """Return (intercept, price, columns) of the pooled log-log model, and the factor from its logs to means.

    Least squares of log units; the factor is the mean of exp(residual), the smearing estimate of Duan 1983.
    """
    x = np.column_stack((np.ones(len(price)), price, *columns))
    coefficients = np.linalg.lstsq(x, np.log(units), rcond=None)[0]
    return coefficients, float(np.exp(np.log(units) - x @ coefficients).mean())


def predicted(model: tuple[Floats, float], price: Floats, columns: Sequence[Floats] = ()) -> Floats:
    """Return the means that a pooled log-log model predicts."""
    coefficients, factor = model
    found: Floats = np.exp(np.column_stack((np.ones(len(price)), price, *columns)) @ coefficients) * factor
    return found


def saved(sold: Floats, model: Floats, reference: Floats, cluster: Integers) -> Estimate:
    """Return the share of the reference's deviance that a model saves: 1 - D(model) / D(reference).

    Interval: percentiles of a paired bootstrap over clusters, 2 000 draws with a fixed seed.
    """
    _, place = np.unique(cluster, return_inverse=True)
    own, other = (np.bincount(place.reshape(-1), deviance(sold, mean)) for mean in (model, reference))
    drawn = np.random.default_rng(SEED).integers(0, len(own), (DRAWS, len(own)))
    shares = 1.0 - own[drawn].sum(axis=1) / other[drawn].sum(axis=1)
    tail = (1.0 - LEVEL) / 2.0
    lower, upper = np.quantile(shares, (tail, 1.0 - tail))
    return Estimate(1.0 - float(own.sum() / other.sum()), float(lower), float(upper))

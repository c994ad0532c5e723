"""Brownian motion watched at looks: the recursion behind every group-sequential boundary.

The score S_k = Z_k sqrt(I_k) has independent increments N(theta (I_k - I_{k-1}), I_k - I_{k-1}). A state holds the
density of S_k where the test went on, at Gauss-Legendre nodes of the continuation region; everything else is one
integral over it. Armitage, McPherson & Rowe (1969); Jennison & Turnbull (2000), chapter 19.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray
from scipy.special import ndtr

FLOOR = -8.0
SMALLEST_STEP = 5e-4
_LEAST_NODES = 64
_MOST_NODES = 768
_NODES_PER_SD = 2.6


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Density of the score at one look, times quadrature weights, at `nodes`."""

    information: float
    nodes: NDArray[np.float64]
    mass: NDArray[np.float64]

    def exceed(self, information: float, score: float, drift: float = 0.0) -> float:
        """Return P(still running here, and above `score` at a later information)."""
        step = information - self.information
        above = ndtr((self.nodes + drift * step - score) / math.sqrt(step))
        return float(self.mass @ above)

    def below(self, information: float, score: float, drift: float = 0.0) -> float:
        """Return P(still running here, and below `score` at a later information)."""
        step = information - self.information
        return float(self.mass @ ndtr((score - self.nodes - drift * step) / math.sqrt(step)))

    def advance(self, information: float, lower: float, upper: float, drift: float = 0.0) -> "State":
        """Return the state at a later information, where the test goes on between two scores."""
        step = information - self.information
        nodes, weights = region(lower, upper, math.sqrt(step))
        gaps = nodes[:, None] - self.nodes[None, :] - drift * step
        density = np.exp(-0.5 * gaps * gaps / step) @ self.mass
        return State(information, nodes, weights * density / math.sqrt(2.0 * math.pi * step))


def origin() -> State:
    """Return the state before any information: score 0 for certain."""
    return State(0.0, np.zeros(1), np.ones(1))


def region(lower: float, upper: float, sd: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return quadrature nodes and weights between two scores, dense enough for a kernel of standard deviation sd."""
    if not upper > lower:
        return np.array([lower]), np.zeros(1)
    wanted = math.ceil(_NODES_PER_SD * (upper - lower) / sd / 16.0) * 16
    base, weights = _legendre(min(_MOST_NODES, max(_LEAST_NODES, wanted)))
    half = 0.5 * (upper - lower)
    return lower + half * (base + 1.0), half * weights


def increasing(information: tuple[float, ...]) -> tuple[float, ...]:
    """Return information times that grow by at least a small step, so that two looks never coincide.

    Information that fell (an estimate of variance that rose) counts as hardly any new information.
    """
    grown: list[float] = []
    for value in information:
        least = grown[-1] * (1.0 + SMALLEST_STEP) if grown else 0.0
        grown.append(max(value, least))
    return tuple(grown)


def crossing_probabilities(
    information: tuple[float, ...],
    upper: tuple[float, ...],
    *,
    lower: tuple[float, ...] | None = None,
    drift: float = 0.0,
) -> tuple[list[float], list[float]]:
    """Return, look by look, P(first leaves through the upper bound) and P(through the lower one).

    Bounds are z-values; without `lower` the test only stops upwards. drift is theta: the mean of Z_k is
    theta sqrt(I_k).
    """
    state = origin()
    up: list[float] = []
    down: list[float] = []
    for k, at in enumerate(information):
        root = math.sqrt(at)
        top = upper[k] * root
        bottom = -math.inf if lower is None else lower[k] * root
        up.append(state.exceed(at, top, drift))
        down.append(0.0 if lower is None else state.below(at, bottom, drift))
        if k + 1 < len(information):
            spread = (FLOOR * root + drift * at, -FLOOR * root + drift * at)
            state = state.advance(at, max(bottom, spread[0]), min(top, spread[1]), drift)
    return up, down


@lru_cache(maxsize=64)
def _legendre(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, weights = leggauss(count)
    return nodes, weights

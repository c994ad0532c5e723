"""Brownian motion watched at looks: the recursion behind every group-sequential boundary.

The score S_k = Z_k sqrt(I_k) has independent increments N(theta (I_k - I_{k-1}), I_k - I_{k-1}). A state holds the
density of S_k where the test went on, at Gauss-Legendre nodes of the continuation region; everything else is one
integral over it. Armitage, McPherson & Rowe (1969); Jennison & Turnbull (2000), chapter 19.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, roots_legendre

FLOOR = -8.0
SMALLEST_STEP = 5e-4
_FAR = FLOOR - 4.0
_LEAST_NODES = 64
_MOST_NODES = 768
_NODES_PER_SD = 2.6
_REACH = 9.0


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

    def density(self, information: float, score: float, drift: float = 0.0) -> float:
        """Return the density of the score at a later information, of paths still running here."""
        step = information - self.information
        gaps = (score - self.nodes - drift * step) / math.sqrt(step)
        return float(self.mass @ np.exp(-0.5 * gaps * gaps)) / math.sqrt(2.0 * math.pi * step)

    def advance(self, information: float, lower: float, upper: float, drift: float = 0.0) -> "State":
        """Return the state at a later information, where the test goes on between two scores."""
        step = information - self.information
        nodes, weights = region(lower, upper, math.sqrt(step))
        density = self._density(nodes - drift * step, math.sqrt(step))
        return State(information, nodes, weights * density / math.sqrt(2.0 * math.pi * step))

    def _density(self, centres: NDArray[np.float64], sd: float) -> NDArray[np.float64]:
        """Return the sum of the mass times exp(-gap^2 / 2 sd^2); nodes beyond 9 sd add nothing and are left out."""
        first = np.searchsorted(self.nodes, centres - _REACH * sd)
        width = int((np.searchsorted(self.nodes, centres + _REACH * sd) - first).max())
        if 2 * width >= self.nodes.size:
            gaps = (centres[:, None] - self.nodes[None, :]) / sd
            found: NDArray[np.float64] = np.exp(-0.5 * gaps * gaps) @ self.mass
            return found
        near = np.minimum(first, self.nodes.size - width)[:, None] + np.arange(width)
        gaps = (centres[:, None] - self.nodes[near]) / sd
        found = np.einsum("ij,ij->i", np.exp(-0.5 * gaps * gaps), self.mass[near])
        return found


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


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """A motion that was watched with one drift, ready to be asked about others: one entry per node before a look.

    before: information at the node. step: from there to the look. top: the score above which the test stops upwards.
    """

    drift: float
    nodes: NDArray[np.float64]
    mass: NDArray[np.float64]
    before: NDArray[np.float64]
    step: NDArray[np.float64]
    top: NDArray[np.float64]

    def crossing(self, drift: float) -> float:
        """Return P(leaves through the upper bound at any look) with a drift up to 4 / sqrt(I) from the own one.

        The own mass times the likelihood ratio exp((d - d0) s - (d^2 - d0^2) I / 2) of the score s so far.
        """
        ratio = (drift - self.drift) * (self.nodes - 0.5 * (drift + self.drift) * self.before)
        above = ndtr((self.nodes + drift * self.step - self.top) / np.sqrt(self.step))
        return float((self.mass * np.exp(ratio)) @ above)


def watched(
    information: tuple[float, ...], upper: tuple[float, ...], *, lower: tuple[float, ...], drift: float
) -> Watched:
    """Return the motion watched with a drift; bounds are z-values of every look, the last lower one is not used."""
    state = origin()
    states: list[State] = []
    for k, at in enumerate(information):
        states.append(state)
        if k + 1 < len(information):
            root = math.sqrt(at)
            spread = (_FAR * root + drift * at, -_FAR * root + drift * at)
            state = state.advance(at, max(lower[k] * root, spread[0]), min(upper[k] * root, spread[1]), drift)
    sizes = [found.nodes.size for found in states]
    before = np.array([found.information for found in states])
    at_look = np.array(information)
    return Watched(
        drift,
        np.concatenate([found.nodes for found in states]),
        np.concatenate([found.mass for found in states]),
        np.repeat(before, sizes),
        np.repeat(at_look - before, sizes),
        np.repeat(np.array(upper) * np.sqrt(at_look), sizes),
    )


@lru_cache(maxsize=64)
def _legendre(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, weights = roots_legendre(count)
    return nodes, weights

"""The probability that each of many Beta arms is the best, by quadrature. Not for the hot path: it needs SciPy."""

from typing import Final

import numpy as np
from numpy.polynomial.legendre import Legendre, leggauss
from scipy.special import betainc, betaincinv, betaln, expit, log_expit, polygamma

from decisions.learning.beta import Floats

TAIL: Final = 1e-12
"""What lies beyond is left out on both sides of every arm."""
NODES: Final = 12
"""Of each panel."""
PANEL: Final = 1.5
"""The width of a panel in standard deviations of the narrowest arm that it meets..."""
WIDEST: Final = 1.0
"""...and at most, since a tail that is long on one side begins abruptly on the other."""
FARTHEST: Final = 700.0
"""Log-odds beyond which a float cannot tell a rate from 0 or 1."""


def probability_best(counts: Floats) -> Floats:
    """Return P(the arm has the largest rate) for each: integral of f_i prod_{j != i} F_j over log-odds; the sum is 1.

    counts: arms x 2, alpha and beta. Arms with equal counts are computed once. Below the highest of the lower ends no
    arm can be the best, so only what lies above it is cut into panels, narrow where an arm is.
    """
    kinds, place, copies = np.unique(counts, axis=0, return_inverse=True, return_counts=True)
    alpha, beta = kinds[:, :1], kinds[:, 1:]
    low, high = _ends(kinds)
    width = np.minimum(PANEL * np.sqrt(polygamma(1, kinds).sum(axis=1)), WIDEST)
    edges = _edges(float(low.max()), high, width)
    nodes, weights, below = _rule()
    half = np.diff(edges) / 2.0
    at = edges[:-1, None] + half[:, None] * (nodes + 1.0)
    density = np.exp(
        alpha[:, :, None] * log_expit(at) + beta[:, :, None] * log_expit(-at) - betaln(alpha, beta)[:, :, None]
    )
    mass = density * half[:, None]
    before = np.cumsum(np.einsum("kpn,n->kp", mass, weights), axis=1)[:, :-1]
    start = betainc(alpha, beta, expit(edges[0])) + np.concatenate([np.zeros_like(alpha), before], axis=1)
    log_below = np.log(np.clip(start[:, :, None] + np.einsum("kpn,nm->kpm", mass, below), 1e-300, 1.0))
    together = np.einsum("k,kpn->pn", copies, log_below)
    found = np.einsum("kpn,n->k", mass * np.exp(together - log_below), weights)[place.reshape(-1)]
    shares: Floats = found / found.sum()
    return shares


def _ends(kinds: Floats) -> tuple[Floats, Floats]:
    """Return where the tails of each kind of arm begin, in log-odds."""
    alpha, beta = kinds[:, 0], kinds[:, 1]
    low = _log_odds(betaincinv(alpha, beta, TAIL))
    high = -_log_odds(betaincinv(beta, alpha, TAIL))
    return low, np.maximum(high, np.nextafter(low, np.inf))


def _log_odds(rates: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        found: Floats = np.clip(np.log(rates) - np.log1p(-rates), -FARTHEST, FARTHEST)
    return found


def _edges(start: float, high: Floats, width: Floats) -> Floats:
    """Return the ends of panels from `start` to the highest end, each as wide as every arm that it meets allows."""
    order = np.argsort(high)
    ends, narrowest = high[order], np.minimum.accumulate(width[order][::-1])[::-1]
    edges = [start]
    while edges[-1] < ends[-1]:
        meets = int(np.searchsorted(ends, edges[-1], side="right"))
        edges.append(min(edges[-1] + float(narrowest[min(meets, len(ends) - 1)]), float(ends[-1])))
    return np.array(edges)


def _rule() -> tuple[Floats, Floats, Floats]:
    """Return nodes and weights on [-1, 1], and the matrix from values at the nodes to integrals up to each node."""
    nodes, weights = leggauss(NODES)
    degrees = np.arange(NODES)
    values = np.array([Legendre.basis(degree)(nodes) for degree in degrees])
    integrals = np.array([Legendre.basis(degree).integ(lbnd=-1.0)(nodes) for degree in degrees])
    to_series = (degrees + 0.5)[:, None] * values * weights
    return nodes, weights, to_series.T @ integrals

"""Sample-ratio mismatch: do the arms have the units that the split gave them, over all and in each cell?"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from experiments.statistics.distributions import binomial_two_sided, chi2_sf
from experiments.statistics.figures import FigureInvalid, positive, probabilities
from experiments.statistics.results import Undefined, UndefinedReason

EXACT_BELOW = 1_000
CONCENTRATION = 100.0
CELL_CONCENTRATIONS = (2.0, 100.0)
"""Cells are small and break grossly (an arm that is dead for a day) or a little (a browser that loses a tenth)."""
LEAST_EXPECTED = 20.0
SUSPECTED = 0.05
"""Prior share of the cells of a family that are broken."""


def live_arms(counts: Sequence[int], weights: Sequence[float]) -> tuple[list[int], list[float], int]:
    """Return counts and shares of the arms with a positive weight, and the units in arms that should have none."""
    if len(counts) != len(weights):
        raise FigureInvalid(f"weights: needs {len(counts)} values, has {len(weights)}")
    if not all(weight < math.inf for weight in weights):
        raise FigureInvalid(f"weights: must be finite, not {list(weights)}")
    if not all(count >= 0 for count in counts):
        raise FigureInvalid(f"counts: must be 0 or more, not {list(counts)}")
    live = [(count, weight) for count, weight in zip(counts, weights, strict=True) if weight > 0.0]
    stray = sum(count for count, weight in zip(counts, weights, strict=True) if weight <= 0.0)
    total = sum(weight for _, weight in live)
    return [count for count, _ in live], [weight / total for _, weight in live], stray


def chi_square(counts: Sequence[int], weights: Sequence[float]) -> tuple[float, int] | Undefined:
    """Return Pearson's chi-square and its degrees of freedom: arms with a positive weight, less one."""
    seen, shares, _ = live_arms(counts, weights)
    total = sum(seen)
    if len(seen) < 2 or total == 0:
        return Undefined(UndefinedReason.NO_DATA)
    statistic = sum((count - total * share) ** 2 / (total * share) for count, share in zip(seen, shares, strict=True))
    return statistic, len(seen) - 1


def fixed_p(counts: Sequence[int], weights: Sequence[float]) -> float | Undefined:
    """Return the p-value of one look: exact binomial for two arms below 1 000 units, chi-square otherwise."""
    found = chi_square(counts, weights)
    if isinstance(found, Undefined):
        return found
    seen, shares, _ = live_arms(counts, weights)
    if len(seen) == 2 and sum(seen) < EXACT_BELOW:
        arm = 1 if shares[0] == 1.0 else 0  # a share that rounds to 1 has a failure rate of 0
        return binomial_two_sided(seen[arm], sum(seen), shares[arm])
    return chi2_sf(*found)


def log_bayes_factor(counts: Sequence[int], weights: Sequence[float], *, concentration: float = CONCENTRATION) -> float:
    """Return the log evidence against the split, valid at any look (Lindon & Malek 2022).

    ln BF = lnG(k) - sum lnG(k p) + sum lnG(k p + c) - lnG(k + n) - sum c ln p for a Dirichlet(k p) prior; it depends
    on the totals so far only. 0 without data or with fewer than two live arms.
    """
    positive(concentration=concentration)
    seen, shares, _ = live_arms(counts, weights)
    total = sum(seen)
    if len(seen) < 2 or total == 0:
        return 0.0
    k = concentration
    log_bf = math.lgamma(k) - math.lgamma(k + total)
    for count, share in zip(seen, shares, strict=True):
        log_bf += math.lgamma(k * share + count) - math.lgamma(k * share) - count * math.log(share)
    return log_bf


def sequential_p(log_evidence: float, earlier: float = 1.0) -> float:
    """Return the always-valid p-value: the smallest of 1 / e-value over this look and the earlier ones.

    Epochs are independent, so the log evidence of an experiment is the sum of its epochs' log Bayes factors.
    """
    probabilities(earlier=earlier)
    if math.isnan(log_evidence):
        raise FigureInvalid("log_evidence: must be a number")
    return min(1.0, earlier, math.exp(min(0.0, -log_evidence)))


def log_bayes_factors(
    counts: NDArray[np.int64], weights: Sequence[float], *, concentration: float = CONCENTRATION
) -> NDArray[np.float64]:
    """Return `log_bayes_factor` of many cells with one split: counts are (..., arms), the answer (...)."""
    given = np.asarray(weights, dtype=float)
    if given.size != counts.shape[-1] or not np.all(np.isfinite(given)):
        raise FigureInvalid(f"weights: needs {counts.shape[-1]} finite values, not {list(weights)}")
    live = given > 0.0
    if live.sum() < 2:
        return np.zeros(counts.shape[:-1])
    shares = given[live] / given[live].sum()
    seen = counts[..., live]
    prior = concentration * shares
    arms = gammaln(prior + seen) - gammaln(prior) - seen * np.log(shares)
    found: NDArray[np.float64] = arms.sum(axis=-1) - gammaln(concentration + seen.sum(axis=-1))
    return found + math.lgamma(concentration)


def log_evidence_of_cells(
    strata: Sequence[tuple[NDArray[np.int64], Sequence[float]]],
) -> NDArray[np.float64]:
    """Return the log e-value of each cell, valid at any look; each stratum gives counts (..., cells, arms) and a split.

    The mean over the concentrations of the product over strata of Bayes factors.
    """
    by_concentration = [
        sum((log_bayes_factors(counts, weights, concentration=k) for counts, weights in strata), np.float64(0.0))
        for k in CELL_CONCENTRATIONS
    ]
    mean: NDArray[np.float64] = np.logaddexp.reduce(by_concentration, axis=0) - math.log(len(CELL_CONCENTRATIONS))
    return mean


def log_evidence_of_family(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log e-value against `every cell follows the split`: (..., cells) to (...), valid at any look.

    ln E = sum_j ln(1 - w + w E_j). Each unit is in one cell, so that the product is a martingale when every factor is;
    a cell without units has the factor 1. Cells may therefore appear during the test, in any number and order.
    """
    mixed: NDArray[np.float64] = np.logaddexp(math.log1p(-SUSPECTED), math.log(SUSPECTED) + cells).sum(axis=-1)
    return mixed


def distance(strata: Sequence[tuple[Sequence[int], Sequence[float]]]) -> float:
    """Return how far a cell is from its splits, to rank cells by: the normal deviate of its chi-square, summed.

    Wilson & Hilferty 1931: z = ((x / d)^(1/3) - 1 + 2 / (9 d)) / sqrt(2 / (9 d)), which keeps apart cells whose
    p-values are too small for a float; the least where no split has units.
    """
    found = [chi_square(counts, weights) for counts, weights in strata]
    chi = sum(one[0] for one in found if not isinstance(one, Undefined))
    df = sum(one[1] for one in found if not isinstance(one, Undefined))
    if df == 0:
        return -math.inf
    spread = 2.0 / (9.0 * df)
    return float(((chi / df) ** (1.0 / 3.0) - 1.0 + spread) / math.sqrt(spread))


def bonferroni_p(strata: Sequence[tuple[Sequence[int], Sequence[float]]]) -> float | None:
    """Return the smallest p-value of one look times the number of splits that have units; None if none has.

    A split of three or more arms that expects fewer than 20 units in one has too few for chi-square: 1 / e-value then.
    """
    tested: list[float] = []
    for counts, weights in strata:
        seen, shares, _ = live_arms(counts, weights)
        p = fixed_p(counts, weights)
        if isinstance(p, Undefined):
            continue
        if len(seen) > 2 and sum(seen) * min(shares) < LEAST_EXPECTED:
            p = sequential_p(log_bayes_factor(counts, weights, concentration=CELL_CONCENTRATIONS[0]))
        tested.append(p)
    return min(1.0, min(tested) * len(tested)) if tested else None

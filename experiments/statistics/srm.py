"""Sample-ratio mismatch: do the arms have the units that the split gave them?"""

import math
from collections.abc import Sequence

from experiments.statistics.distributions import binomial_two_sided, chi2_sf
from experiments.statistics.results import Undefined, UndefinedReason

EXACT_BELOW = 1_000
CONCENTRATION = 100.0


def live_arms(counts: Sequence[int], weights: Sequence[float]) -> tuple[list[int], list[float], int]:
    """Return counts and shares of the arms with a positive weight, and the units in arms that should have none."""
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
        return binomial_two_sided(seen[0], sum(seen), shares[0])
    return chi2_sf(*found)


def log_bayes_factor(counts: Sequence[int], weights: Sequence[float], *, concentration: float = CONCENTRATION) -> float:
    """Return the log evidence against the split, valid at any look (Lindon & Malek 2022).

    ln BF = lnG(k) - sum lnG(k p) + sum lnG(k p + c) - lnG(k + n) - sum c ln p for a Dirichlet(k p) prior; it depends
    on the totals so far only. 0 without data or with fewer than two live arms.
    """
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
    return min(1.0, earlier, math.exp(min(0.0, -log_evidence)))

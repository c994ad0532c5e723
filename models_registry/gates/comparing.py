"""Paired comparisons over users: the whole of them, and slice by slice with intervals that hold together."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from models_registry.gates.evaluation import Figures, Slice
from models_registry.gates.rule import GateMalformed


@dataclass(frozen=True, slots=True)
class Comparison:
    """The mean difference of candidate and reference over users, with its interval; None where there is none."""

    reference: str
    users: int
    candidate_mean: float | None
    reference_mean: float | None
    difference: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class SliceComparison:
    """The comparison with one reference within one slice. `judged` says whether it has users enough."""

    slice: str
    judged: bool
    comparison: Comparison


def compare(name: str, candidate: Figures, reference: Figures, confidence: float) -> Comparison:
    """Return the paired comparison over users: mean(d) -+ t(n - 1) s(d) / sqrt(n) with d = candidate - reference.

    Raises:
        GateMalformed: the two do not have one figure for each of the same users.
    """
    if candidate.ndim != 1 or candidate.shape != reference.shape:
        raise GateMalformed(f"The reference {name} has not one figure for each user.")
    users = len(candidate)
    if users < 2 or not (np.isfinite(candidate).all() and np.isfinite(reference).all()):
        return Comparison(name, users, None, None, None, None, None)
    differences = candidate - reference
    mean = float(differences.mean())
    error = float(differences.std(ddof=1)) / math.sqrt(users)
    half = float(stdtrit(users - 1, 0.5 + confidence / 2.0)) * error
    means = float(candidate.mean()), float(reference.mean())
    return Comparison(name, users, *means, mean, mean - half, mean + half)


def compare_slices(
    slices: Mapping[str, Slice], references: Iterable[str], *, confidence: float, least_users: int
) -> tuple[SliceComparison, ...]:
    """Return each slice beside each of the references that it has figures of.

    The intervals of those that are judged hold together with the confidence: each has 1 - (1 - confidence) / number
    of them (Bonferroni).

    Raises:
        GateMalformed: a slice has not one figure for each of its users.
    """
    asked = [(name, part, which) for name, part in slices.items() for which in references if which in part.references]
    judged = [len(part.candidate) >= least_users for _, part, _ in asked]
    level = 1.0 - (1.0 - confidence) / max(1, sum(judged))
    return tuple(
        SliceComparison(name, is_judged, compare(which, part.candidate, part.references[which], level))
        for (name, part, which), is_judged in zip(asked, judged, strict=True)
    )

"""Offline acceptance: whether a trained candidate may be registered, judged on users it was not trained on.

It says only that a candidate is not worse than what needs no model. Whether it is better for the shop is what an
experiment finds out.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from foundation.errors import DomainError

Figures = npt.NDArray[np.float64]
POPULARITY: Final = "popularity"
CHAMPION: Final = "champion"


class GateMalformed(DomainError):
    """The rule of a gate, or what it is given to judge, makes no sense."""

    code = "GATE_MALFORMED"
    hint = "Margins are finite and not negative, the confidence lies between 0.5 and 1, and every user has each figure."


class GateCode(StrEnum):
    """Why a gate refused."""

    TOO_FEW_USERS = "TOO_FEW_USERS"
    METRIC_NOT_FINITE = "METRIC_NOT_FINITE"
    WORSE_THAN_POPULARITY = "WORSE_THAN_POPULARITY"
    WORSE_THAN_CHAMPION = "WORSE_THAN_CHAMPION"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRule:
    """What a candidate must show; declared before it is trained.

    margin, champion_margin: how far, in units of the metric, the candidate may fall behind the reference by popularity
    and behind the present champion; a champion_margin of None reports that comparison without judging it.
    least_users: how many users the judgment needs. confidence: of the two-sided intervals.
    """

    metric: str = "ndcg_at_10"
    margin: float = 0.0
    champion_margin: float | None = None
    least_users: int = 100
    confidence: float = 0.95

    def __post_init__(self) -> None:
        margins = (self.margin, self.champion_margin or 0.0)
        if not all(math.isfinite(margin) and margin >= 0.0 for margin in margins) or not 0.5 < self.confidence < 1.0:
            raise GateMalformed(f"The rule {self} cannot be applied.")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured on users whose later deeds the candidate had not seen.

    metrics: figures over all of them, by name. candidate: one figure of the rule's metric for each user. references:
    the same figure for the same users in the same order, of POPULARITY and, where there is one, of CHAMPION.
    """

    metrics: Mapping[str, float]
    candidate: Figures
    references: Mapping[str, Figures]


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
class GateReason:
    """One reason for a refusal: a stable code and a sentence."""

    code: GateCode
    sentence: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """The judgment; it passed exactly where there are no reasons."""

    rule: GateRule
    reasons: tuple[GateReason, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def passed(self) -> bool:
        """Whether the candidate may be registered."""
        return not self.reasons

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON would hold it."""
        return {"passed": self.passed, **asdict(self)}


def judge(evaluation: Evaluation, rule: GateRule) -> GateResult:
    """Return the judgment of a candidate: a pure function of what was measured and the rule.

    Raises:
        GateMalformed: there is no reference by popularity, or a reference has not one figure for each user.
    """
    if POPULARITY not in evaluation.references:
        raise GateMalformed("There is no reference by popularity to compare with.")
    comparisons = tuple(
        compare(name, evaluation.candidate, reference, rule.confidence)
        for name, reference in sorted(evaluation.references.items(), key=lambda entry: entry[0] != POPULARITY)
    )
    users = len(evaluation.candidate)
    reasons = []
    if users < rule.least_users:
        sentence = f"Only {users} users could be judged; the rule asks for {rule.least_users}."
        reasons.append(GateReason(GateCode.TOO_FEW_USERS, sentence))
    broken = sorted(name for name, figure in evaluation.metrics.items() if not math.isfinite(figure))
    if broken or not np.isfinite(evaluation.candidate).all():
        named = ", ".join(broken or [rule.metric])
        reasons.append(GateReason(GateCode.METRIC_NOT_FINITE, f"Not a finite number: {named}."))
    reasons.extend(reason for comparison in comparisons if (reason := _shortfall(comparison, rule)) is not None)
    return GateResult(rule, tuple(reasons), comparisons)


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


def _shortfall(comparison: Comparison, rule: GateRule) -> GateReason | None:
    """Return why the candidate falls behind a reference, or None; what has no interval is not shown to keep up."""
    champion = comparison.reference == CHAMPION
    margin = rule.champion_margin if champion else rule.margin
    if margin is None or (comparison.lower is not None and comparison.lower > -margin):
        return None
    code = GateCode.WORSE_THAN_CHAMPION if champion else GateCode.WORSE_THAN_POPULARITY
    if comparison.lower is None:
        return GateReason(code, f"{rule.metric} cannot be compared with {comparison.reference}.")
    return GateReason(
        code,
        f"{rule.metric} less that of {comparison.reference} is at least {comparison.lower:.4f} "
        f"with {rule.confidence:.0%} confidence; the rule asks for more than {-margin:.4f}.",
    )

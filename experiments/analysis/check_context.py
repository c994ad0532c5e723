"""What a validity check is given and what it answers."""

from dataclasses import dataclass, field
from typing import Final

from experiments.analysis.drafts import Drafter
from experiments.analysis.inputs import SEQUENTIAL_P, SRM_CHECK, AnalysisInputs, Health
from experiments.analysis.plan import AnalysisPlan, SequentialMethod
from experiments.analysis.scorecard import Comparison, Outcome
from experiments.vocabulary import CheckLevel

Figures = dict[str, float | int | str | None]

SINCE_EARLIER: Final[Figures] = {"earlier": 1}
"""Figure of a check that failed at an earlier look and would pass by this look alone."""

SRM_ANALYSED: Final = "SAMPLE_RATIO_ANALYSED"
SRM_EPOCHS: Final = "SAMPLE_RATIO_EPOCHS"
SRM_DAYS: Final = "SAMPLE_RATIO_DAYS"
SRM_LEVELS: Final = "SAMPLE_RATIO_LEVELS"
FILTER_BALANCE: Final = "FILTER_BALANCE"
PRE_EXPOSURE_BALANCE: Final = "PRE_EXPOSURE_BALANCE"
SHARED_BUDGET: Final = (SRM_ANALYSED, SRM_EPOCHS, SRM_DAYS, SRM_LEVELS, FILTER_BALANCE, PRE_EXPOSURE_BALANCE)
"""Checks that share, in equal parts, what the overall sample ratio leaves of the plan's `blocker_alpha`."""


@dataclass(frozen=True, slots=True)
class Found:
    """An outcome with its figures; `level` replaces the check's own where the finding is graded."""

    outcome: Outcome
    figures: Figures = field(default_factory=dict)
    level: CheckLevel | None = None


def judged(failed: bool, figures: Figures, level: CheckLevel | None = None) -> Found:
    """Return FAILED or PASSED with the figures."""
    return Found(Outcome.FAILED if failed else Outcome.PASSED, figures, level)


def not_applicable(why: str) -> Found:
    """Return that the check has nothing to look at, and why."""
    return Found(Outcome.NOT_APPLICABLE, {"why": why})


@dataclass(frozen=True, slots=True)
class CheckContext:
    """Everything a check may read. final: this look is at or after the last planned day."""

    plan: AnalysisPlan
    inputs: AnalysisInputs
    data: Drafter
    comparisons: tuple[Comparison, ...]
    days: float | None
    final: bool

    @property
    def health(self) -> Health:
        """The health counts of the inputs."""
        return self.inputs.health

    @property
    def single_look(self) -> bool:
        """Whether the plan looks once, so that ordinary p-values hold."""
        return self.plan.method is SequentialMethod.FIXED_HORIZON

    @property
    def part_alpha(self) -> float:
        """The error that each of `SHARED_BUDGET` may make over the life of a healthy test; 0 where none is left."""
        return (self.plan.blocker_alpha - self.plan.srm_alpha) / len(SHARED_BUDGET)

    def budget(self, code: str) -> float:
        """Return the error that a blocking check may make over the life of a healthy test."""
        return self.plan.srm_alpha if code == SRM_CHECK else self.part_alpha

    def tested(self, code: str, *, once: float, always: float, figures: Figures) -> Found:
        """Return whether a blocking check fails at its part of the error budget.

        once: p-value of this look alone, which a plan with a single look uses. always: p-value of this look that holds
        at every look, of which the smallest so far counts.
        """
        sequential = min(always, self.inputs.history.check_p.get(code, 1.0))
        alpha, p = self.budget(code), once if self.single_look else sequential
        shown: Figures = {"p": p, "p_fixed": once, SEQUENTIAL_P: sequential, "alpha": alpha}
        if not self.single_look and p < alpha <= always:
            shown |= SINCE_EARLIER
        return judged(p < alpha, figures | shown)

    def untested(self, code: str, why: str) -> Found:
        """Return that there is nothing to test now, unless an earlier look has failed: then that stands."""
        alpha, earlier = self.budget(code), self.inputs.history.check_p.get(code, 1.0)
        if not self.single_look and earlier < alpha:
            found: Figures = {"p": earlier, SEQUENTIAL_P: earlier, "alpha": alpha}
            return judged(failed=True, figures=found | SINCE_EARLIER)
        return not_applicable(why)

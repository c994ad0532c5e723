"""What a validity check is given and what it answers."""

from dataclasses import dataclass, field

from experiments.analysis.drafts import Drafter
from experiments.analysis.inputs import AnalysisInputs, Health
from experiments.analysis.plan import AnalysisPlan, SequentialMethod
from experiments.analysis.scorecard import Comparison, Outcome
from experiments.vocabulary import CheckLevel

Figures = dict[str, float | int | str | None]


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

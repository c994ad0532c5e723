"""What an analysis plan is made of: its arms and metrics, and the words of its rules."""

from dataclasses import dataclass
from enum import StrEnum

from experiments.analysis.metrics import MetricSpec
from experiments.vocabulary import Direction, MetricRole


class SequentialMethod(StrEnum):
    """How looks before the end are paid for."""

    GROUP_SEQUENTIAL = "GROUP_SEQUENTIAL"
    CONFIDENCE_SEQUENCE = "CONFIDENCE_SEQUENCE"
    FIXED_HORIZON = "FIXED_HORIZON"


class Multiplicity(StrEnum):
    """How several DECISION tests share one alpha."""

    HOLM = "HOLM"
    DUNNETT = "DUNNETT"
    NONE = "NONE"


class Family(StrEnum):
    """Over what tests are corrected."""

    METRICS_AND_ARMS = "METRICS_AND_ARMS"
    ARMS = "ARMS"


class Requirement(StrEnum):
    """How many of several DECISION metrics must be superior for a variant to be shipped.

    ANY needs the correction over metrics; ALL is an intersection-union test and does not.
    """

    ANY = "ANY"
    ALL = "ALL"


class Gatekeeping(StrEnum):
    """What SECONDARY metrics are tested at once the DECISION metrics of their treatment have passed.

    GRAPH: the level that rejected DECISION tests hand on, so that all claims together keep alpha. GATE: a whole alpha
    of their own, as plans of the first schema do.
    """

    GRAPH = "GRAPH"
    GATE = "GATE"


class Objective(StrEnum):
    """What a treatment has to show to be shipped."""

    SUPERIORITY = "SUPERIORITY"
    NON_INFERIORITY_WITH_SAVING = "NON_INFERIORITY_WITH_SAVING"


class Adjustment(StrEnum):
    """Whether pre-exposure covariates reduce the variance."""

    LIN = "LIN"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class PlannedVariant:
    """One arm of the experiment."""

    key: str
    control: bool = False


@dataclass(frozen=True, slots=True)
class PlannedMetric:
    """A metric in its role.

    margin: relative non-inferiority margin (.02 is 2% of control); a guardrail needs one.
    planned_information: 1 / SE^2 of the absolute difference that the design expects at the horizon, in own units of
    the metric; None spends alpha by calendar time instead (the correlations still come from the information seen).
    """

    spec: MetricSpec
    role: MetricRole
    direction: Direction
    margin: float | None = None
    planned_information: float | None = None

    def __post_init__(self) -> None:
        if self.role is MetricRole.GUARDRAIL and self.margin is None:
            raise ValueError(f"margin: guardrail {self.spec.key} needs one")
        if self.margin is not None and not 0.0 < self.margin < 1.0:
            raise ValueError(f"margin: must be between 0 and 1, not {self.margin}")
        if self.planned_information is not None and not self.planned_information > 0.0:
            raise ValueError(f"planned_information: must be above 0, not {self.planned_information}")

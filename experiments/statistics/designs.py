"""What a planned experiment looks like before it has data: baselines, guardrails, arms and looks."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from experiments.statistics.power import design_effect
from experiments.statistics.spending import Spending
from foundation.errors import DomainError

MOST_TREATMENTS = 50
MOST_LOOKS = 120
SMALLEST_ALPHA = 1e-6
LARGEST_POWER = 1.0 - 1e-6
LARGEST_RESERVED = 0.9


class DesignInvalid(DomainError):
    """A design that contradicts itself, or one in which nothing can be found."""

    code: ClassVar[str] = "DESIGN_INVALID"
    hint = "Correct the figure that the message names."


class Watching(StrEnum):
    """How looks before the end are paid for."""

    FIXED_HORIZON = "FIXED_HORIZON"
    GROUP_SEQUENTIAL = "GROUP_SEQUENTIAL"
    CONFIDENCE_SEQUENCE = "CONFIDENCE_SEQUENCE"


class Correction(StrEnum):
    """How several treatments share alpha. HOLM is planned with its first step, alpha over all tests."""

    HOLM = "HOLM"
    DUNNETT = "DUNNETT"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What control shows: mean per unit and standard deviation between units, in the metric's own unit.

    is_rate: the mean is the share of units that convert, and sd follows from it. r2: share of the variance that
    history explains.
    """

    mean: float
    sd: float
    is_rate: bool = False
    r2: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.mean < math.inf:
            raise DesignInvalid(f"mean: must be above 0 and finite, not {self.mean}")
        if not 0.0 < self.sd < math.inf:
            raise DesignInvalid(f"sd: must be above 0 and finite, not {self.sd}")
        if not 0.0 <= self.r2 < 1.0:
            raise DesignInvalid(f"r2: must be 0 or more and below 1, not {self.r2}")


def conversion(rate: float, *, r2: float = 0.0) -> Baseline:
    """Return the baseline of a conversion rate. Raises DesignInvalid."""
    if not 0.0 < rate < 1.0:
        raise DesignInvalid(f"rate: must be between 0 and 1, not {rate}", hint="4% is 0.04.")
    return Baseline(rate, math.sqrt(rate * (1.0 - rate)), is_rate=True, r2=r2)


def ratio_of_means(
    *,
    numerator: float,
    denominator: float,
    numerator_sd: float,
    denominator_sd: float,
    correlation: float,
    r2: float = 0.0,
) -> Baseline:
    """Return the baseline of a ratio metric from means, sds and correlation of both totals per randomised unit.

    R = N / D, sd of (n - R d) / D: sqrt(s_N^2 - 2 R c s_N s_D + R^2 s_D^2) / D (the delta method). Raises
    DesignInvalid.
    """
    if not 0.0 < denominator < math.inf:
        raise DesignInvalid(f"denominator: must be above 0 and finite, not {denominator}")
    if not -1.0 <= correlation <= 1.0:
        raise DesignInvalid(f"correlation: must be between -1 and 1, not {correlation}")
    for name, sd in (("numerator_sd", numerator_sd), ("denominator_sd", denominator_sd)):
        if not 0.0 <= sd < math.inf:
            raise DesignInvalid(f"{name}: must be 0 or more and finite, not {sd}")
    ratio = numerator / denominator
    moved = ratio * denominator_sd
    variance = numerator_sd * numerator_sd - 2.0 * correlation * numerator_sd * moved + moved * moved
    return Baseline(ratio, math.sqrt(max(0.0, variance)) / denominator, r2=r2)


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A metric that must not get worse by the relative margin; alpha is one-sided, and its own."""

    name: str
    baseline: Baseline
    margin: float
    alpha: float = 0.05
    lower_is_better: bool = False

    def __post_init__(self) -> None:
        if not 0.0 < self.margin < 1.0:
            raise DesignInvalid(f"margin of {self.name}: must be between 0 and 1, not {self.margin}")
        if not SMALLEST_ALPHA <= self.alpha < 0.5:
            raise DesignInvalid(
                f"alpha of {self.name}: must be {SMALLEST_ALPHA:g} or more, below 0.5, not {self.alpha}"
            )


@dataclass(frozen=True, slots=True)
class Clusters:
    """Units that are assigned together: mean size, intra-cluster correlation, coefficient of variation of sizes."""

    mean_size: float
    icc: float
    cv_size: float = 0.0

    def __post_init__(self) -> None:
        if not 1.0 <= self.mean_size < math.inf:
            raise DesignInvalid(f"mean_size: must be 1 or more and finite, not {self.mean_size}")
        if not 0.0 <= self.icc <= 1.0:
            raise DesignInvalid(f"icc: must be between 0 and 1, not {self.icc}")
        if not 0.0 <= self.cv_size < math.inf:
            raise DesignInvalid(f"cv_size: must be 0 or more and finite, not {self.cv_size}")

    @property
    def effect(self) -> float:
        """The design effect: how many times the variance is that of independent units."""
        return design_effect(mean_size=self.mean_size, icc=self.icc, cv_size=self.cv_size)


@dataclass(frozen=True, slots=True)
class Looks:
    """When the data are judged: equally spaced looks, the last of them at the horizon.

    reserved: share of alpha that is kept for looks after the horizon (group sequential only).
    """

    method: Watching = Watching.FIXED_HORIZON
    count: int = 1
    spending: Spending = Spending.OBRIEN_FLEMING
    reserved: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_LOOKS:
            raise DesignInvalid(f"looks: must be between 1 and {MOST_LOOKS}, not {self.count}")
        if self.method is Watching.FIXED_HORIZON and self.count != 1:
            raise DesignInvalid("looks: a fixed horizon has one", hint="Choose a sequential method to look earlier.")
        if self.spending not in (Spending.OBRIEN_FLEMING, Spending.POCOCK):
            raise DesignInvalid(f"spending: must be of O'Brien-Fleming or Pocock type, not {self.spending}")
        if not 0.0 <= self.reserved <= LARGEST_RESERVED:
            raise DesignInvalid(f"reserved: must be between 0 and {LARGEST_RESERVED:g}, not {self.reserved}")
        if self.reserved and self.method is not Watching.GROUP_SEQUENTIAL:
            raise DesignInvalid("reserved: only a group-sequential design looks again after its horizon")


@dataclass(frozen=True, slots=True)
class Traffic:
    """Units that enter per day, in all arms together, and the days that each of them is watched."""

    units_per_day: float
    window_days: int = 7

    def __post_init__(self) -> None:
        if not 0.0 < self.units_per_day < math.inf:
            raise DesignInvalid(f"units_per_day: must be above 0 and finite, not {self.units_per_day}")
        if not 0 <= self.window_days <= 365:
            raise DesignInvalid(f"window_days: must be between 0 and 365, not {self.window_days}")

    def units_by(self, days: float) -> float:
        """Return the units whose window has closed after so many days."""
        return max(0.0, days - self.window_days) * self.units_per_day

    def days_for(self, units: float) -> int:
        """Return the whole weeks, in days, after which the windows of so many units have closed."""
        return 7 * max(1, math.ceil((units / self.units_per_day + self.window_days) / 7.0 - 1e-9))


@dataclass(frozen=True, slots=True)
class Design:
    """A comparison of treatments with one control on a decision metric.

    alpha: two-sided, over all treatments and decision metrics together. control_share: of all units; the treatments
    share the rest equally; None for equal arms. correction: None for Dunnett with a single look and Holm otherwise.
    triggered: share of the units that the change can reach; effects and baselines are theirs.
    """

    baseline: Baseline
    treatments: int = 1
    control_share: float | None = None
    alpha: float = 0.05
    power: float = 0.8
    decision_metrics: int = 1
    correction: Correction | None = None
    looks: Looks = Looks()
    triggered: float = 1.0
    clusters: Clusters | None = None
    guardrails: tuple[Guardrail, ...] = ()
    traffic: Traffic | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.treatments <= MOST_TREATMENTS:
            raise DesignInvalid(f"treatments: must be between 1 and {MOST_TREATMENTS}, not {self.treatments}")
        if not 0.0 < self.share_of_control < 1.0:
            raise DesignInvalid(f"control_share: must be between 0 and 1, not {self.control_share}")
        if not SMALLEST_ALPHA <= self.alpha < 0.5:
            raise DesignInvalid(f"alpha: must be {SMALLEST_ALPHA:g} or more and below 0.5, not {self.alpha}")
        if not self.alpha < self.power <= LARGEST_POWER:
            raise DesignInvalid(f"power: must be between alpha and 1, not {self.power}", hint="80% is 0.8.")
        if not 1 <= self.decision_metrics <= MOST_TREATMENTS:
            raise DesignInvalid(f"decision_metrics: must be between 1 and {MOST_TREATMENTS}")
        if not 0.0 < self.triggered <= 1.0:
            raise DesignInvalid(f"triggered: must be above 0 and at most 1, not {self.triggered}")
        if self.correction is Correction.DUNNETT and self.looks.method is not Watching.FIXED_HORIZON:
            raise DesignInvalid("correction: DUNNETT is for a single look", hint="Use HOLM with sequential methods.")

    @property
    def share_of_control(self) -> float:
        """The share of control, equal arms unless given."""
        return 1.0 / (1.0 + self.treatments) if self.control_share is None else self.control_share

    @property
    def ratio(self) -> float:
        """Units of each treatment for one of control."""
        return (1.0 - self.share_of_control) / self.treatments / self.share_of_control

    @property
    def variance_factor(self) -> float:
        """The design effect of clusters; 1 for independent units."""
        return 1.0 if self.clusters is None else self.clusters.effect

"""Segments on a scorecard: one effect in the levels of one attribute, and whether the levels differ at all."""

from dataclasses import dataclass

from experiments.statistics.results import Interval, UndefinedReason


@dataclass(frozen=True, slots=True)
class SegmentFigures:
    """The effect in one level, at a single look.

    difference, se, lift: as estimated in this level alone. p_value: of no effect here; p_adjusted: Benjamini-Hochberg
    over all levels of all declared dimensions of this metric and variant. claimed: p_adjusted is at most the plan's q.
    shrunk, shrunk_se: the difference moved towards that of all levels. Figures are None where reason says why.
    """

    level: str
    control_units: int
    treatment_units: int
    difference: float | None
    se: float | None
    lift: float | None
    lift_interval: Interval
    p_value: float | None
    p_adjusted: float | None
    claimed: bool
    shrunk: float | None
    shrunk_se: float | None
    reason: UndefinedReason | None = None


@dataclass(frozen=True, slots=True)
class SegmentFamily:
    """The levels of one dimension for one metric and treatment, with Cochran's test that their effects are equal.

    q, df, p_value: of equal effects; None with fewer than two levels that can be estimated.
    """

    metric: str
    variant: str
    reference: str
    dimension: str
    q: float | None
    df: int | None
    p_value: float | None
    levels: tuple[SegmentFigures, ...]

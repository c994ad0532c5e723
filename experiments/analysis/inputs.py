"""What an analysis is given: exact sums, unit counts, health counts and what earlier looks saw."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from experiments.analysis.scorecard import Comparison, Crossing, Exclusions, FinalFigures, Scorecard
from experiments.statistics.moments import PowerSums
from experiments.statistics.results import Interval, UndefinedReason, undefined
from experiments.vocabulary import Source

SRM_CHECK = "SAMPLE_RATIO"
SEQUENTIAL_P = "p_sequential"
"""The figure of a check that later looks carry on: its smallest always-valid p-value so far."""
DAY_CELLS = "day"
"""The dimension of cells that are days of first exposure, in the project's zone."""
FILTER_CELLS = "filter"
"""The dimension of cells that hold the units which filters left out; the level is the filter's key."""
_NOTHING = undefined(UndefinedReason.NO_DATA)


@dataclass(frozen=True, slots=True)
class Stratum:
    """A stretch of constant allocation: the planned slots of each variant (any positive scale; 0 takes no new units)
    and the units first exposed in it, before immature ones are left out."""

    key: str
    epoch: int
    weights: dict[str, int]
    units: dict[str, int]


@dataclass(frozen=True, slots=True)
class MetricSums:
    """Exact sums of one metric in one variant and one stratum, over the units the analysis keeps."""

    metric: str
    variant: str
    stratum: str
    sums: PowerSums


@dataclass(frozen=True, slots=True)
class SegmentSums:
    """Exact sums of one metric in one level of one dimension, variant and stratum, over the units that are kept."""

    dimension: str
    level: str
    metric: str
    variant: str
    stratum: str
    sums: PowerSums


@dataclass(frozen=True, slots=True)
class ClusterSums:
    """Exact sums of one metric in one variant over the cells of each cluster, where units are randomised by period.

    cells: of each cluster, all clusters in the order of their names; 0 where it has none in the variant. sums: by
    variable, in the same order.
    """

    metric: str
    variant: str
    cells: tuple[int, ...]
    sums: dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class CellValues:
    """Exact sums of one metric in each complete cell of unit x period that met one variant, in columns of one length.

    units: a number for each unit. sums: by variable (y, and d of a ratio).
    """

    metric: str
    units: tuple[int, ...]
    periods: tuple[int, ...]
    variants: tuple[str, ...]
    sums: dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class CellCount:
    """Units first exposed in one stratum, by variant, in one level of a dimension.

    `DAY_CELLS` is the day itself; `FILTER_CELLS` counts what each filter left out, everything else what was kept.
    """

    dimension: str
    level: str
    stratum: str
    units: dict[str, int]


@dataclass(frozen=True, slots=True)
class BrowserReturns:
    """Visitors of one browser who were first exposed more than ten days ago, and how many came back after a week."""

    browser: str
    visitors: int
    returned: int

    @property
    def share(self) -> float:
        """The share of them that came back; there must be some."""
        return self.returned / self.visitors


@dataclass(frozen=True, slots=True)
class Confound:
    """Something besides the treatment that sets two variants apart: the code of its check, and their keys."""

    code: str
    variant: str
    other: str


@dataclass(frozen=True, slots=True)
class Health:
    """Counts that validity checks read.

    exclusions: what was left out, shown with the scorecard. rows: rows (exposures) read, of which shares are taken.
    exposures_without_token: exposures that no token verified. events_total: outcomes attributed. messages: outcomes
    about the days of the look that count, whoever they belong to; None where that is not known.
    allocation_changes: changes of weights, coverage or arm state after launch. frozen_changes: changes of salt, unit,
    metrics, margins or plan after launch, which must never happen. filtered: units that each filter left out, by
    variant. late: messages that arrived too late to count, None where that is not known. redefined: metrics of the plan
    that have been given a newer definition since, which the plan does not use. conflicts: customers whose visitors met
    different variants. returns: who came back, by browser, where browsers are stored. confounds: what the models of the
    variants differ in besides the treatment.
    """

    exclusions: Exclusions = field(default_factory=Exclusions)
    rows: int = 0
    exposures_without_token: int = 0
    events_total: int | None = None
    allocation_changes: int = 0
    frozen_changes: int = 0
    filtered: dict[str, dict[str, int]] = field(default_factory=dict)
    late: int | None = None
    messages: int | None = None
    redefined: tuple[str, ...] = ()
    conflicts: int = 0
    returns: tuple[BrowserReturns, ...] = ()
    confounds: tuple[Confound, ...] = ()


@dataclass(frozen=True, slots=True)
class PastLook:
    """What an earlier look saw of one comparison; `reference` is control or, between treatments, another variant.

    absolute, lift: the repeated intervals of that look. bound: the multiplier that had to be reached; None where no
    alpha was spent. final: the figures of the stop, once it has stopped.
    """

    metric: str
    variant: str
    reference: str
    information: float
    spent_fraction: float
    crossed: Crossing
    absolute: Interval = _NOTHING
    lift: Interval = _NOTHING
    bound: float | None = None
    final: FinalFigures | None = None


@dataclass(frozen=True, slots=True)
class History:
    """What all earlier looks saw, oldest first.

    check_p: the smallest sequential p-value so far of every check that has one, by code.
    """

    looks: tuple[PastLook, ...] = ()
    count: int = 0
    check_p: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, scorecards: Iterable[Scorecard]) -> Self:
        """Return the history that the experiment's earlier scorecards hold, in the order of their looks."""
        history = cls()
        for card in sorted(scorecards, key=lambda card: card.look):
            history = history.after(card)
        return history

    def after(self, card: Scorecard) -> Self:
        """Return the history with one more look."""
        looks = tuple(look for found in (*card.comparisons, *card.contrasts) for look in _past(found))
        check_p = dict(self.check_p)
        for check in card.checks:
            seen = check.figures.get(SEQUENTIAL_P)
            if isinstance(seen, int | float):
                check_p[check.code] = min(check_p.get(check.code, 1.0), float(seen))
        return type(self)(self.looks + looks, self.count + 1, check_p)

    def by_comparison(self) -> dict[tuple[str, str, str], tuple[PastLook, ...]]:
        """Return the earlier looks, oldest first, by metric, variant and reference."""
        found: dict[tuple[str, str, str], list[PastLook]] = {}
        for look in self.looks:
            found.setdefault((look.metric, look.variant, look.reference), []).append(look)
        return {key: tuple(looks) for key, looks in found.items()}


@dataclass(frozen=True, slots=True)
class AnalysisInputs:
    """Everything besides the plan that a scorecard is computed from.

    is_last: the experiment was stopped and every window is closed, so that nothing more can come. unfiltered: sums
    with the units that filters left out, empty where the plan has no filter. segments, cells: by level of the plan's
    dimensions; cells also by day. clusters, cell_values: only where units are randomised by period, the latter of the
    metrics that decide.
    """

    experiment: str
    source: Source
    window_start: datetime | None
    window_end: datetime | None
    received_before: datetime | None
    strata: tuple[Stratum, ...]
    sums: tuple[MetricSums, ...]
    health: Health = field(default_factory=Health)
    history: History = field(default_factory=History)
    is_last: bool = False
    unfiltered: tuple[MetricSums, ...] = ()
    segments: tuple[SegmentSums, ...] = ()
    cells: tuple[CellCount, ...] = ()
    clusters: tuple[ClusterSums, ...] = ()
    cell_values: tuple[CellValues, ...] = ()


def _past(found: Comparison) -> tuple[PastLook, ...]:
    seen = found.sequential
    if seen is None or seen.information is None or seen.spent_fraction is None:
        return ()
    return (
        PastLook(
            metric=found.metric,
            variant=found.variant,
            reference=found.reference,
            information=seen.information,
            spent_fraction=seen.spent_fraction,
            crossed=seen.crossed,
            absolute=seen.absolute,
            lift=seen.lift,
            bound=seen.bound,
            final=found.final,
        ),
    )

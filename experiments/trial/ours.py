"""The same tests without an effect, judged by the engine: scorecards as an experiment of one's own would get them."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import AnalysisInputs, History, MetricSums, Stratum
from experiments.analysis.metrics import Aggregation, MetricSpec, What
from experiments.analysis.plan import (
    AnalysisPlan,
    Family,
    PlannedMetric,
    PlannedVariant,
    SequentialMethod,
    default_plan,
)
from experiments.analysis.scorecard import Crossing, Scorecard
from experiments.statistics.moments import PowerSums
from experiments.trial.rehearsal import Rehearsal
from experiments.trial.usual import FalsePositives, Method, counted
from experiments.vocabulary import Direction, MetricKind, MetricRole, Source

ARMS: Final = ("control", "treatment")
CONVERSION: Final = "conversion"
REVENUE: Final = "revenue"
ORDER_VALUE: Final = "order-value"
_START: Final = datetime(2026, 1, 5, tzinfo=UTC)
_CENTS: Final = 10_000
"""Micro units in a cent, in which money is added up here."""
_BATCH: Final = 10


@dataclass(frozen=True, slots=True)
class Numbers:
    """Tests to judge: with one look at the end, every evening with a planned end, and every evening without one."""

    single: int
    planned: int
    endless: int


@dataclass(frozen=True, slots=True)
class Share:
    """Tests of one kind that a worker judges: numbers `first` to `last` - 1."""

    method: SequentialMethod
    first: int
    last: int
    seed: int


def our_methods(
    test: Rehearsal, *, tests: Numbers, seed: int, workers: int, progress: Callable[[float], None]
) -> tuple[FalsePositives, ...]:
    """Return the false calls of the default plan over random splits in halves, each judged by its own scorecards.

    progress: takes the share of the work that is done, between 0 and 1.
    """
    runs = {
        SequentialMethod.FIXED_HORIZON: tests.single,
        SequentialMethod.GROUP_SEQUENTIAL: tests.planned,
        SequentialMethod.CONFIDENCE_SEQUENCE: tests.endless,
    }
    looks = tests.single + (tests.planned + tests.endless) * test.entry_days
    shares = [
        Share(method, first, min(first + _BATCH, number), seed)
        for method, number in runs.items()
        for first in range(0, number, _BATCH)
    ]
    found: Counter[Method] = Counter()
    done = 0
    for share, calls in _judged(test, shares, workers):
        found.update(calls)
        done += (share.last - share.first) * (1 if share.method is SequentialMethod.FIXED_HORIZON else test.entry_days)
        progress(done / looks)
    sizes = {method: number for kind, number in runs.items() for method in _METHODS[kind].values() if number}
    return tuple(counted(method, found[method], number) for method, number in sizes.items())


def judge_share(test: Rehearsal, share: Share) -> Counter[Method]:
    """Return how many of the share's tests each method called, wrongly."""
    found: Counter[Method] = Counter()
    for number in range(share.first, share.last):
        rng = np.random.default_rng(np.random.SeedSequence(share.seed, spawn_key=(2, number)))
        treated = rng.random(test.customers) < 0.5
        if share.method is SequentialMethod.FIXED_HORIZON:
            given = _inputs(test, _totals(test, treated), test.entry_days, History())
            card = build_scorecard(_plan(test, share.method), given)
            found.update(_called(card, share.method))
        else:
            found.update(_watched(test, treated, share.method))
    return found


_METHODS: Final[dict[SequentialMethod, dict[str, Method]]] = {
    SequentialMethod.FIXED_HORIZON: {
        ORDER_VALUE: Method.OURS_ORDER_VALUE,
        REVENUE: Method.OURS_REVENUE,
        CONVERSION: Method.OURS_CONVERSION,
    },
    SequentialMethod.GROUP_SEQUENTIAL: {
        CONVERSION: Method.OURS_LOOKS_CONVERSION,
        REVENUE: Method.OURS_LOOKS_REVENUE,
    },
    SequentialMethod.CONFIDENCE_SEQUENCE: {
        CONVERSION: Method.OURS_ENDLESS_CONVERSION,
        REVENUE: Method.OURS_ENDLESS_REVENUE,
    },
}


def _judged(test: Rehearsal, shares: list[Share], workers: int) -> Iterator[tuple[Share, Counter[Method]]]:
    if workers < 2:
        for share in shares:
            yield share, judge_share(test, share)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_remember, initargs=(test,)) as pool:
        yield from zip(shares, pool.map(_judge_remembered, shares), strict=True)


_remembered: list[Rehearsal] = []
"""The rehearsal of a worker process, which receives it once."""


def _remember(test: Rehearsal) -> None:
    _remembered[:] = [test]


def _judge_remembered(share: Share) -> Counter[Method]:
    return judge_share(_remembered[0], share)


def _watched(test: Rehearsal, treated: NDArray[np.bool_], method: SequentialMethod) -> list[Method]:
    """Return the methods that called a difference at some look of a test."""
    plan, history, totals = _plan(test, method), History(), _totals(test, treated)
    called: set[Method] = set()
    for day in range(1, test.entry_days + 1):
        card = build_scorecard(plan, _inputs(test, totals, day, history))
        called.update(_called(card, method))
        history = history.after(card)
    return sorted(called)


def _called(card: Scorecard, method: SequentialMethod) -> list[Method]:
    return [
        named
        for metric, named in _METHODS[method].items()
        if (seen := card.comparison(metric, ARMS[1]).sequential) is not None and seen.crossed is not Crossing.NONE
    ]


def _plan(test: Rehearsal, method: SequentialMethod) -> AnalysisPlan:
    """Return the default plan with conversion and revenue, each at the full level so that each can be counted."""
    ordered = ("Order Completed",)
    any_order, value = Aggregation(ordered, What.ANY), Aggregation(ordered, What.SUM_VALUE)
    hours, history = 24 * test.window_days, test.history_days
    specs = [
        MetricSpec(CONVERSION, 1, MetricKind.CONVERSION, any_order, window_hours=hours, covariate_days=history),
        MetricSpec(REVENUE, 1, MetricKind.SUM, value, window_hours=hours, covariate_days=history),
    ]
    if method is SequentialMethod.FIXED_HORIZON:
        specs.append(MetricSpec(ORDER_VALUE, 1, MetricKind.RATIO, value, Aggregation(ordered, What.COUNT)))
    plan = default_plan(
        variants=[PlannedVariant(ARMS[0], control=True), PlannedVariant(ARMS[1])],
        metrics=[PlannedMetric(spec, MetricRole.DECISION, Direction.INCREASE) for spec in specs],
        horizon_days=test.days if method is SequentialMethod.GROUP_SEQUENTIAL else None,
    )
    return replace(plan, method=method, family=Family.ARMS, planned_units=test.customers, futility=False)


def _totals(test: Rehearsal, treated: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the sums of `_columns` by arm and day, over all who entered until then: shape (2, days, columns)."""
    columns = _columns(test)
    found = []
    for chosen in (~treated, treated):
        by_day = [
            np.bincount(test.entry[chosen], weights=column[chosen], minlength=test.entry_days) for column in columns
        ]
        found.append(np.cumsum(np.stack(by_day, axis=1), axis=0))
    return np.stack(found)


def _columns(test: Rehearsal) -> list[NDArray[np.float64]]:
    """Return 1 and, of each metric, y, x, yy, yx, xx, y != 0 and x != 0 by customer; order value has d in place of x.

    Money is in cents, revenue capped as the default plan does. Columns 1 to 7 are of conversion, 8 to 14 of revenue, 15
    to 21 of order value.
    """
    pairs = (
        (test.bought, test.before_bought),
        (
            np.rint(100.0 * np.minimum(test.revenue, test.cap)),
            np.rint(100.0 * np.minimum(test.before_revenue, test.cap)),
        ),
        (np.rint(100.0 * test.all_revenue), test.all_orders),
    )
    found = [np.ones(test.customers)]
    for y, other in pairs:
        found += [y, other, y * y, y * other, other * other, (y != 0.0) * 1.0, (other != 0.0) * 1.0]
    return found


def _inputs(test: Rehearsal, totals: NDArray[np.float64], day: int, history: History) -> AnalysisInputs:
    """Return what the engine sees once the windows of all who entered on the first `day` days have closed."""
    sums: list[MetricSums] = []
    units: dict[str, int] = {}
    for arm, found in zip(ARMS, totals[:, day - 1], strict=True):
        units[arm] = round(float(found[0]))
        sums.append(MetricSums(CONVERSION, arm, "1", _sums(("y", "x"), units[arm], found[1:8], (1, 1))))
        sums.append(MetricSums(REVENUE, arm, "1", _sums(("y", "x"), units[arm], found[8:15], (_CENTS, _CENTS))))
        if day == test.entry_days:
            sums.append(MetricSums(ORDER_VALUE, arm, "1", _sums(("y", "d"), units[arm], found[15:22], (_CENTS, 1))))
    return AnalysisInputs(
        experiment="rehearsal",
        source=Source.OWN,
        window_start=_START,
        window_end=_START + timedelta(days=day + test.window_days),
        received_before=None,
        strata=(Stratum("1", 1, dict.fromkeys(ARMS, 1), units),),
        sums=tuple(sums),
        history=history,
    )


def _sums(names: tuple[str, str], n: int, found: NDArray[np.float64], scales: tuple[int, int]) -> PowerSums:
    """Return the sums of two variables from y, x, yy, yx, xx, y != 0, x != 0; scales: micro units in one of theirs."""
    y, x, yy, yx, xx, some_y, some_x = (round(float(value)) for value in found)
    if n:
        # floats may round a sum of squares below what its total allows
        yy, xx = max(yy, -(-y * y // n)), max(xx, -(-x * x // n))
    left, right = scales
    return PowerSums(
        n, names, (y * left, x * right), (yy * left * left, yx * left * right, xx * right * right), (some_y, some_x)
    )

"""Designs of restock tests where stock outlives periods: coverage of the steady state, and what the verdict says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Final

import numpy as np

from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import AnalysisInputs, MetricSums, Stratum
from experiments.analysis.plan import AnalysisPlan, default_plan
from experiments.analysis.planned_periods import LEAST_CELLS, PlannedPeriods
from experiments.analysis.reasons import Verdict
from experiments.analysis.scorecard import Comparison
from experiments.analysis.verdict import judge
from experiments.assignment.periods import DAY_MINUTES
from experiments.calibration import inventories
from experiments.calibration.cells import (
    START,
    Amounts,
    Calendar,
    Treated,
    amount,
    cluster_sums,
    drawn_salt,
    drawn_seeds,
    generators,
)
from experiments.calibration.figures import counted, mean
from experiments.calibration.inventories import Books, Inventory, Policy, Shelves
from experiments.calibration.plans import CENTS, CONTROL, TREATMENT, decision, variants
from experiments.calibration.records import Result, Scale, Setting, Study, Tally, Target
from experiments.calibration.studies.interference import COVERS, FALLS_SHORT, MORE, SEEDS, UNBIASED
from experiments.statistics.moments import PowerSums
from experiments.vocabulary import Source, VerdictState

_BATCH = 50
_LEAD_IN = 28
_EVEN = 500_000

STOCK = Calendar(periods=6, days=21, burn_in=7)
"""The default design: burn-in of the longest lead time and a review period (5 days), rounded up to whole weeks."""
OFTEN: Final = Target(low=0.95)
SELDOM: Final = Target(high=0.01)


class View(StrEnum):
    """What of a cell is counted: cash (revenue less orders), or profit with the change of the stock at its cost."""

    CASH = "cash"
    PROFIT = "profit"


@dataclass(frozen=True, slots=True)
class RestockTest:
    """An inventory and a way to test in it. by_shelf: all items of a shelf are drawn and judged together."""

    inventory: Inventory
    calendar: Calendar
    view: View
    by_shelf: bool = False

    @property
    def units(self) -> int:
        """Units of randomisation."""
        return self.inventory.groups if self.by_shelf else self.inventory.units


@dataclass(frozen=True, slots=True)
class Targets:
    """What a setting has to meet: coverage, the share of tests that end with the generous policy shipped, and bias."""

    covers: Target | None = None
    ships: Target | None = None
    bias: Target | None = None


def studies() -> tuple[Study, ...]:
    """Return the studies of stock that outlives periods, and of shelves that items share."""
    return (
        Study(
            "restock-designs",
            "Restock tests where stock outlives the period",
            "72 items in stores under (s, S) policies, a review every 2 days, lead times of 1 to 3 days, demand more "
            "uneven than Poisson's; what meets an empty shelf is lost. Control is a lean policy, the treatment a "
            "generous one, which holds about a day's demand more, loses fewer sales, and is better in the long run. "
            "Truth: mean profit of an item and day (revenue less orders, plus the change of the stock on hand and on "
            "order at its cost, less holding), generous less lean, over a year of each. Cash leaves the stock out: "
            "a period that fills the shelves looks dear, and one that empties them looks cheap; a bias below -100% "
            "makes the gain look like a loss. Each test is judged by a plan by period, its scorecard and its "
            "verdict: *ships generous*, *stops it for harm*. The burn-in is "
            "the longest lead time and a review period, 5 days, rounded up to whole weeks: 5 days alone leave a small "
            "echo (a change of policy bunches orders, and lost sales hand the bunch on by a lead time). Policies that "
            "are far apart need longer: what the generous one has piled up has to be sold first.",
            tuple(_designs()),
        ),
        Study(
            "restock-shared-shelves",
            "Restock tests where items share a shelf",
            "24 shelves of 4 items each; a shelf takes hardly more than the lean policy wants. An item with the "
            "generous policy takes the room of its neighbours, so that tested by itself it wins what they lose. "
            "Truth as above, for a unit of the design.",
            tuple(_shared()),
        ),
    )


def _designs() -> Iterator[Setting]:
    default = RestockTest(Inventory(), STOCK, View.PROFIT)
    whole = Calendar(periods=6, days=21, burn_in=0)
    yield _seeded("cash, no burn-in", replace(default, calendar=whole, view=View.CASH), Targets(FALLS_SHORT, SELDOM))
    yield _seeded("profit, no burn-in", replace(default, calendar=whole), Targets(FALLS_SHORT))
    good = Targets(COVERS, OFTEN, UNBIASED)
    yield _seeded("default: profit, burn-in 7", default, good)
    yield _more("default, 5,000 replicates", default, good)
    longer = Calendar(periods=6, days=28, burn_in=14)
    exact = Calendar(periods=6, days=19, burn_in=5)
    yield _more("profit, burn-in 5, 5,000 replicates", replace(default, calendar=exact), Targets(COVERS, OFTEN))
    far = Inventory(lean=Policy(0.0), generous=Policy(6.0))
    yield _seeded("policies far apart, burn-in 7", RestockTest(far, STOCK, View.PROFIT), Targets(FALLS_SHORT))
    yield _more("policies far apart, burn-in 14, 5,000 replicates", RestockTest(far, longer, View.PROFIT), good)


def _shared() -> Iterator[Setting]:
    inventory = Inventory(groups=24, items=4, capacity=1.05)
    separate = RestockTest(inventory, STOCK, View.PROFIT)
    yield _seeded("item x period", separate, Targets(FALLS_SHORT))
    yield _seeded("shelf x period", replace(separate, by_shelf=True), Targets(COVERS))
    yield _more("shelf x period, 5,000 replicates", replace(separate, by_shelf=True), Targets(COVERS))


def _seeded(name: str, test: RestockTest, targets: Targets) -> Setting:
    """Return a setting with the seeds 0, 1, 2, ..."""
    return Setting(name, partial(_numbered, test), partial(evaluate, targets), reduced=100, full=SEEDS, block=SEEDS)


def _more(name: str, test: RestockTest, targets: Targets) -> Setting:
    """Return a setting with many replicates, whose seeds are drawn from the run's."""
    return Setting(name, partial(_drawn, test), partial(evaluate, targets), reduced=100, full=MORE, block=500)


def _numbered(test: RestockTest, _rng: np.random.Generator, replicates: int) -> Tally:
    return simulated(test, range(replicates))


def _drawn(test: RestockTest, rng: np.random.Generator, replicates: int) -> Tally:
    return simulated(test, drawn_seeds(rng, replicates))


def simulated(test: RestockTest, seeds: Sequence[int]) -> Tally:
    """Return relative errors and widths of the effect, how often its interval holds the truth, and the verdicts."""
    items = test.inventory.items if test.by_shelf else 1
    true = inventories.truth(test.inventory) * items * test.calendar.counted / 100.0
    counts = {"inside": 0, "ships": 0, "harms": 0}
    errors, widths = [], []
    for first in range(0, len(seeds), _BATCH):
        for found, verdict in _batch(test, seeds[first : first + _BATCH]):
            effect, interval = found.absolute.value, found.absolute.interval
            assert effect is not None
            assert interval.lower is not None
            assert interval.upper is not None
            errors.append((effect - true) / abs(true))
            widths.append((interval.upper - interval.lower) / 2.0 / abs(true))
            counts["inside"] += interval.contains(true)
            counts["ships"] += verdict.state is VerdictState.SHIP
            counts["harms"] += verdict.state is VerdictState.STOP_FOR_HARM
    return Tally(counts, {"error": np.array(errors), "half": np.array(widths)})


def _batch(test: RestockTest, seeds: Sequence[int]) -> Iterator[tuple[Comparison, Verdict]]:
    """Yield the comparison and the verdict of each replicate."""
    inventory, calendar = test.inventory, test.calendar
    rngs = generators(seeds)
    days = _LEAD_IN + calendar.length
    shelves = Shelves.side_by_side([inventories.draw_shelves(inventory, rng, days) for rng in rngs])
    treated = np.stack([calendar.draw(drawn_salt(rng), test.units) for rng in rngs])
    shape = (len(seeds), inventory.groups, 1 if test.by_shelf else inventory.items, calendar.periods)
    cells = np.broadcast_to(treated.reshape(shape), (*shape[:2], inventory.items, calendar.periods))
    by_day = np.moveaxis(calendar.by_day(cells, _LEAD_IN), -1, 0)
    books = inventories.keep_books(inventory, shelves, by_day)
    cents = np.moveaxis(_cents(test, books), 0, -1)
    amounts = calendar.counted_days(cents, _LEAD_IN) * CENTS
    if test.by_shelf:
        amounts = amounts.sum(axis=2)
    plan = planned(test)
    for cells_of, amounts_of in zip(treated, amounts.reshape(treated.shape), strict=True):
        yield judged(plan, cells_of, amounts_of)


def _cents(test: RestockTest, books: Books) -> Amounts:
    if test.view is View.CASH:
        return inventories.cash_cents(books)
    return inventories.profit_cents(test.inventory, books)


def planned(test: RestockTest) -> AnalysisPlan:
    """Return the plan that a launch would freeze for this test."""
    calendar = test.calendar
    plan = default_plan(
        variants=variants(),
        metrics=[decision(amount(str(test.view), "Order Completed"))],
        horizon_days=calendar.length,
    )
    periods = PlannedPeriods(
        calendar.days * DAY_MINUTES, calendar.design, calendar.burn_in * DAY_MINUTES, calendar.block
    )
    return replace(plan, periods=periods, minimum_units=LEAST_CELLS)


def judged(plan: AnalysisPlan, treated: Treated, amounts: Amounts) -> tuple[Comparison, Verdict]:
    """Return the comparison of the plan's metric, and the verdict, when all periods are over."""
    spec = plan.metrics[0].spec
    arms = ((CONTROL, amounts[~treated].tolist()), (TREATMENT, amounts[treated].tolist()))
    end = START + timedelta(days=plan.horizon_days or 0)
    card = build_scorecard(
        plan,
        AnalysisInputs(
            experiment="calibration",
            source=Source.OWN,
            window_start=START,
            window_end=end,
            received_before=end + timedelta(hours=1),
            strata=(Stratum("1", 1, {key: _EVEN for key, _ in arms}, {key: len(cells) for key, cells in arms}),),
            sums=tuple(MetricSums(spec.key, key, "1", power_sums(cells)) for key, cells in arms),
            is_last=True,
            clusters=cluster_sums(spec, treated, amounts),
        ),
    )
    return card.comparison(spec.key, TREATMENT), judge(plan, card)


def power_sums(cells: Sequence[int]) -> PowerSums:
    """Return the exact sums of cells' amounts."""
    squares, cubes = (sum(value**power for value in cells) for power in (2, 3))
    return PowerSums(len(cells), ("y",), (sum(cells),), (squares,), (sum(value != 0 for value in cells),), cubes)


def evaluate(targets: Targets, found: Tally, replicates: int) -> Sequence[Result]:
    """Return bias, half width, coverage and verdicts."""
    return (
        mean("bias", found.values["error"], targets.bias, Scale.SHARE),
        mean("half width", found.values["half"], None, Scale.SHARE),
        counted(found, "inside", replicates, "holds the truth", targets.covers),
        counted(found, "ships", replicates, "ships generous", targets.ships),
        counted(found, "harms", replicates, "stops it for harm"),
    )

"""Designs of price tests in a shop with substitution, stockpiling and habit: bias and coverage beside the truth."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.calibration import markets
from experiments.calibration.cells import (
    Amounts,
    Calendar,
    Estimate,
    Treated,
    drawn_salt,
    drawn_seeds,
    estimated,
    generators,
)
from experiments.calibration.figures import counted, mean
from experiments.calibration.markets import Flags, Market, Shops
from experiments.calibration.records import Result, Scale, Setting, Study, Tally, Target
from experiments.vocabulary import PeriodDesign

COVERS: Final = Target(0.94, 0.96)
UNBIASED: Final = Target(-0.03, 0.03)
FALLS_SHORT: Final = Target(high=0.94)
SEEDS = 500
"""Replicates with the seeds 0 to 499, whatever the seed of the run."""
MORE = 5_000
"""Replicates with drawn seeds, which tell noise from an error that is wrong."""
_BATCH = 50
_ITEMS_IN_CLUSTER = 4.0

PRICES = Calendar(periods=8, days=14, burn_in=7)
"""The default design: burn-in as long as households use up their stock."""


@dataclass(frozen=True, slots=True)
class PriceTest:
    """A market and a way to test in it. by_item: items are drawn and judged by themselves, not whole clusters."""

    market: Market
    calendar: Calendar
    by_item: bool = False


def studies() -> tuple[Study, ...]:
    """Return the studies of substitution with stockpiling, and of carry-over."""
    return (
        Study(
            "price-designs",
            "Price tests where items replace each other and households keep a stock",
            "18 clusters of 3 to 5 items; some prices are cut by a tenth. Shoppers of a cluster choose among its items "
            "by price, so that most of what a cheaper item gains its neighbours lose. Households buy ahead of reduced "
            "items and use that up over 7 days. The truth is what a cluster contributes (price less cost, times "
            "pieces) a day when all of its items are always reduced, less what it contributes when none ever is. "
            "The shop's daily shocks, each cluster's own, weekdays and the chance of each purchase come on top. "
            "Bias is the mean error as a share of the size of the true effect. That is a loss: a bias above +100% "
            "makes it look like a gain.",
            tuple(_designs()),
        ),
        Study(
            "price-carry-over",
            "Burn-in and a carry-over of known length",
            "The same shop without stockpiling. Shoppers go by what they believe a price to be: half by today's, half "
            "by the mean of the 3 or 7 days before. Cluster by period, 8 periods, of which a week counts after "
            "the burn-in. From a burn-in of that length on nothing is left of the period before; a shorter one pulls "
            "the effect towards nothing.",
            tuple(_carry_overs()),
        ),
    )


def _designs() -> Iterator[Setting]:
    market = Market()
    short = Calendar(periods=16, days=7, burn_in=0)
    whole = Calendar(periods=1, days=PRICES.length, burn_in=0, design=PeriodDesign.INDEPENDENT)
    yield _seeded("naive: item, once and for all", PriceTest(market, whole, by_item=True), FALLS_SHORT)
    yield _seeded("item x period, 14 days, burn-in 7", PriceTest(market, PRICES, by_item=True), FALLS_SHORT)
    yield _seeded("cluster x period, 7 days, no burn-in", PriceTest(market, short), FALLS_SHORT)
    yield _seeded(
        "cluster x period, 14 days, no burn-in", PriceTest(market, Calendar(periods=8, days=14, burn_in=0)), FALLS_SHORT
    )
    yield _seeded("cluster once and for all", PriceTest(market, whole), None)
    yield _seeded("default: cluster x period, 14 days, burn-in 7", PriceTest(market, PRICES), COVERS)
    yield _more("default, 5,000 replicates", PriceTest(market, PRICES), COVERS)
    independent = Calendar(periods=8, days=14, burn_in=7, design=PeriodDesign.INDEPENDENT)
    yield _more("default, each period on its own", PriceTest(market, independent), None)
    yield _more("default, 10 clusters", PriceTest(Market(clusters=10), PRICES), None)
    yield _more("default, very uneven clusters", PriceTest(Market(level_spread=0.8), PRICES), None, UNEVEN)


UNEVEN = (
    "Where a few clusters hold most of the trade, the effects of clusters are skewed, and an interval over 18 of them "
    "holds the truth of others like them less often than it says. The effect on the very clusters tested it does hold. "
    "Test clusters of a size together, or more of them."
)


def _carry_overs() -> Iterator[Setting]:
    for days, burn_in in ((3, 0), (3, 3), (7, 0), (7, 3), (7, 7)):
        market = Market(bought_ahead=0.0, habit=0.5, habit_days=days)
        target = COVERS if burn_in >= days else FALLS_SHORT
        test = PriceTest(market, Calendar(periods=8, days=7 + burn_in, burn_in=burn_in))
        yield _seeded(f"carry-over of {days} days, burn-in {burn_in}", test, target)
        if burn_in >= days:
            yield _more(f"carry-over of {days} days, burn-in {burn_in}, 5,000 replicates", test, target)


def _seeded(name: str, test: PriceTest, covers: Target | None) -> Setting:
    """Return a setting with the seeds 0, 1, 2, ..."""
    simulate = partial(_numbered, test)
    return Setting(name, simulate, partial(evaluate, covers), reduced=100, full=SEEDS, block=SEEDS)


def _more(name: str, test: PriceTest, covers: Target | None, explained: str = "") -> Setting:
    """Return a setting with many replicates, whose seeds are drawn from the run's."""
    return Setting(name, partial(_drawn, test), partial(evaluate, covers), 100, MORE, 500, explained)


def _numbered(test: PriceTest, _rng: np.random.Generator, replicates: int) -> Tally:
    return simulated(test, range(replicates))


def _drawn(test: PriceTest, rng: np.random.Generator, replicates: int) -> Tally:
    return simulated(test, drawn_seeds(rng, replicates))


def simulated(test: PriceTest, seeds: Sequence[int]) -> Tally:
    """Return relative errors and widths of the test's effect, and how often its interval holds the truth.

    Counts: `inside` of the truth for all clusters like these, `inside_own` of the effect on the test's own clusters.
    """
    true = markets.truth(test.market) / (_ITEMS_IN_CLUSTER if test.by_item else 1.0)
    errors, widths = [], []
    inside = inside_own = 0
    for first in range(0, len(seeds), _BATCH):
        for found, own in _batch(test, seeds[first : first + _BATCH]):
            per_day = found.effect / test.calendar.counted
            errors.append((per_day - true) / abs(true))
            widths.append(_half_width(found) / test.calendar.counted / abs(true))
            inside += found.holds(true * test.calendar.counted)
            inside_own += found.holds(own * test.calendar.counted)
    return Tally({"inside": inside, "inside_own": inside_own}, {"error": np.array(errors), "half": np.array(widths)})


def _half_width(found: Estimate) -> float:
    lower, upper = found.interval.lower, found.interval.upper
    assert lower is not None
    assert upper is not None
    return (upper - lower) / 2.0


def _batch(test: PriceTest, seeds: Sequence[int]) -> Iterator[tuple[Estimate, float]]:
    """Yield the estimate of each replicate, and the true effect on its own units and days."""
    market, calendar = test.market, test.calendar
    lead_in = 7 * (market.memory // 7 + 1)
    rngs = generators(seeds)
    shops = Shops.side_by_side([markets.draw_shop(market, rng, lead_in + calendar.length) for rng in rngs])
    treated = np.stack([_cells(test, drawn_salt(rng)) for rng in rngs])
    reduced = calendar.by_day(treated, lead_in)
    pieces = calendar.counted_days(markets.pieces_expected(market, shops, reduced), lead_in)
    margin = np.round(markets.margins(market, shops, treated) * markets.MICROS).astype(np.int64)
    own = markets.always_minus_never(market, shops, warm_up=lead_in)
    for place, rng in enumerate(rngs):
        # the sum of days' Poisson counts is a Poisson count
        brought = rng.poisson(pieces[place]) * margin[place]
        found = estimated(*_by_unit(test, shops.items[place], treated[place], brought))
        assert found is not None
        items = float(shops.items[place].sum()) if test.by_item else float(market.clusters)
        yield found, float(own[place].sum()) / items


def _cells(test: PriceTest, salt: str) -> NDArray[np.bool_]:
    """Return the cells of every item: shape (clusters, places of items, periods)."""
    clusters, places = test.market.clusters, markets.MOST_ITEMS
    if test.by_item:
        return test.calendar.draw(salt, clusters * places).reshape(clusters, places, -1)
    drawn = test.calendar.draw(salt, clusters)
    return np.repeat(drawn[:, None, :], places, axis=1)


def _by_unit(test: PriceTest, items: Flags, treated: Treated, brought: Amounts) -> tuple[Treated, Amounts]:
    """Return cells and amounts by unit of randomisation: items that exist, or whole clusters."""
    if test.by_item:
        return treated[items], brought[items]
    return treated[:, 0], brought.sum(axis=1)


def evaluate(covers: Target | None, found: Tally, replicates: int) -> Sequence[Result]:
    """Return bias, half width and coverage; a setting that has to cover has to be unbiased as well."""
    is_good = covers is COVERS
    return (
        mean("bias", found.values["error"], UNBIASED if is_good else None, Scale.SHARE),
        mean("half width", found.values["half"], None, Scale.SHARE),
        counted(found, "inside", replicates, "holds the truth", covers),
        counted(found, "inside_own", replicates, "holds the effect on its own clusters"),
    )

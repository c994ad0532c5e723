"""Whether past prices moved with something else that moved demand: then their effect is not what a model takes for it.

Nothing here repairs an estimate; what it finds is told beside it, and an experiment is the remedy.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.domains.pricing.training.panel import WEEK, Floats, Integers, Mask, Panel
from models_registry.predictors.demand import Doubt

PRICE_STEP: Final = 0.01
"""Prices whose logs differ by less are one price."""
FEW_PRICES: Final = 2
LEAST_SALES: Final = 10
"""Days with a sale that the test for bulk discounts needs of an item."""
OFTEN: Final = 0.25
"""Share of the days with a sale on which the price paid is another one than the day before: no list price does that."""
EXPLAINED: Final = 0.1
"""Share of the variance of the price paid that the size of the largest line has to explain."""
CLEAR: Final = 3.3
"""How many standard errors a slope has to be away from 0: about one in a thousand by chance."""
CLEAR_OF_MANY: Final = 4.0
"""The same for the slope of one item among many, with few weeks."""
LEAST_WEEKS: Final = 12
LEAST_CHANGES: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What speaks against the elasticities of a panel.

    flags: of each item, sums of Doubt. bulk_share: share of the variance of prices paid within items that the size of
    the largest line explains, with a slope below 0. follows_t: the t statistic of last week's demand in a regression of
    price changes over all items, 0 where there are too few.
    """

    flags: npt.NDArray[np.uint8]
    bulk_share: float
    follows_t: float


@dataclass(frozen=True, slots=True, eq=False)
class Bulk:
    """How prices of lines go with their quantities. Shares are of the variance of log prices within items.

    explained: what a slope in the log of the quantity, one for each item, explains. within_day: what lies within one
    item's day. mixed_days: of the item-days with several lines, the share that has several prices. slope: pooled.
    """

    explained: float
    within_day: float
    mixed_days: float
    slope: float


def find_doubts(panel: Panel) -> Findings:
    """Return what speaks against learning elasticities from a panel, by item."""
    distinct = _distinct_prices(panel)
    bulk, share = _bulk_discounts(panel)
    follows, t = _follows_demand(panel)
    found = {
        Doubt.NEVER_CHANGED: distinct <= 1,
        Doubt.FEW_PRICES: (distinct > 1) & (distinct <= FEW_PRICES),
        Doubt.BULK_DISCOUNTS: bulk,
        Doubt.PRICE_FOLLOWS_DEMAND: follows,
    }
    flags = np.zeros(panel.items, np.uint8)
    for doubt, items in found.items():
        flags |= flag(items, doubt)
    return Findings(flags, share, t)


def flag(items: Mask, doubt: Doubt) -> npt.NDArray[np.uint8]:
    """Return the flags of items that have one doubt or none."""
    return np.where(items, np.uint8(doubt), np.uint8(0))


def bulk_of_lines(item: Integers, day: Integers, price: Floats, quantity: Floats) -> Bulk:
    """Return how the prices of order lines go with their quantities; logs of both, one entry for each line.

    A price that the shop sets for everybody varies between days and not with the line; one that falls with the quantity
    of the line makes every large order look like an answer to a low price.
    """
    items = np.unique(item, return_inverse=True)[1].reshape(-1)
    days = np.unique(item * (int(day.max()) + 1) + day, return_inverse=True)[1].reshape(-1)
    x, y = _centred(quantity, items), _centred(price, items)
    covered, spread = np.bincount(items, x * y), np.bincount(items, x * x)
    total = float(y @ y)
    by_quantity = np.divide(covered**2, spread, out=np.zeros(len(spread)), where=spread > 0.0)
    inside = _centred(price, days)
    low, high = (np.full(int(days.max()) + 1, limit) for limit in (np.inf, -np.inf))
    np.minimum.at(low, days, price)
    np.maximum.at(high, days, price)
    several = np.bincount(days) > 1
    return Bulk(
        explained=float(by_quantity[covered < 0.0].sum()) / total if total > 0.0 else 0.0,
        within_day=float(inside @ inside) / total if total > 0.0 else 0.0,
        mixed_days=float(np.mean((high - low)[several] > PRICE_STEP)) if several.any() else 0.0,
        slope=float(covered.sum() / spread.sum()) if spread.sum() > 0.0 else 0.0,
    )


def _distinct_prices(panel: Panel) -> Integers:
    """Return how many prices each item had, those within PRICE_STEP of each other counted once."""
    steps = np.rint(panel.price / PRICE_STEP).astype(np.int64)
    pairs = np.unique(np.stack((panel.item, steps), axis=1), axis=0)
    same = (np.diff(pairs[:, 0]) == 0) & (np.diff(pairs[:, 1]) == 1)
    counts: Integers = np.bincount(pairs[:, 0], minlength=panel.items) - np.bincount(
        pairs[1:, 0][same], minlength=panel.items
    )
    return counts


def _bulk_discounts(panel: Panel) -> tuple[Mask, float]:
    """Return which items' paid prices follow the size of the largest line from day to day, and the share of variance.

    Of an item: regression of log paid on log largest line over the days with a sale. Flagged: the slope is below 0
    and clear, explains EXPLAINED of the variance, and the price paid changes as OFTEN as no list price does.
    """
    rows = ~(np.isnan(panel.paid) | np.isnan(panel.largest))
    if not rows.any():
        return np.zeros(panel.items, np.bool_), 0.0
    item, count = panel.item[rows], np.bincount(panel.item[rows], minlength=panel.items)
    x, y = (_centred(column[rows], item, panel.items) for column in (panel.largest, panel.paid))
    xx, xy, yy = (np.bincount(item, product, minlength=panel.items) for product in (x * x, x * y, y * y))
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = np.where((xx > 0.0) & (yy > 0.0), xy**2 / (xx * yy), 0.0)
        t = -np.sqrt(explained * np.maximum(count - 2, 0) / np.maximum(1.0 - explained, 1e-12))
    falling = xy < 0.0
    moved = (np.abs(np.diff(panel.paid[rows])) > PRICE_STEP) & (np.diff(item) == 0)
    often = np.bincount(item[1:][moved], minlength=panel.items) > OFTEN * count
    flagged: Mask = falling & often & (count >= LEAST_SALES) & (explained >= EXPLAINED) & (t <= -CLEAR)
    share = float((explained * yy)[falling & often].sum() / yy.sum()) if yy.sum() > 0.0 else 0.0
    return flagged, share


def _follows_demand(panel: Panel) -> tuple[Mask, float]:
    """Return which items' prices were changed after demand had been, and the t statistic over all items.

    Granger 1969: within items, the change of log price into a week on the log of the week before's demand, given the
    price of the two weeks before, so that the end of a promotion does not pass for an answer to its sales. Demand is
    taken relative to the week's mean over items, so that a season does not either.
    """
    table = _weekly(panel)
    nothing = np.zeros(panel.items, np.bool_)
    if table is None:
        return nothing, 0.0
    item, change, lagged = table
    residuals = [_centred(column, item, panel.items) for column in (change, *lagged)]
    y, demand, controls = residuals[0], residuals[1], np.stack(residuals[2:], axis=1)
    y, demand = y - _fitted(y, controls), demand - _fitted(demand, controls)
    dd = np.bincount(item, demand * demand, minlength=panel.items)
    dy = np.bincount(item, demand * y, minlength=panel.items)
    count = np.bincount(item, minlength=panel.items)
    changes = np.bincount(item, np.abs(change) > PRICE_STEP, minlength=panel.items)
    own = np.divide(dy, dd, out=np.zeros(panel.items), where=dd > 0.0)
    noise = np.bincount(item, (y - own[item] * demand) ** 2, minlength=panel.items) / np.maximum(count - 4, 1)
    error = np.sqrt(np.divide(noise, dd, out=np.full(panel.items, np.inf), where=dd > 0.0))
    clear = np.abs(own) > CLEAR_OF_MANY * error
    flagged: Mask = clear & (count >= LEAST_WEEKS) & (changes >= LEAST_CHANGES)
    slope = float(dy.sum() / dd.sum()) if dd.sum() > 0.0 else 0.0
    by_item = np.bincount(item, demand * (y - slope * demand), minlength=panel.items)
    spread = float(np.sqrt((by_item**2).sum()))
    return flagged, slope * float(dd.sum()) / spread if spread > 0.0 and np.count_nonzero(changes) > 1 else 0.0


def _weekly(panel: Panel) -> tuple[Integers, Floats, tuple[Floats, ...]] | None:
    """Return (item, change of log price, (log demand, log price, log price of the week before it)) by item-week."""
    week = panel.day // WEEK
    keys, place = np.unique(panel.item * (int(week.max()) + 1) + week, return_inverse=True)
    place = place.reshape(-1)
    days = np.bincount(place)
    item, weeks = np.divmod(keys, int(week.max()) + 1)
    demand = np.log((np.bincount(place, panel.units) + 0.5) / days)
    demand = _centred(demand, np.unique(weeks, return_inverse=True)[1].reshape(-1))
    price = np.bincount(place, panel.price) / days
    follow = (np.diff(item) == 0) & (np.diff(weeks) == 1)
    rows = np.flatnonzero(follow[1:] & follow[:-1]) + 2
    if not len(rows):
        return None
    return item[rows], price[rows] - price[rows - 1], (demand[rows - 1], price[rows - 1], price[rows - 2])


def _fitted(values: Floats, regressors: Floats) -> Floats:
    """Return what a regression on some columns explains of the values."""
    found: Floats = regressors @ np.linalg.lstsq(regressors, values, rcond=None)[0]
    return found


def _centred(values: Floats, group: Integers, groups: int | None = None) -> Floats:
    """Return the values less the mean of their group."""
    size = int(group.max()) + 1 if groups is None else groups
    counts = np.maximum(np.bincount(group, minlength=size), 1)
    found: Floats = values - (np.bincount(group, values, minlength=size) / counts)[group]
    return found

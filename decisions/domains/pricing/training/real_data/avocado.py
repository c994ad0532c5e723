"""Hass avocados in 45 markets of the United States by week: elasticities with effects of regions and of weeks."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from decisions.domain_reports import Table, Tell
from decisions.domains.pricing.training.elasticity import demand_now, fit_elasticities, pooled_elasticity
from decisions.domains.pricing.training.panel import THURSDAY, WEEK, Integers, Panel
from decisions.domains.pricing.training.real_data.figures import (
    Estimate,
    demeaned,
    log_log,
    predicted,
    saved,
    slopes,
)
from decisions.domains.pricing.training.real_data.reading import codes, read_columns

FILE: Final = "pricing/avocado.csv.gz"
KINDS: Final = ("conventional", "organic")
SUMS: Final = (
    "TotalUS",
    "West",
    "SouthCentral",
    "Northeast",
    "Southeast",
    "GreatLakes",
    "Midsouth",
    "Plains",
    "California",
)
"""Regions that are sums of others: with them every avocado would count two or three times."""
JUDGED_WEEKS: Final = 26
TREND: Final = 0.1
NORMAL: Final = 1.96


@dataclass(frozen=True, slots=True)
class AvocadoFigures:
    """Of one kind of avocado. fixed: elasticity with effects of regions and weeks. naive: of all rows together.

    drawn, spread: the recipe's. own, shared: what the recipe, and one elasticity with a level for each region, save of
    the deviance of the pooled log-log model on later weeks; beside: the recipe of the shared one's.
    """

    naive: Estimate
    fixed: Estimate
    drawn: Estimate
    spread: float
    own: Estimate
    shared: Estimate
    beside: Estimate
    regions: int
    rows: int


def read(folder: Path, kind: str) -> Panel:
    """Return the weeks of regions of one kind: each row is a week, under the day with which it ends.

    Raises RecordedDataMissing.
    """
    left_out = ", ".join(f"'{name}'" for name in SUMS)
    table = read_columns(
        folder / FILE,
        {
            "region": "region",
            "day": "date_diff('day', DATE '1970-01-01', \"Date\"::date)",
            "units": '"Total Volume"::double',
            "price": "AveragePrice::double",
        },
        where=f"type = '{kind}' AND region NOT IN ({left_out})",
    )
    names, region = codes(table["region"])
    order = np.lexsort((table["day"], region))
    units = table["units"][order]
    return Panel(
        item=region[order],
        day=table["day"][order].astype(np.int64) + (THURSDAY - 1),
        units=units,
        price=np.log(table["price"][order]),
        paid=np.log(table["price"][order]),
        largest=np.full(len(units), np.nan),
        open=np.ones(len(units)),
        items=len(names),
    )


def figures(panel: Panel) -> AvocadoFigures:
    """Return the figures of the report."""
    everything, logs = np.zeros(len(panel), np.int64), np.log(panel.units)
    week = panel.day // WEEK - int(panel.day.min()) // WEEK
    naive = slopes(demeaned(logs, everything), [demeaned(panel.price, everything)], panel.item)[0]
    effects: tuple[Integers, Integers] = (panel.item, week)
    fixed = slopes(demeaned(logs, *effects), [demeaned(panel.price, *effects)], panel.item)[0]
    none = np.full(panel.items, -1, np.int64)
    pooled = fit_elasticities(panel, cluster=none, group=none, trend=TREND, iterations=100).fit.pooled[0]
    half = NORMAL * pooled.overall_error
    later = week > int(week.max()) - JUDGED_WEEKS
    early, late = panel.kept(~later), panel.kept(later)
    found = fit_elasticities(early, cluster=none, group=none, trend=TREND, iterations=100)
    demand = demand_now(
        found,
        early,
        item_ids=tuple(str(place) for place in range(panel.items)),
        flags=np.zeros(panel.items, np.uint8),
    )
    own = np.zeros(len(late))
    for place in range(panel.items):
        own[late.item == place] = demand.curve(place, np.exp(late.price[late.item == place]))
    level, slope = pooled_elasticity(early)
    shared = np.exp(level[late.item] + slope * late.price)
    reference = predicted(log_log(early.price, early.units), late.price)
    return AvocadoFigures(
        naive=naive,
        fixed=fixed,
        drawn=Estimate(pooled.overall, pooled.overall - half, pooled.overall + half),
        spread=float(np.sqrt(pooled.within)),
        own=saved(late.units, own, reference, late.item),
        shared=saved(late.units, shared, reference, late.item),
        beside=saved(late.units, own, shared, late.item),
        regions=panel.items,
        rows=len(panel),
    )


def table(folder: Path, *, tell: Tell) -> Table:
    """Return what is said of avocados in the report. Raises RecordedDataMissing."""
    rows, sizes = [], []
    for kind in KINDS:
        found = figures(read(folder, kind))
        tell(f"avocado, {kind}: elasticity {found.fixed.text()}, deviance saved {found.own.percent()}")
        sizes.append(f"{found.rows:,} {kind} ones of {found.regions} regions")
        rows.append(
            (
                kind,
                found.naive.text(),
                found.fixed.text(),
                f"{found.drawn.text()}, regions differ by {found.spread:.2f}",
                found.own.percent(),
                found.shared.percent(),
                found.beside.percent(),
            )
        )
    text = (
        f"Weeks from {date(2015, 1, 4)} to {date(2018, 3, 25)}: {' and '.join(sizes)}. The whole country and the "
        f"eight regions that are sums of others are left out. The latest {JUDGED_WEEKS} weeks judge; what those have "
        "in common is known to no model. Saved is the share of the deviance (Poisson) of the pooled log-log model; "
        "errors and the paired bootstrap are over regions. The prices of these markets followed harvests and were not "
        "set at random: the elasticities describe."
    )
    headers = (
        "kind",
        "log-log, all rows together",
        "with effects of regions and weeks",
        "the recipe's, drawn together",
        "deviance saved by the recipe",
        "by levels of regions and one elasticity",
        "by the recipe, of the column before",
    )
    return Table("Avocado", text, headers, tuple(rows))

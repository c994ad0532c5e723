"""Borden sliced cheese in 88 accounts of retailers (bayesm): the elasticity that pooling over retailers halves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from decisions.domain_reports import Table, Tell
from decisions.domains.pricing.training.elasticity import USUAL
from decisions.domains.pricing.training.fitting import Design, Fit, blocks_of, fit_demand
from decisions.domains.pricing.training.pooling import Hyperprior
from decisions.domains.pricing.training.real_data.figures import (
    Estimate,
    Floats,
    Integers,
    demeaned,
    log_log,
    predicted,
    saved,
    slopes,
)
from decisions.domains.pricing.training.real_data.reading import codes, read_columns

FILE: Final = "pricing/cheese.csv.gz"
TEST_SHARE: Final = 0.2
DISPLAY: Final = Hyperprior(mean=0.0, sd=3.0, spread=0.5)
BLOCK: Final = 4
"""Weeks within which the errors of a retailer hang together."""
NORMAL: Final = 1.96


@dataclass(frozen=True, slots=True, eq=False)
class Cheese:
    """Weeks of retailers, in the order of (retailer, time). price: log. week: of the retailer, from 0."""

    retailer: Integers
    week: Integers
    units: Floats
    price: Floats
    display: Floats

    def part(self, rows: np.ndarray) -> "Cheese":
        """Return some of the rows."""
        columns = (self.retailer, self.week, self.units, self.price, self.display)
        return Cheese(*(column[rows] for column in columns))


@dataclass(frozen=True, slots=True)
class CheeseFigures:
    """Elasticities, the effect of a display, and how much of the pooled model's deviance is saved on later weeks.

    naive: of all rows together. retailers, display: with an effect for each retailer. drawn: the mean of the model's
    own elasticities; spread: how far retailers differ. own, shared: what own elasticities, and one for all with a level
    for each retailer, save of the deviance of the pooled log-log model; beside: own ones of the shared one's.
    """

    naive: Estimate
    retailers: Estimate
    display: Estimate
    drawn: Estimate
    spread: float
    own: Estimate
    shared: Estimate
    beside: Estimate
    rows: int
    judged: int


def read(folder: Path) -> Cheese:
    """Return the weeks. Raises RecordedDataMissing."""
    table = read_columns(
        folder / FILE,
        {"retailer": "RETAILER", "units": "VOLUME::double", "price": "PRICE::double", "display": "DISP::double"},
    )
    _, retailer = codes(table["retailer"])
    order = np.argsort(retailer, kind="stable")
    retailer = retailer[order]
    week = np.arange(len(order)) - np.searchsorted(retailer, retailer)
    return Cheese(retailer, week, table["units"][order], np.log(table["price"][order]), table["display"][order])


def figures(data: Cheese) -> CheeseFigures:
    """Return the figures of the report."""
    everyone = np.zeros(len(data.units), np.int64)
    logs = np.log(data.units)
    naive = slopes(demeaned(logs, everyone), [demeaned(data.price, everyone)], data.retailer)[0]
    within, display = slopes(
        demeaned(logs, data.retailer),
        [demeaned(data.price, data.retailer), demeaned(data.display, data.retailer)],
        data.retailer,
    )
    pooled = fit(data).pooled[0]
    half = NORMAL * pooled.overall_error
    last = np.bincount(data.retailer)[data.retailer]
    judged = data.week >= np.floor(last * (1.0 - TEST_SHARE))
    early, late = data.part(~judged), data.part(judged)
    reference = predicted(log_log(early.price, early.units, [early.display]), late.price, [late.display])
    own, shared = expected(fit(early), early, late), _shared(early, late)
    return CheeseFigures(
        naive=naive,
        retailers=within,
        display=display,
        drawn=Estimate(pooled.overall, pooled.overall - half, pooled.overall + half),
        spread=float(np.sqrt(pooled.within)),
        own=saved(late.units, own, reference, late.retailer),
        shared=saved(late.units, shared, reference, late.retailer),
        beside=saved(late.units, own, shared, late.retailer),
        rows=len(data.units),
        judged=len(late.units),
    )


def fit(data: Cheese) -> Fit:
    """Return the recipe's model with retailers for items and the display as a second regressor; weeks are unknown."""
    price, display = (demeaned(column, data.retailer) for column in (data.price, data.display))
    return fit_demand(
        Design(
            item=data.retailer,
            items=int(data.retailer.max()) + 1,
            units=data.units,
            exposure=np.zeros(len(price)),
            columns=(price, display),
            priors=(USUAL, DISPLAY),
            shocks=(),
            cluster=np.full(int(data.retailer.max()) + 1, -1, np.int64),
            block=blocks_of(data.retailer, data.week, BLOCK),
        ),
        iterations=100,
    )


def expected(found: Fit, early: Cheese, late: Cheese) -> Floats:
    """Return what a fit of early weeks expects of later ones."""
    counts = np.bincount(early.retailer)
    base = found.levels[late.retailer].copy()
    for place, name in enumerate(("price", "display")):
        centre = np.bincount(early.retailer, getattr(early, name)) / counts
        base += found.slopes[late.retailer, place] * (getattr(late, name) - centre[late.retailer])
    return np.exp(base)


def table(folder: Path, *, tell: Tell) -> Table:
    """Return what is said of cheese in the report. Raises RecordedDataMissing."""
    found = figures(read(folder))
    tell(f"cheese: elasticity {found.retailers.text()} with an effect for each retailer, {found.naive.text()} without")
    text = (
        f"{found.rows:,} weeks of retailers; the latest fifth of each one's ({found.judged:,}) judges. Retailers that "
        "sell much also charge more, so that all rows together show half of what a price does: the first row is a "
        "trap, not a finding. Errors are by retailer. Saved is the share of the deviance (Poisson) of the pooled "
        "log-log model on later weeks; paired bootstrap over retailers."
    )
    rows = (
        ("log-log, all rows together (the trap)", found.naive.text(), "", "reference"),
        ("log-log with an effect for each retailer", found.retailers.text(), found.display.text(), ""),
        ("a level for each retailer, one elasticity for all", "", "", found.shared.percent()),
        (
            f"elasticities of retailers, drawn together (they differ by {found.spread:.2f})",
            found.drawn.text(),
            "",
            f"{found.own.percent()}; of the row above {found.beside.percent()}",
        ),
    )
    return Table("Cheese", text, ("model", "elasticity", "full display", "deviance saved"), rows)


def _shared(early: Cheese, late: Cheese) -> Floats:
    """Return what levels of retailers and one slope each for price and display expect, by least squares of logs."""
    columns = [demeaned(getattr(early, name), early.retailer) for name in ("price", "display")]
    found = slopes(demeaned(np.log(early.units), early.retailer), columns, early.retailer)
    explained = [
        sum(b.value * getattr(part, n) for b, n in zip(found, ("price", "display"), strict=True))
        for part in (early, late)
    ]
    scale = np.bincount(early.retailer, early.units) / np.bincount(early.retailer, np.exp(explained[0]))
    predicted_units: Floats = scale[late.retailer] * np.exp(explained[1])
    return predicted_units

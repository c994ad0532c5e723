"""What the recipes of restock make of recorded demand: 811 weekly products, SupplyGraph and sixty days of orders."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from decisions.domain_reports import Section, Tell, files_table
from decisions.domains.restock.domain import DOMAIN
from decisions.domains.restock.training.figures import PROBABILITIES
from decisions.domains.restock.training.panel import Panel
from decisions.domains.restock.training.real_data.contest import (
    Forecaster,
    Result,
    croston_forecaster,
    judged,
    naive_forecaster,
    recipe_forecaster,
)
from decisions.domains.restock.training.real_data.peers import ets_forecaster, trees_forecaster
from decisions.domains.restock.training.real_data.readers import (
    FILES,
    Recorded,
    read_daily,
    read_supply_graph,
    read_weekly,
)
from decisions.domains.restock.training.real_data.tables import conclusion, contest_table, cost_table

DEFAULT: Final = next(iter(DOMAIN.recipes))
QUICK_SERIES: Final = 60
QUICK_EPOCHS: Final = 1
EPOCHS: Final = {"811 weekly products": 12, "SupplyGraph": 40, "daily orders": 100}
"""Of the network: the smaller a data set, the more passes make as many steps."""

TEXT: Final = """\
Restock needs the distribution of demand between the moment of an order and the arrival of the next one, so that is
what is forecast: the total of an interval, as quantiles at {probabilities}.
Each data set ends in {folds} such intervals that do not overlap; each is forecast from all that lies before it.
**811 weekly products** (UCI 396, CC BY 4.0): 52 weeks, intervals of 3 weeks (a lead time of 2, reviewed every week).
**SupplyGraph** (arXiv 2401.15299, LGPL-2.1): 41 products, 221 days of sales orders, intervals of 14 days; its header
names two products alike, so columns are told apart by their places. **Daily orders** (UCI 409, CC BY 4.0): 11 counts of
60 working days, intervals of 5; the smallest of the three, which tells hardly anything apart.

MASE is the mean absolute error of the median, pinball the mean over the quantiles, both by the mean absolute change
of the series from one interval to the next before the forecast (the error of the naive forecast; where nothing changes,
its mean; at least one piece). Intervals are by bootstrap over whole series. 90 % coverage is the share of totals from
the 5 % to the 95 % quantile. Croston, with the constant 0.1, has the spread of its own errors. AutoETS is statsmodels'
ETSModel with the least AICc, and its simulated paths; gradient-boosted trees are LightGBM's, one model for each
quantile, told what the network is told. Parameters are the recipes' defaults but for the network's epochs. The simple
recipes average the three best of their ways in every series: that number alone was looked at on these very data, and
from one to five it moves no recipe's pinball by more than 0.06.
"""


def evaluate(folder: Path, *, quick: bool, tell: Tell) -> Section:
    """Return the report of restock on the recorded data of a folder. Raises RecordedDataMissing."""
    everything: tuple[Recorded, ...] = (read_weekly(folder), read_supply_graph(folder), read_daily(folder))
    if quick:
        everything = tuple(replace(one, panel=_first(one.panel), folds=1) for one in everything)
    found = {one.name: _contest(one, quick=quick, tell=tell) for one in everything}
    weekly = next(iter(everything)).panel
    costs, costs_say = cost_table(weekly, tell=tell, most=2 if quick else None)
    text = TEXT.format(probabilities=", ".join(f"{100 * one:g} %" for one in PROBABILITIES), folds=everything[0].folds)
    return Section(
        title="Restock",
        text=f"{text}\n{conclusion(found, DEFAULT)} {costs_say}\n",
        tables=(
            *(contest_table(name, results) for name, results in found.items()),
            costs,
            files_table(folder, FILES),
        ),
    )


def _contest(recorded: Recorded, *, quick: bool, tell: Tell) -> dict[str, Result | None]:
    """Return what each contender makes of a data set, the reference first; None for one whose library is not there."""
    given = {"quantile_network": {"epochs": QUICK_EPOCHS if quick else EPOCHS[recorded.name]}}
    contenders: dict[str, Forecaster | None] = {
        "seasonal naive": naive_forecaster,
        **{name: recipe_forecaster(name, given.get(name, {})) for name in DOMAIN.recipes},
        "Croston": croston_forecaster,
        "AutoETS": ets_forecaster(),
        "gradient-boosted trees": trees_forecaster(),
    }
    found = {}
    for name, forecaster in contenders.items():
        found[name] = None if forecaster is None else judged(recorded, forecaster)
        tell(f"{recorded.name}: {name} {'is not installed' if forecaster is None else 'is judged'}")
    return found


def _first(panel: Panel) -> Panel:
    """Return some of the series, evenly over all."""
    rows = slice(None, None, max(1, panel.series // QUICK_SERIES))
    return replace(
        panel,
        ids=panel.ids[rows],
        units=panel.units[rows],
        known=panel.known[rows],
        censored=panel.censored[rows],
    )

"""The recipe's model: demand of each item by its price, its elasticity drawn to those of its cluster and of all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.domains.pricing.training.dataset import DemandData
from decisions.domains.pricing.training.doubts import flag
from decisions.domains.pricing.training.fitting import (
    Design,
    Fit,
    Shock,
    blocks_of,
    fit_demand,
    shock_codes,
)
from decisions.domains.pricing.training.panel import WEEK, Floats, Integers, Panel
from decisions.domains.pricing.training.pooling import Hyperprior, paule_mandel
from models_registry.pipeline import Fitted, Parameter, Parameters, TrainingDiverged
from models_registry.predictors.demand import (
    FLATTEST,
    LARGEST_ERROR,
    LARGEST_INTERCEPT,
    STEEPEST,
    Demand,
    Doubt,
    write_demand,
)
from models_registry.vocabulary import PredictorKind

USUAL: Final = Hyperprior(mean=-2.62, sd=2.21, spread=0.5)
"""Elasticities of sales to the price: mean and spread of 1 851 estimates (Bijmolt, van Heerde and Pieters 2005), and a
guess of how far items of one cluster are apart."""
TREND_OF_ALL: Final = 0.01
"""What all items drift by together is said by their weeks, and not by their trends."""
WEEKDAY_SD: Final = 1.0
LEAST_GROUP: Final = 10
"""Items that a category needs for weeks of its own; the others share theirs."""
TAIL: Final = 28
"""Rows of an item, the latest, that say how much it sells now."""

PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        "test_share": Parameter(
            about="Share of the rows, the latest, that is kept for judging",
            default=0.2,
            least=0.05,
            most=0.5,
            tunable=False,
        ),
        "trend": Parameter(
            about="Standard deviation by which the log of demand of an item may drift by itself over half the window",
            default=0.1,
            least=0.01,
            most=3.0,
        ),
        "iterations": Parameter(about="Most steps of the fit", default=40, least=10, most=500, whole=True),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Elasticities:
    """The fit of a panel: slopes of each item in (log price, trend).

    weeks: effect of each row's week. lasting: how much of what the weeks do of late is to be expected of later ones.
    """

    fit: Fit
    weeks: Floats
    lasting: Floats


def learn(data: DemandData, parameters: Parameters, _seed: int, tell: Callable[[float], None]) -> Fitted:
    """Return the demand of each item; nothing is drawn. Raises TrainingDiverged."""
    found = fit_elasticities(
        data.learnt,
        cluster=data.cluster,
        group=data.group,
        trend=parameters["trend"],
        iterations=int(parameters["iterations"]),
        tell=tell,
    )
    demand = demand_now(found, data.learnt, item_ids=data.item_ids, flags=data.findings.flags)
    return Fitted(PredictorKind.DEMAND, ("item", "prices"), write_demand(demand), {})


def fit_elasticities(
    panel: Panel,
    *,
    cluster: Integers,
    group: Integers,
    trend: float,
    iterations: int,
    tell: Callable[[float], None] = lambda _share: None,
) -> Elasticities:
    """Return levels, elasticities and trends of a panel's items.

    Weekdays are shared by all items; weeks by those of a category with LEAST_GROUP items, and by all others together:
    what moved them all in a week is no effect of a price. cluster, group: of each item, -1 for none.

    Raises:
        TrainingDiverged: an estimate is not finite.
    """
    shared = _with_weeks(group)[panel.item]
    centres = panel.sums(panel.price) / panel.sums(np.ones(len(panel)))
    first, last = int(panel.day.min()), int(panel.day.max())
    drift = np.asarray((panel.day - (first + last) / 2.0) / max(1.0, (last - first) / 2.0), np.float64)
    design = Design(
        item=panel.item,
        items=panel.items,
        units=panel.units,
        exposure=np.log(panel.open),
        columns=(panel.price - centres[panel.item], drift),
        priors=(USUAL, Hyperprior(0.0, TREND_OF_ALL, trend)),
        shocks=(
            Shock(panel.day % WEEK, WEEKDAY_SD),
            Shock(shock_codes(shared, panel.day // WEEK), None),
        ),
        cluster=cluster,
        block=blocks_of(panel.item, panel.day),
    )
    fit = fit_demand(design, iterations=iterations, tell=tell)
    if not (np.isfinite(fit.slopes).all() and np.isfinite(fit.errors).all() and np.isfinite(fit.levels).all()):
        raise TrainingDiverged("The elasticities are not finite.")
    weeks = fit.shocks[1][design.shocks[1].code]
    return Elasticities(fit, weeks, _lasting(weeks, shock_codes(shared), panel.day))


def demand_now(found: Elasticities, panel: Panel, *, item_ids: tuple[str, ...], flags: npt.NDArray[np.uint8]) -> Demand:
    """Return the predictor: demand of each item at its last price, as its last rows have it, and elasticity from there.

    Elasticities that may not serve are moved to the nearest one that may, and flagged. The level is what the model
    expects of the TAIL, times how much more was sold there than it expects, as far as that is more than chance. Of what
    moved all items in the weeks of the tail, as much is kept as usually lasts.
    """
    fit, raw = found.fit, found.fit.slopes[:, 0]
    served = np.clip(raw, STEEPEST, FLATTEST)
    ends = np.append(panel.starts[1:], len(panel))
    reference = panel.price[ends - 1]
    rows = np.flatnonzero(ends[panel.item] - np.arange(len(panel)) <= TAIL)
    item, price = panel.item[rows], panel.price[rows] - reference[panel.item[rows]]
    at_reference = fit.base[rows] - raw[item] * price
    expected = np.exp(at_reference + served[item] * price) * panel.open[rows]
    lasting = np.exp(at_reference - found.weeks[rows] + found.lasting[rows])
    mean = np.bincount(item, lasting, minlength=panel.items) / np.bincount(item, minlength=panel.items)
    level = np.log(mean) + _surprise(panel.units[rows], expected, item, fit)
    return Demand(
        items=item_ids,
        intercepts=np.clip(level, -LARGEST_INTERCEPT, LARGEST_INTERCEPT).astype(np.float32),
        references=np.exp(reference).astype(np.float32),
        elasticities=served.astype(np.float32),
        errors=np.minimum(found.fit.errors[:, 0], LARGEST_ERROR).astype(np.float32),
        doubts=flags | flag(served != raw, Doubt.CLIPPED),
    )


def pooled_elasticity(panel: Panel) -> tuple[Floats, float]:
    """Return the log level of each item and one elasticity for all: the log-log model that one would fit first.

    Poisson likelihood with a level for each item, no weeks, no trend and no prior, by Newton's method in the one slope.
    """
    slope = 0.0
    exposure = np.log(panel.open)
    sold = panel.sums(panel.units)
    level = np.zeros(panel.items)
    for _ in range(100):
        share = np.exp(slope * panel.price + exposure)
        totals = panel.sums(share)
        level = np.log(sold / totals)
        mean = share * (sold / totals)[panel.item]
        weighted = panel.sums(mean * panel.price)
        gradient = float(panel.units @ panel.price - weighted.sum())
        information = float((mean * panel.price**2).sum() - (weighted**2 / sold).sum())
        step = float(np.clip(gradient / max(information, 1e-9), -1.0, 1.0))
        slope += step
        if abs(step) < 1e-9:
            break
    return level, slope


def _surprise(units: Floats, expected: Floats, item: Integers, fit: Fit) -> Floats:
    """Return the log by which each item sells more than expected, drawn to 0 by how far items differ beyond chance."""
    sold, wanted = (np.bincount(item, column, minlength=len(fit.levels)) for column in (units, expected))
    chance = fit.inflation * np.bincount(item, expected + fit.dispersion[item] * expected**2, minlength=len(fit.levels))
    variance = chance / wanted**2
    ratio = sold / wanted
    real = paule_mandel(ratio, variance)
    found: Floats = np.log1p(np.maximum(ratio - 1.0, -0.99) * real / (real + variance))
    return found


def _lasting(weeks: Floats, group: Integers, day: Integers) -> Floats:
    """Return for each row what is to be expected of its group's coming weeks: the latest ones, as far as such last.

    The log of the mean factor, plus the share r of what the last four weeks were above the mean, r being the
    correlation of weeks that are four weeks apart (0 where it is negative or the group has too few weeks).
    """
    found = np.empty(len(weeks))
    for code in range(int(group.max(initial=-1)) + 1):
        rows = np.flatnonzero(group == code)
        _, first = np.unique(day[rows] // WEEK, return_index=True)
        series = weeks[rows[first]]
        away = series - series.mean()
        total = float(away @ away)
        kept = float(away[:-4] @ away[4:]) / total if len(series) > 12 and total > 0.0 else 0.0
        found[rows] = np.log(np.exp(series).mean()) + max(0.0, kept) * away[-4:].mean()
    return found


def _with_weeks(group: Integers) -> Integers:
    """Return the group of each item whose weeks it shares: its own where that is large enough, else that of all."""
    sizes = np.bincount(group + 1, minlength=int(group.max(initial=-1)) + 2)
    large = (group >= 0) & (sizes[group + 1] >= LEAST_GROUP)
    return np.where(large, group, -1).astype(np.int64)

"""How small an effect a test on these customers would find, by its length in weeks, with and without their history."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from experiments.statistics.calculator import lift_for
from experiments.statistics.designs import Baseline, Design, DesignInvalid, Looks, Watching, conversion
from experiments.trial.orders import Floats, OrderLog
from experiments.trial.rehearsal import LONGEST_HISTORY, SHORTEST_HISTORY

WEEKS: Final = (1, 2, 4, 8)
POWER: Final = 0.8
RESERVED: Final = 0.1
_FEWEST: Final = 100


@dataclass(frozen=True, slots=True)
class Findable:
    """Of one metric: its mean, and the relative lift found with 80% power, plain and adjusted by history.

    explained: share of the variance that history explains. A lift is None where not even a doubling is found.
    """

    metric: str
    mean: float
    explained: float
    plain: float | None
    adjusted: float | None


@dataclass(frozen=True, slots=True)
class WeekFindings:
    """What a test of so many weeks finds with all the customers who had ordered before."""

    weeks: int
    customers: int
    metrics: tuple[Findable, ...]


def findable_by_week(log: OrderLog) -> tuple[WeekFindings, ...]:
    """Return what tests of 1, 2, 4 and 8 weeks would find, measured on the last weeks of the log.

    Means and variances are those of windows as long as the test, since both grow with it. Lengths for which the log
    has too little history or too few buyers are left out.
    """
    found = (_of_weeks(log, weeks) for weeks in WEEKS)
    return tuple(each for each in found if each is not None)


def _of_weeks(log: OrderLog, weeks: int) -> WeekFindings | None:
    length = 7 * weeks
    start = log.days - length
    history = min(LONGEST_HISTORY, start)
    if history < SHORTEST_HISTORY:
        return None
    known = np.unique(log.customer[log.is_order & (log.day < start)])
    place = np.full(int(log.customer.max()) + 1, -1)
    place[known] = np.arange(known.size)
    row = place[log.customer]
    spans = {
        "after": (row >= 0) & (log.day >= start),
        "before": (row >= 0) & (log.day < start) & (log.day >= start - history),
    }
    orders: dict[str, Floats] = {}
    revenue: dict[str, Floats] = {}
    for name, inside in spans.items():
        bought = inside & log.is_order
        orders[name] = np.bincount(row[bought], minlength=known.size).astype(float)
        revenue[name] = np.bincount(row[inside], weights=log.amount[inside], minlength=known.size).astype(float)
    if np.count_nonzero(orders["after"]) < _FEWEST:
        return None
    metrics = (
        _findable("conversion", _rate(orders), length, known.size),
        _findable("revenue", _mean(revenue), length, known.size),
        _findable("order value", _order_value(orders, revenue), length, known.size),
    )
    return WeekFindings(weeks, int(known.size), tuple(each for each in metrics if each is not None))


def _rate(orders: Mapping[str, Floats]) -> Baseline | None:
    bought, before = ((orders[name] > 0.0).astype(float) for name in ("after", "before"))
    r2 = _explained(bought, [before])
    return conversion(float(bought.mean()), r2=r2) if 0.0 < bought.mean() < 1.0 else None


def _mean(revenue: Mapping[str, Floats]) -> Baseline | None:
    return _baseline(float(revenue["after"].mean()), revenue["after"], [revenue["before"]])


def _order_value(orders: Mapping[str, Floats], revenue: Mapping[str, Floats]) -> Baseline | None:
    """Return the baseline of revenue per order, linearised at the customer."""
    number, total = orders["after"], revenue["after"]
    ratio = float(total.sum() / number.sum())
    line = (total - ratio * number) / number.mean()
    covariates = [orders["before"], revenue["before"]] if orders["before"].any() else []
    return _baseline(ratio, line, covariates)


def _baseline(mean: float, values: Floats, covariates: list[Floats]) -> Baseline | None:
    sd = float(values.std(ddof=1))
    return Baseline(mean, sd, r2=_explained(values, covariates)) if mean > 0.0 and sd > 0.0 else None


def _explained(values: Floats, covariates: list[Floats]) -> float:
    """Return the share of variance that a linear fit explains, less what chance alone would."""
    useful = [each for each in covariates if each.std() > 0.0]
    if not useful or values.std() == 0.0:
        return 0.0
    design = np.column_stack([np.ones(values.size), *useful])
    fitted = design @ np.linalg.lstsq(design, values, rcond=None)[0]
    left = float(((values - fitted) ** 2).sum() / ((values - values.mean()) ** 2).sum())
    return max(0.0, 1.0 - left * (values.size - 1) / (values.size - 1 - len(useful)))


def _findable(metric: str, baseline: Baseline | None, days: int, customers: int) -> Findable | None:
    if baseline is None:
        return None
    plain = Baseline(baseline.mean, baseline.sd, is_rate=baseline.is_rate)
    lifts = [_lift(each, days, customers) for each in (plain, baseline)]
    return Findable(metric, baseline.mean, baseline.r2, lifts[0], lifts[1])


def _lift(baseline: Baseline, days: int, customers: int) -> float | None:
    """Return the lift found with a look every evening, or None where none up to a doubling is."""
    looks = Looks(Watching.GROUP_SEQUENTIAL, count=days, reserved=RESERVED)
    try:
        found = lift_for(Design(baseline, power=POWER, looks=looks), customers).lift
    except DesignInvalid:
        return None
    return found if found <= 1.0 else None

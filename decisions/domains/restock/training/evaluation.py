"""How good forecasts are: on later weeks, by series and week, beside the last week with its errors."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from decisions.domains.restock.training.dataset import SalesData
from decisions.domains.restock.training.figures import PROBABILITIES, covered, pinball
from decisions.domains.restock.training.naive import naive_quantiles, scales
from decisions.domains.restock.training.panel import LEAST_KNOWN, WEEK, Bools, Floats
from models_registry.artifacts import ArtifactMalformed
from models_registry.gates import CHAMPION, POPULARITY, Evaluation, sliced
from models_registry.predictors.forecast import DAYS_SCALE, MONEY_SCALE, Forecast
from models_registry.predictors.protocol import Indices, Predictor

METRIC: Final = "scaled_pinball"
"""Minus the mean pinball of a week's total over PROBABILITIES, by the series' mean change from week to week."""
INTERMITTENT: Final = "sells now and then"
REGULAR: Final = "sells on most days"
OFTEN: Final = 0.5
LEAST_OFFERED: Final = 0.5
"""The share of a week's days on which something could be bought, for the week to judge."""
TIMED: Final = 100
TIMED_DAYS: Final = 21.0
TIMED_SPREAD: Final = 3.0
TIMED_LEVELS: Final = 60


@dataclass(frozen=True, slots=True, eq=False)
class Weeks:
    """The weeks that judge: rows of equal length.

    series: places in the panel. totals: pieces sold in the week. whole: in stock throughout; in other weeks demand was
    at least the total.
    """

    series: Indices
    totals: Floats
    whole: Bools


def evaluate(predictor: Predictor, data: SalesData, champion: Predictor | None) -> Evaluation:
    """Return the scaled pinball of each series and week, of the candidate, of the naive forecast, and of the champion.

    Judged are the weeks of series that were known for a week before. A week that was not in stock throughout says of
    demand only that it was at least what was sold, and costs what a forecast fell short of that (Powell 1986): leaving
    out weeks that sold out would favour forecasts of too little. Coverage is of weeks in stock throughout. Series that
    the champion does not know have the naive forecast in its place; it is left out where it is no forecast.
    """
    weeks = _judged(data)
    naive = naive_quantiles(data.learnt, WEEK, PROBABILITIES)
    own = _quantiles(aligned(predictor, data), naive)
    quantiles = {"": own, POPULARITY: naive}
    if isinstance(champion, Forecast):
        quantiles[CHAMPION] = _quantiles(aligned(champion, data), naive)
    scale = scales(data.learnt, WEEK)
    figures = {name: _figures(found, weeks, scale) for name, found in quantiles.items()}
    references: dict[str, Floats] = {name: figures[name] for name in (POPULARITY, CHAMPION) if name in figures}
    metrics = {
        **{f"{name}_{METRIC}" if name else METRIC: _mean(found) for name, found in figures.items()},
        **(covered(own[weeks.series[weeks.whole]], weeks.totals[weeks.whole]) if weeks.whole.any() else {}),
        "test_series": float(len(np.unique(weeks.series))),
        "test_weeks": float(len(weeks.totals)),
        "test_weeks_in_stock": float(weeks.whole.sum()),
        "bias": _bias(own, weeks),
    }
    return Evaluation(
        metrics=metrics,
        candidate=figures[""],
        references=references,
        slices=sliced(figures[""], references, _masks(data, weeks)),
        requests=_requests(data, own),
    )


def aligned(predictor: Predictor, data: SalesData) -> Forecast:
    """Return a forecast whose places are those of the dataset's series; one that it does not know has the mean 0.

    Raises ArtifactMalformed for a predictor that is no forecast.
    """
    if not isinstance(predictor, Forecast):
        raise ArtifactMalformed(f"A predictor of kind {predictor.kind} is no forecast.")
    if predictor.items == data.learnt.ids:
        return predictor
    rows = _rows(predictor, data)
    known = (rows >= 0)[:, None]
    return Forecast(
        items=data.learnt.ids,
        horizons=predictor.horizons,
        means=np.where(known, predictor.means[rows], np.float32(0.0)),
        variances=np.where(known, predictor.variances[rows], np.float32(0.0)),
        weekdays=np.where(known, predictor.weekdays[rows], np.float32(1.0)),
    )


def _rows(predictor: Forecast, data: SalesData) -> Indices:
    places = {item: place for place, item in enumerate(predictor.items)}
    return np.array([places.get(item, -1) for item in data.learnt.ids], dtype=np.int64)


def _judged(data: SalesData) -> Weeks:
    count = data.judged.steps // WEEK
    shape = (data.judged.series, count, WEEK)
    offered = (data.judged.known | data.judged.censored).reshape(shape).mean(axis=2)
    known = data.learnt.counts >= LEAST_KNOWN
    counts: Bools = (offered >= LEAST_OFFERED) & known[:, None]
    series, _ = np.nonzero(counts)
    totals = data.judged.units.reshape(shape).sum(axis=2)[counts]
    whole: Bools = np.all(data.judged.known.reshape(shape), axis=2)
    return Weeks(series.astype(np.int64), totals, whole[counts])


def _quantiles(predictor: Forecast, naive: Floats) -> Floats:
    """Return series x PROBABILITIES of a week's total; series that have no mean at all keep the naive ones."""
    asked = np.array(PROBABILITIES)
    found = naive.copy()
    for place in np.flatnonzero(predictor.means[:, -1] > 0.0).tolist():
        found[place] = predictor.quantiles(place, float(WEEK), asked)
    return found


def _figures(quantiles: Floats, weeks: Weeks, scale: Floats) -> Floats:
    asked, totals = quantiles[weeks.series], weeks.totals[:, None]
    reached = np.where(weeks.whole[:, None], asked, np.minimum(asked, totals))
    losses = pinball(reached, totals, np.array(PROBABILITIES))
    found: Floats = -losses.mean(axis=1) / scale[weeks.series]
    return found


def _bias(quantiles: Floats, weeks: Weeks) -> float:
    """Return the sum of medians by that of totals, less 1, over weeks in stock; 0 where nothing was sold in them."""
    sold = float(weeks.totals[weeks.whole].sum())
    if sold <= 0.0:
        return 0.0
    return float(quantiles[weeks.series[weeks.whole], PROBABILITIES.index(0.5)].sum()) / sold - 1.0


def _mean(figures: Floats) -> float:
    return float(figures.mean()) if len(figures) else float("nan")


def _masks(data: SalesData, weeks: Weeks) -> dict[str, Bools]:
    sells = ((data.learnt.units > 0.0) & data.learnt.known).sum(axis=1) / np.maximum(1, data.learnt.counts)
    often = sells[weeks.series] >= OFTEN
    return {name: mask for name, mask in ((REGULAR, often), (INTERMITTENT, ~often)) if mask.any()}


def _requests(data: SalesData, quantiles: Floats) -> tuple[tuple[Indices, Indices | None], ...]:
    """Return what some series are asked while serving: three weeks, and levels up to six times a good week."""
    places = np.unique(np.linspace(0, data.learnt.series - 1, TIMED).astype(np.int64))
    found: list[tuple[Indices, Indices | None]] = []
    for place in places.tolist():
        levels = np.linspace(0.0, 6.0 * quantiles[place, -1] + 1.0, TIMED_LEVELS)
        numbers = [place, TIMED_DAYS * DAYS_SCALE, TIMED_SPREAD * DAYS_SCALE, MONEY_SCALE, 0.1 * MONEY_SCALE, *levels]
        found.append((np.array(numbers, dtype=np.int64), None))
    return tuple(found)

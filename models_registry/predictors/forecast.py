"""The predictor of demand over some days, series by series, and of what it costs to order up to a level."""

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models_registry.artifacts import Artifact, ArtifactMalformed
from models_registry.predictors.history import inside
from models_registry.predictors.popularity import read_items
from models_registry.predictors.protocol import Indices, Scores
from models_registry.predictors.reading import floats, largest
from models_registry.predictors.totals import Totals, totals_of
from models_registry.vocabulary import PredictorKind

INPUTS: Final = ("place", "days", "spread", "missing", "leftover", "levels")
SAID: Final = len(INPUTS) - 1
"""How many numbers stand before the levels."""
DAYS_SCALE: Final = 1_000.0
MONEY_SCALE: Final = 1_000_000.0
MEANS: Final = "means"
VARIANCES: Final = "variances"
WEEKDAYS: Final = "weekdays"
HORIZONS: Final = "horizons"
WEEK: Final = 7
MOST_HORIZONS: Final = 64
LONGEST_DAYS: Final = 10_000.0
LARGEST_MEAN: Final = 1e12
LARGEST_VARIANCE: Final = 1e24

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Demand of each series over the first `horizons[h]` days has the mean means[:, h] and variance variances[:, h].

    items: ids of the series. horizons: days, rising. means (pieces) and variances: series x horizons. weekdays: series
    x 7 factors of mean 1, Monday first; totals of whole weeks do not need them.
    """

    items: tuple[str, ...]
    horizons: tuple[float, ...]
    means: Scores
    variances: Scores
    weekdays: Scores
    kind: PredictorKind = PredictorKind.FORECAST

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        """Return minus the expected cost in currency units of each level: c E max(0, D - s) + h E max(0, s - D).

        history: place of the series, days of the protection interval and their spread (thousandths), cost of a piece
        that is missing and of one that is left over (millionths), then the levels: pieces on hand, on order and to be
        ordered. candidates: places among the levels.

        Raises ValueError for fewer numbers than that, IndexError for a place that is none.
        """
        if len(history) < SAID:
            raise ValueError(f"A forecast is asked with {SAID} numbers and the levels, not with {len(history)}.")
        place, days, spread, missing, leftover = history[:SAID].tolist()
        levels = history[SAID:].astype(np.float64)
        if candidates is not None:
            levels = levels[inside(candidates, len(levels))]
        mean, variance = self.moments(place, days / DAYS_SCALE, spread / DAYS_SCALE)
        short = totals_of(mean, variance).shortage(levels)
        cost = missing / MONEY_SCALE * short + leftover / MONEY_SCALE * (levels - mean + short)
        found: Scores = (-cost).astype(np.float32)
        return found

    def quantiles(self, place: int, days: float, probabilities: Floats, *, spread: float = 0.0) -> Floats:
        """Return the pieces that total demand over so many days stays within, with each probability."""
        return self.totals(place, days, spread).quantiles(np.asarray(probabilities, dtype=np.float64))

    def totals(self, place: int, days: float, spread: float = 0.0) -> Totals:
        """Return the distribution of total demand over `days` days whose standard deviation is `spread`."""
        return totals_of(*self.moments(place, days, spread))

    def moments(self, place: int, days: float, spread: float = 0.0) -> tuple[float, float]:
        """Return mean and variance of total demand over so many days, from the day after the last one learnt from.

        Days that are random themselves add (pieces a day)^2 spread^2. Means are linear between horizons, variances a
        power of the days; beyond the last horizon both go on as before it. Raises IndexError, ValueError.
        """
        if not 0 <= place < len(self.items):
            raise IndexError(f"{place} is no place among {len(self.items)} series.")
        if not (0.0 <= days <= LONGEST_DAYS and 0.0 <= spread <= LONGEST_DAYS):
            raise ValueError(f"{days:g} days with a spread of {spread:g} are not from 0 to {LONGEST_DAYS:g}.")
        if days == 0.0:
            return 0.0, 0.0
        means, variances = self.means[place].tolist(), self.variances[place].tolist()
        mean = _linear(days, self.horizons, means)
        return mean, _power(days, self.horizons, variances) + (mean / days * spread) ** 2

    def daily(self, place: int, weekday: int, days: int) -> Floats:
        """Return the expected pieces of each of the first `days` days, the first of which is a `weekday`, 0 Monday."""
        upto = [self.moments(place, float(day))[0] for day in range(days + 1)]
        factors = self.weekdays[place, (weekday + np.arange(days)) % WEEK]
        found: Floats = np.diff(upto) * factors
        return found


def forecast_of(artifact: Artifact) -> Forecast:
    """Return the predictor of an artifact. Raises ArtifactMalformed."""
    items = read_items(artifact)
    horizons = _read_horizons(artifact)
    means, variances = (floats(artifact, name, len(items), len(horizons)) for name in (MEANS, VARIANCES))
    weekdays = floats(artifact, WEEKDAYS, len(items), WEEK)
    for name, found, most in (
        (MEANS, means, LARGEST_MEAN),
        (VARIANCES, variances, LARGEST_VARIANCE),
        (WEEKDAYS, weekdays, float(WEEK)),
    ):
        if found.size and (float(found.min()) < 0.0 or not largest(found) <= most * (1.0 + 1e-6)):
            raise ArtifactMalformed(f"The array {name} has numbers that are not from 0 to {most:g}.")
    if means.size and bool((np.diff(means, axis=1) < 0.0).any()):
        raise ArtifactMalformed(f"The array {MEANS} falls: totals of more days are not smaller.")
    return Forecast(items, horizons, means, variances, weekdays)


def _read_horizons(artifact: Artifact) -> tuple[float, ...]:
    found: Any = artifact.manifest.settings.get(HORIZONS)
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_HORIZONS:
        raise ArtifactMalformed(f"The setting {HORIZONS} is no list of 1 to {MOST_HORIZONS} numbers of days.")
    if any(isinstance(days, bool) or not isinstance(days, int | float) for days in found):
        raise ArtifactMalformed(f"The setting {HORIZONS} holds something else than numbers.")
    days = tuple(float(one) for one in found)
    rising = all(after > before for before, after in zip((0.0, *days), days, strict=False))
    if not rising or days[-1] > LONGEST_DAYS:
        raise ArtifactMalformed(f"The setting {HORIZONS} does not rise from above 0 to at most {LONGEST_DAYS:g} days.")
    return days


def _linear(days: float, horizons: tuple[float, ...], means: list[float]) -> float:
    """Return the mean total of so many days; 0 days have none."""
    after = min(bisect_left(horizons, days), len(horizons) - 1)
    before = (horizons[after - 1], means[after - 1]) if after else (0.0, 0.0)
    rate = (means[after] - before[1]) / (horizons[after] - before[0])
    return max(0.0, before[1] + rate * (days - before[0]))


def _power(days: float, horizons: tuple[float, ...], variances: list[float]) -> float:
    """Return the variance of a total of so many days; below the first horizon it grows in proportion to them."""
    after = min(bisect_left(horizons, days), len(horizons) - 1)
    low, high = variances[after - 1] if after else 0.0, variances[after]
    if low <= 0.0 or high <= 0.0:
        return high * days / horizons[after]
    exponent = math.log(high / low) / math.log(horizons[after] / horizons[after - 1])
    return low * math.pow(days / horizons[after - 1], min(2.0, max(0.0, exponent)))

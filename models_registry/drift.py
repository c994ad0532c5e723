"""Drift: whether what a model meets, promises and achieves is still what it was when it was trained. Pure.

The distributions of a training are frozen with their bins; later data are put into the same bins.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from foundation.errors import DomainError

DECILES: Final = 10
MOST_LEVELS: Final = 20
LEAST_UNITS: Final = 100
"""Fewer independent units than this on one side say nothing about drift."""
ONE_SIDED: Final = 1.645
TWO_SIDED: Final = 1.960
_LEAST_SHARE: Final = 1e-4
"""What an empty bin counts as, so that a bin that fills or empties is a large change and no infinite one."""
OTHER: Final = "*"
"""The level that stands for all that had none of its own when the bins were frozen."""

Numbers = npt.NDArray[np.float64]
Counts = Mapping[str, int]
Columns = Mapping[str, Numbers | Counts]
"""What is compared, by name: float64 columns are put into deciles; of texts, how many rows have each."""


class DriftBoundsInvalid(DomainError):
    """A bound for drift makes no sense."""

    code = "DRIFT_BOUNDS_INVALID"
    hint = 'Write bounds above 0 such as {"psi": 0.2, "metric_drop": 0.2, "calibration": 0.2}; leave out what is none.'


class BinsDiffer(DomainError):
    """Two distributions have not the same bins."""

    code = "DRIFT_BINS_DIFFER"
    hint = "Compare shares of the same bins."


@dataclass(frozen=True, slots=True)
class DriftBounds:
    """How much is too much; None is not judged.

    psi: population stability index of any feature, beyond what chance gives. metric_drop: share of the offline metric
    that is lost. calibration: by which share the observed rate differs from the predicted one.
    """

    psi: float | None = None
    metric_drop: float | None = None
    calibration: float | None = None

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        """Return the bounds that JSON holds. Raises DriftBoundsInvalid."""
        known = {"psi", "metric_drop", "calibration"}
        unknown = sorted(map(str, set(given) - known))
        if unknown:
            raise DriftBoundsInvalid(f"Unknown bounds: {', '.join(unknown)}.")
        for name, value in given.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not math.isfinite(value) or value <= 0.0:
                raise DriftBoundsInvalid(f"The bound {name} is no number above 0.")
        return cls(**{name: float(value) for name, value in given.items()})


@dataclass(frozen=True, slots=True)
class Bins:
    """The frozen bins of one feature, and the shares that fell into each.

    edges: the inner edges of a number's bins, ascending; a value equal to an edge lies above it. levels: those of a
    text, the last one OTHER. One of both is empty. units: how many independent units the shares are of.
    """

    edges: tuple[float, ...]
    levels: tuple[str, ...]
    shares: tuple[float, ...]
    units: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Return the bins that a stored entry stands for."""
        return cls(
            edges=tuple(map(float, entry["edges"])),
            levels=tuple(map(str, entry["levels"])),
            shares=tuple(map(float, entry["shares"])),
            units=int(entry["units"]),
        )


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a feature has moved. chance: what its index would be on average had nothing changed."""

    psi: float
    chance: float

    @property
    def beyond_chance(self) -> float:
        """The index less what chance alone gives."""
        return self.psi - self.chance


@dataclass(frozen=True, slots=True)
class DriftFindings:
    """What a check found. What could not be looked at is None or missing, with the reason in `unseen`.

    metric_then, metric_now: the mean of the gate's metric when the version was registered, and of the same version on
    data that came after its own. rate_predicted, rate_observed: of a predictor of probabilities. The errors are
    standard errors of metric_now and of rate_observed.
    """

    shifts: Mapping[str, Shift] = field(default_factory=dict)
    metric_then: float | None = None
    metric_now: float | None = None
    metric_error: float = 0.0
    rate_predicted: float | None = None
    rate_observed: float | None = None
    rate_error: float = 0.0
    unseen: Mapping[str, str] = field(default_factory=dict)

    @property
    def metric_drop(self) -> float | None:
        """The share of the metric that was lost beyond what chance explains: a one-sided bound of 95%.

        (then - now - 1.645 sqrt(2) SE(now)) / |then|: the version's own figure had about the same error.
        """
        if self.metric_then is None or self.metric_now is None or self.metric_then == 0.0:
            return None
        lost = self.metric_then - self.metric_now - ONE_SIDED * math.sqrt(2.0) * self.metric_error
        return max(0.0, lost / abs(self.metric_then))

    @property
    def calibration(self) -> float | None:
        """The share by which the observed rate differs from the predicted one, beyond 1.96 standard errors of it."""
        if self.rate_predicted is None or self.rate_observed is None or self.rate_predicted <= 0.0:
            return None
        apart = abs(self.rate_observed - self.rate_predicted) - TWO_SIDED * self.rate_error
        return max(0.0, apart / self.rate_predicted)

    def exceeded(self, bounds: DriftBounds) -> tuple[str, ...]:
        """Return what is beyond its bound: `psi:<feature>`, `metric_drop`, `calibration`."""
        found = [
            f"psi:{name}"
            for name, shift in sorted(self.shifts.items())
            if bounds.psi is not None and shift.beyond_chance > bounds.psi
        ]
        for name, figure, bound in (
            ("metric_drop", self.metric_drop, bounds.metric_drop),
            ("calibration", self.calibration, bounds.calibration),
        ):
            if figure is not None and bound is not None and figure > bound:
                found.append(name)
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it, for people to read."""
        return {
            "psi": {name: {"psi": shift.psi, "chance": shift.chance} for name, shift in sorted(self.shifts.items())},
            "metric_then": self.metric_then,
            "metric_now": self.metric_now,
            "metric_error": self.metric_error,
            "metric_drop": self.metric_drop,
            "rate_predicted": self.rate_predicted,
            "rate_observed": self.rate_observed,
            "rate_error": self.rate_error,
            "calibration": self.calibration,
            "unseen": dict(self.unseen),
        }


def psi(expected: Sequence[float], observed: Sequence[float]) -> float:
    """Return the population stability index, sum over bins of (o - e) ln(o / e) of the shares e and o.

    Raises:
        BinsDiffer: the two have not the same number of bins.
    """
    if len(expected) != len(observed) or not expected:
        raise BinsDiffer("The two distributions have not the same bins.")
    e, o = (np.maximum(np.asarray(shares, dtype=np.float64), _LEAST_SHARE) for shares in (expected, observed))
    return float(((o - e) * np.log(o / e)).sum())


def chance_psi(bins: int, *, expected: int, observed: int) -> float:
    """Return the mean of the index without any drift, (bins - 1) (1 / n + 1 / m) (Yurdakul and Naranjo 2020)."""
    return (bins - 1) * (1.0 / expected + 1.0 / observed)


def frozen_bins(columns: Columns, *, units: int) -> dict[str, Bins]:
    """Return for each column its bins and shares: deciles of numbers, the most frequent levels of texts.

    units: how many independent units the rows come from. Columns without rows are left out.
    """
    return {name: _freeze(column, units) for name, column in columns.items() if len(column)}


def shifts(frozen: Mapping[str, Bins], columns: Columns, *, units: int) -> dict[str, Shift]:
    """Return how far each frozen feature has moved; those that nobody could judge are left out.

    A feature is judged where both sides have LEAST_UNITS units, there are rows, and it has two bins or more.
    """
    found: dict[str, Shift] = {}
    for name, bins in frozen.items():
        column = columns.get(name, {})
        if (
            not len(column)
            or isinstance(column, np.ndarray) != bool(not bins.levels)
            or min(bins.units, units) < LEAST_UNITS
            or len(bins.shares) < 2
        ):
            continue
        index = psi(bins.shares, _shares(column, bins.edges, bins.levels))
        found[name] = Shift(index, chance_psi(len(bins.shares), expected=bins.units, observed=units))
    return found


def _freeze(column: Numbers | Counts, units: int) -> Bins:
    edges: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()
    if isinstance(column, np.ndarray):
        quantiles = np.unique(np.quantile(column, np.arange(1, DECILES) / DECILES))
        edges = tuple(float(edge) for edge in quantiles if edge > column.min())
        if not edges:  # (nearly) all rows have one value: what lies below and above it are bins of their own
            edges = (float(column.min()), float(np.nextafter(column.min(), np.inf)))
    else:
        most = sorted(column, key=lambda level: (-column[level], level))[:MOST_LEVELS]
        levels = (*(level for level in most if level != OTHER), OTHER)
    return Bins(edges, levels, _shares(column, edges, levels), units)


def _shares(column: Numbers | Counts, edges: Sequence[float], levels: Sequence[str]) -> tuple[float, ...]:
    if isinstance(column, np.ndarray):
        places = np.searchsorted(np.asarray(edges), column, side="right")
        counts = np.bincount(places, minlength=len(edges) + 1)
        return tuple((counts / len(column)).tolist())
    of_level = {level: place for place, level in enumerate(levels)}
    binned = [0] * len(levels)
    for level, number in column.items():
        binned[of_level.get(level, len(levels) - 1)] += number
    return tuple(number / sum(binned) for number in binned)

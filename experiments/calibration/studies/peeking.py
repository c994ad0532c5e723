"""Units that go on producing outcomes: closed windows, beside information counted in users."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.scorecard import Crossing
from experiments.calibration import plans
from experiments.calibration.figures import counted
from experiments.calibration.records import Result, Setting, Study, Tally, Target
from experiments.calibration.sums import Whole
from experiments.calibration.watching import Observed, crossed, first_comparison, watch
from experiments.statistics.group_sequential import lan_demets
from experiments.statistics.moments import PowerSums

DAYS = 28
ENROLMENT = 7
WINDOW = 7
PER_DAY = 150
LOOKS = (*range(WINDOW, WINDOW + ENROLMENT + 1), 21, DAYS)
"""Daily while windows close, then twice more: nothing new comes."""
_SCALE = 100.0


def studies() -> tuple[Study, ...]:
    """Return the study of units that accumulate."""
    return (
        Study(
            "accumulating-units",
            "Units that go on producing outcomes",
            "No effect. 150 units a day and arm enrol in the first week and produce outcomes for four. The product "
            "counts a unit once its window of 7 days has closed, looks daily while windows close and twice more "
            "until day 28, and spends alpha by the calendar with the correlations of the information seen. User "
            "count is the common shortcut: everything that has happened so far, with users over planned users as the "
            "information, whose last bound is then used again every day.",
            tuple(_settings()),
        ),
    )


def _settings() -> Iterator[Setting]:
    for correlation in (0.0, 0.3, 0.8):
        yield Setting(
            f"correlation within a unit {correlation}",
            partial(accumulating, correlation),
            _evaluate,
            reduced=150,
            full=5_000,
            block=50,
        )


def accumulating(correlation: float, rng: np.random.Generator, replicates: int) -> Tally:
    """Return how often closed windows and user counts claim a difference over 28 daily looks."""
    found = {"closed": 0, "users": 0, "invalid": 0}
    plan = plans.daily(plans.decision(plans.count("visits")), days=DAYS)
    for _ in range(replicates):
        daily = _outcomes(correlation, rng)
        found["users"] += _by_user_count(daily)
        for card, _verdict in watch(plan, _closed(daily)):
            if crossed(first_comparison(card)) is not Crossing.NONE:
                found["closed"] += 1
                break
    return Tally(found)


def _outcomes(correlation: float, rng: np.random.Generator) -> Whole:
    """Return outcomes less their mean, in whole hundredths: (arms, enrolment days, units, calendar days).

    Without a level, units of one day differ from those of another by their outcomes only.
    """
    shape = (2, ENROLMENT, PER_DAY)
    habit = rng.normal(0.0, np.sqrt(correlation), (*shape, 1))
    noise = rng.normal(0.0, np.sqrt(1.0 - correlation), (*shape, DAYS))
    values: Whole = np.rint(_SCALE * (habit + noise)).astype(np.int64)
    enrolled = np.arange(DAYS)[None, :] >= np.arange(ENROLMENT)[:, None]
    return values * enrolled[None, :, None, :]


def _closed(daily: Whole) -> Iterator[Observed]:
    """Yield looks at the units whose window has closed, each with the sum of its window around a level of 5 a day."""
    level = round(5.0 * _SCALE) * WINDOW
    windows = np.stack([level + daily[:, day, :, day : day + WINDOW].sum(axis=2) for day in range(ENROLMENT)], axis=1)
    for day in LOOKS:
        complete = min(day - WINDOW + 1, ENROLMENT)
        sums = {}
        for arm, key in enumerate(plans.arm_keys()):
            values = windows[arm, :complete].ravel()
            total, square = int(values.sum()), int((values * values).sum())
            sums["visits", key] = PowerSums(
                values.size, ("y",), (total,), (square,), (int(np.count_nonzero(values)),), int((values**3).sum())
            )
        exposed = dict.fromkeys(plans.arm_keys(), PER_DAY * min(day, ENROLMENT))
        yield Observed(float(day), sums, exposed)


def _by_user_count(daily: Whole) -> bool:
    """Return whether the shortcut claims a difference: bounds by users, z on all that has happened so far."""
    z = _deviates(daily)
    shares = tuple((day + 1) / ENROLMENT for day in range(ENROLMENT))
    bounds = np.array(lan_demets(shares, 0.05))
    return bool((np.abs(z) >= np.append(bounds, np.full(DAYS - ENROLMENT, bounds[-1]))).any())


def _deviates(daily: Whole) -> NDArray[np.float64]:
    totals = daily.cumsum(axis=3)
    found = np.zeros(DAYS)
    for day in range(DAYS):
        seen = totals[:, : min(day + 1, ENROLMENT), :, day].reshape(2, -1).astype(float)
        spread = seen.var(axis=1, ddof=1).sum() / seen.shape[1]
        found[day] = (seen[1].mean() - seen[0].mean()) / np.sqrt(spread)
    return found


def _evaluate(found: Tally, replicates: int) -> Sequence[Result]:
    return (
        counted(found, "closed", replicates, "closed windows", Target(high=0.055)),
        counted(found, "users", replicates, "user count"),
    )

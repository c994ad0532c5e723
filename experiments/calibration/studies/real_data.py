"""Real logs, assigned again at random: what the verdict says without an effect, and with one put in."""

import csv
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.plan import AnalysisPlan
from experiments.calibration import plans
from experiments.calibration.figures import counted
from experiments.calibration.records import Result, Setting, Study, Tally, Target
from experiments.calibration.sums import Whole, rates
from experiments.calibration.watching import Observed, watch
from experiments.statistics.moments import PowerSums
from experiments.vocabulary import VerdictState

HILLSTROM = Path("ab/hillstrom_email.csv.gz")
LANDING_PAGE = Path("ab/landing_page_ab_data.csv.gz")
LOOKS = 14
MARGIN = 0.1
REPLICATES = 1_000
_SKIPPED = "Needs the folder of recorded experiments that TILTYARD_REAL_DATA names, with {missing}; it is not there."


@dataclass(frozen=True, slots=True)
class Log:
    """Units of a real log: what each did, and the look at which it arrives (None: in random order)."""

    visits: NDArray[np.bool_]
    cents: Whole
    arrival: NDArray[np.int64] | None


def studies(folder: Path | None) -> tuple[Study, ...]:
    """Return the end-to-end study on the logs in a folder; skipped, with the reason, where they are not there."""
    missing = [str(path) for path in (HILLSTROM, LANDING_PAGE) if folder is None or not (folder / path).is_file()]
    skipped = _SKIPPED.format(missing=" and ".join(missing)) if missing else ""
    return (
        Study(
            "real-logs",
            "End to end on real logs",
            "Every unit of a real log is assigned again at random, 50/50, and the default plan looks 14 times until "
            "its verdict is SHIP, STOP_FOR_HARM or INVALID or its horizon is over. Hillstrom: 64,000 customers after "
            "an e-mail campaign, arriving in random order; visits decide and spending must not fall by 10%. Landing "
            "page: 290,584 users in the order in which they came; conversions decide. A lift or harm is put into the "
            "treatment by adding or removing outcomes at random, what a customer spent included. A missed harm is a "
            "test that does not end in STOP_FOR_HARM; the verdict is never SHIP for them unless false SHIP says so.",
            () if folder is None or missing else tuple(_settings(folder)),
            skipped,
        ),
    )


def _settings(folder: Path) -> Iterator[Setting]:
    for name, path, effects in (
        ("Hillstrom", HILLSTROM, (0.0, 0.1, -0.1)),
        ("landing page", LANDING_PAGE, (0.0, 0.05, -0.05)),
    ):
        for effect in effects:
            kind = "no effect" if not effect else f"{effect:+.0%} on {'visits' if path is HILLSTROM else 'conversions'}"
            yield Setting(
                f"{name}, {kind}",
                partial(reassigned, folder / path, effect),
                partial(_evaluate, effect),
                reduced=50,
                full=REPLICATES,
                block=25,
            )


@lru_cache(maxsize=2)
def read_log(path: Path) -> Log:
    """Return the log that a file holds: Hillstrom's campaign, or the landing-page test with its repeated users."""
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    if path.name == HILLSTROM.name:
        cents = np.array([round(100 * float(row["spend"])) for row in rows], dtype=np.int64)
        return Log(np.array([row["visit"] == "1" for row in rows]), cents, None)
    first: dict[str, dict[str, str]] = {}
    for row in sorted(rows, key=lambda row: row["timestamp"]):
        first.setdefault(row["user_id"], row)
    users = list(first.values())
    days = sorted({row["timestamp"][:10] for row in users})
    arrival = np.array([min(LOOKS - 1, days.index(row["timestamp"][:10]) * LOOKS // len(days)) for row in users])
    visits = np.array([row["converted"] == "1" for row in users])
    return Log(visits, np.zeros(len(users), dtype=np.int64), arrival)


def _plan(money: bool) -> AnalysisPlan:
    decides = plans.decision(plans.conversion("visit"))
    watched = (plans.guardrail(plans.revenue("spend"), MARGIN),) if money else ()
    return plans.daily(decides, *watched, days=LOOKS)


def reassigned(path: Path, effect: float, rng: np.random.Generator, replicates: int) -> Tally:
    """Return the final verdicts of one log, assigned again for each replicate."""
    log = read_log(path)
    money = bool(log.cents.any())
    plan = _plan(money)
    found: dict[str, int] = {}
    for _ in range(replicates):
        state = VerdictState.CONTINUE
        for _card, verdict in watch(plan, _observed(log, effect, rng, money=money)):
            state = verdict.state
            if state in (VerdictState.SHIP, VerdictState.STOP_FOR_HARM, VerdictState.INVALID):
                break
        found[state] = found.get(state, 0) + 1
    return Tally(found)


def _observed(log: Log, effect: float, rng: np.random.Generator, *, money: bool) -> Iterator[Observed]:
    units = log.visits.size
    arrival = rng.integers(0, LOOKS, units) if log.arrival is None else log.arrival
    arm = rng.integers(0, 2, units)
    visits, cents = _with_effect(log, arm == 1, effect, rng)
    cell = arrival * 2 + arm
    cells = 2 * LOOKS

    def running(column: Whole | NDArray[np.bool_]) -> Whole:
        whole = np.bincount(cell, weights=column.astype(float), minlength=cells)
        found: Whole = np.rint(whole).astype(np.int64).reshape(LOOKS, 2).cumsum(axis=0)
        return found

    counts, successes = running(np.ones(units, dtype=np.int64)), running(visits)
    spent = [running(column) for column in (cents, cents**2, cents**3, cents != 0)] if money else []
    for look in range(LOOKS):
        sums: dict[tuple[str, str], PowerSums] = {}
        for arm_index, key in enumerate(plans.arm_keys()):
            n = int(counts[look, arm_index])
            sums["visit", key] = rates(n, int(successes[look, arm_index]))
            if money:
                total, square, cube, buyers = (int(column[look, arm_index]) for column in spent)
                s = plans.CENTS
                sums["spend", key] = PowerSums(n, ("y",), (total * s,), (square * s * s,), (buyers,), cube * s**3)
        yield Observed(float(look + 1), sums)


def _with_effect(
    log: Log, treated: NDArray[np.bool_], effect: float, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], Whole]:
    """Return what units do when the treatment adds or removes a share of the outcomes at random."""
    if effect == 0.0:
        return log.visits, log.cents
    draws = rng.random(log.visits.size)
    if effect < 0.0:
        lost = treated & (draws < -effect)
        return log.visits & ~lost, np.where(lost, 0, log.cents)
    rate = float(log.visits.mean())
    gained = treated & ~log.visits & (draws < effect * rate / (1.0 - rate))
    # who is won behaves like a visitor drawn at random
    copied = rng.choice(log.cents[log.visits], log.visits.size)
    return log.visits | gained, np.where(gained, copied, log.cents)


def _evaluate(effect: float, found: Tally, replicates: int) -> Sequence[Result]:
    ship, stop, invalid = (
        counted(found, state, replicates, str(state), target)
        for state, target in (
            (VerdictState.SHIP, Target(high=0.025) if effect <= 0.0 else None),
            (VerdictState.STOP_FOR_HARM, Target(high=0.05) if effect >= 0.0 else None),
            (VerdictState.INVALID, Target(high=0.005)),
        )
    )
    results = [ship, stop, invalid]
    if effect:
        wanted = VerdictState.SHIP if effect > 0.0 else VerdictState.STOP_FOR_HARM
        missed = Tally({"missed": replicates - found.count(wanted)})
        results.append(counted(missed, "missed", replicates, "missed lift" if effect > 0.0 else "missed harm"))
    return results

"""The blockers' shared error budget: healthy tests watched daily are hardly ever called invalid, broken ones are found.

Simulated: 28 daily looks, units arriving in two dimensions of ten levels, a covariate, a filter, windows of a week.
"""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta

from experiments.analysis.build import build_scorecard
from experiments.analysis.check_context import SHARED_BUDGET
from experiments.analysis.filters import FilterKind, FilterRule, UnitFilter
from experiments.analysis.inputs import DAY_CELLS, FILTER_CELLS, AnalysisInputs, CellCount, History
from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.scorecard import Outcome, Scorecard
from experiments.statistics import confidence, srm
from experiments.statistics.moments import PowerSums
from experiments.vocabulary import CheckLevel
from tests.experiments.analysis.builders import decision, inputs, plan, revenue

LOOKS, LEVELS, DAILY, WINDOW = 28, 10, 600, 7
PARTS = np.array([0.3, 0.2, 0.15, 0.1, 0.08, 0.06, 0.05, 0.03, 0.02, 0.01])
SPLIT = [1.0, 1.0]
BOTS = UnitFilter("bots", 1, FilterKind.BOT, FilterRule.ATTRIBUTE, "agent", ("bot",))
Counts = NDArray[np.int64]


def the_plan() -> AnalysisPlan:
    return plan(decision(revenue(covariate_days=14)), dimensions=("browser", "country"), filters=(BOTS,))


def arrivals(rng: np.random.Generator, replicates: int, daily: int = DAILY) -> Counts:
    """Return units by replicate, day, browser, country and arm: each unit tosses one fair coin."""
    shares = np.outer(PARTS, PARTS).ravel()
    units = rng.poisson(daily * shares, size=(replicates, LOOKS, len(shares)))
    control = rng.binomial(units, 0.5)
    return np.stack([control, units - control], axis=-1).reshape(replicates, LOOKS, LEVELS, LEVELS, 2)


def smallest(log_evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the smallest always-valid p-value of each replicate over its looks."""
    least: NDArray[np.float64] = np.exp(-np.maximum(0.0, log_evidence.max(axis=-1)))
    return least


def by_day(found: Counts) -> Counts:
    """Return units by replicate, look, day and arm: days to come are empty."""
    daily = found.sum(axis=(2, 3))
    past = np.tril(np.ones((LOOKS, LOOKS), dtype=np.int64))
    return daily[:, None, :, :] * past[None, :, :, None]


def smallest_p(found: Counts, filtered: Counts, statistic: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the smallest p-value over all looks of every check that shares the budget, by replicate."""
    grown = found.cumsum(axis=1)
    total = grown.sum(axis=(2, 3))
    overall = srm.log_bayes_factors(total, SPLIT)
    families = [srm.log_evidence_of_family(srm.log_evidence_of_cells([(grown.sum(axis=i), SPLIT)])) for i in (3, 2)]
    days = srm.log_evidence_of_family(srm.log_evidence_of_cells([(by_day(found), SPLIT)]))
    units = total.sum(axis=-1)
    g = confidence.tuned_g((0.005 - 0.001) / len(SHARED_BUDGET), 20_000)
    balance = 0.5 * np.log(g / (g + units)) + statistic**2 * units / (2.0 * (g + units))
    return {
        "SAMPLE_RATIO": smallest(overall),
        "SAMPLE_RATIO_LEVELS": smallest(np.logaddexp(*families) - np.log(2.0)),
        "SAMPLE_RATIO_DAYS": smallest(days),
        "SAMPLE_RATIO_ANALYSED": smallest(srm.log_evidence_of_cells([(total[:, :-WINDOW, None], SPLIT)])[..., 0]),
        "FILTER_BALANCE": smallest(srm.log_evidence_of_cells([(filtered.cumsum(axis=1)[:, :, None], SPLIT)])[..., 0]),
        "PRE_EXPOSURE_BALANCE": smallest(balance),
    }


def covariates(rng: np.random.Generator, found: Counts) -> tuple[Counts, Counts]:
    """Return running sums and sums of squares of a skewed covariate, by replicate, look and arm: 20% have bought."""
    daily = found.sum(axis=(2, 3))
    buyers = rng.binomial(daily, 0.2)
    sizes = np.array([5, 20, 80])
    split = rng.multinomial(buyers, [0.5, 0.35, 0.15])
    return (split * sizes).sum(axis=-1).cumsum(axis=1), (split * sizes**2).sum(axis=-1).cumsum(axis=1)


def welch(total: Counts, sums: Counts, squares: Counts) -> NDArray[np.float64]:
    mean = sums / total
    variance = (squares - total * mean**2) / (total - 1) / total
    z: NDArray[np.float64] = (mean[..., 1] - mean[..., 0]) / np.sqrt(variance.sum(axis=-1))
    return z


@pytest.mark.slow
def test_budget__healthy_tests_watched_for_28_days__are_invalid_within_half_a_percent():
    rng = np.random.default_rng(20260105)
    invalid, replicates, batch = 0, 6000, 500
    alone = dict.fromkeys(("SAMPLE_RATIO", *SHARED_BUDGET), 0)
    for _ in range(replicates // batch):
        found = arrivals(rng, batch)
        filtered = rng.binomial(rng.poisson(0.03 * DAILY, size=(batch, LOOKS)), 0.5)
        others = rng.binomial(rng.poisson(0.03 * DAILY, size=(batch, LOOKS)), 0.5)
        statistic = welch(found.cumsum(axis=1).sum(axis=(2, 3)), *covariates(rng, found))
        least = smallest_p(found, np.stack([filtered, others], axis=-1), statistic)
        part = 0.004 / len(SHARED_BUDGET)
        failed = {code: p < (0.001 if code == "SAMPLE_RATIO" else part) for code, p in least.items()}
        invalid += int(np.any(list(failed.values()), axis=0).sum())
        for code, one in failed.items():
            alone[code] += int(one.sum())
    # the upper end of the exact one-sided 99% interval of the rate lies within the budget
    assert beta.ppf(0.99, invalid + 1, replicates - invalid) <= 0.005, (invalid, alone)


def watched(found: Counts, filtered: Counts, sums: Counts, squares: Counts) -> list[Scorecard]:
    """Return the scorecards of one experiment at its 28 looks, each knowing those before it."""
    made = the_plan()
    cards: list[Scorecard] = []
    for look in range(1, LOOKS + 1):
        cards.append(build_scorecard(made, at_look(found, filtered, sums, squares, look, History.of(cards))))
    return cards


def at_look(
    found: Counts, filtered: Counts, sums: Counts, squares: Counts, look: int, history: History
) -> AnalysisInputs:
    so_far = found[:look].sum(axis=0)
    total = so_far.sum(axis=(0, 1))
    figures = {
        ("revenue", arm): PowerSums(
            n,
            ("y", "x"),
            (n * 10**6, int(sums[look - 1, i]) * 10**6),
            (2 * n * 10**12, int(sums[look - 1, i]) * 10**12, int(squares[look - 1, i]) * 10**12),
            (n, n // 5),
        )
        for i, (arm, n) in enumerate(zip(("control", "treatment"), total.tolist(), strict=True))
    }
    cells = [
        *(of(DAY_CELLS, f"{day:02}", units) for day, units in enumerate(found[:look].sum(axis=(1, 2)))),
        *(of("browser", str(level), units) for level, units in enumerate(so_far.sum(axis=1))),
        *(of("country", str(level), units) for level, units in enumerate(so_far.sum(axis=0))),
        of(FILTER_CELLS, "bots", filtered[:look].sum(axis=0)),
    ]
    made = inputs(figures, days=float(look), history=history)
    return replace(made, cells=tuple(cells))


def of(dimension: str, level: str, units: Counts) -> CellCount:
    return CellCount(dimension, level, "1", {"control": int(units[0]), "treatment": int(units[1])})


def one_experiment(seed: int, daily: int = DAILY) -> tuple[Counts, Counts, Counts, Counts]:
    rng = np.random.default_rng(seed)
    found = arrivals(rng, 1, daily)
    filtered = rng.poisson(0.03 * DAILY / 2, size=(LOOKS, 2))
    sums, squares = covariates(rng, found)
    return found[0], filtered, sums[0], squares[0]


def test_budget__simulated_evidence__is_that_of_the_scorecards():
    found, filtered, sums, squares = one_experiment(7)
    cards = watched(found, filtered, sums, squares)
    statistic = welch(found[None].cumsum(axis=1).sum(axis=(2, 3)), sums[None], squares[None])
    least = smallest_p(found[None], filtered[None], statistic)
    for code in ("SAMPLE_RATIO", "SAMPLE_RATIO_LEVELS", "SAMPLE_RATIO_DAYS", "FILTER_BALANCE", "PRE_EXPOSURE_BALANCE"):
        check = cards[-1].check(code)
        assert check.outcome is Outcome.PASSED
        assert check.figures["p_sequential"] == pytest.approx(least[code][0], rel=1e-9)
    assert not [check for card in cards for check in card.checks if blocks(check)]


def blocks(check) -> bool:
    return check.level is CheckLevel.BLOCK and check.outcome in (Outcome.FAILED, Outcome.ERROR)


def failing(cards: list[Scorecard]) -> dict[str, int]:
    """Return the first look at which each blocking check failed."""
    first: dict[str, int] = {}
    for card in cards:
        for check in card.checks:
            if blocks(check):
                first.setdefault(check.code, card.look)
    return first


def test_power__browser_that_loses_a_tenth_of_treatment__is_found():
    found, filtered, sums, squares = one_experiment(8, daily=2400)
    found[:, 0, :, 1] -= np.random.default_rng(9).binomial(found[:, 0, :, 1], 0.1)
    cards = watched(found, filtered, sums, squares)
    assert "SAMPLE_RATIO_LEVELS" in failing(cards)
    named = cards[-1].check("SAMPLE_RATIO_LEVELS").figures
    assert (named["dimension"], named["level"]) == ("browser", "0")


def test_power__day_on_which_one_arm_was_dead__is_found_that_day_and_never_forgotten():
    found, filtered, sums, squares = one_experiment(10)
    found[12, :, :, 1] = 0
    cards = watched(found, filtered, sums, squares)
    assert failing(cards)["SAMPLE_RATIO_DAYS"] == 13
    assert cards[-1].check("SAMPLE_RATIO_DAYS").outcome is Outcome.FAILED
    assert cards[-1].check("SAMPLE_RATIO_DAYS").figures["day"] == "12"


def test_power__filter_that_leaves_one_arm_out_more_often__is_found():
    found, filtered, sums, squares = one_experiment(11)
    filtered[:, 1] += filtered[:, 0] // 2
    assert "FILTER_BALANCE" in failing(watched(found, filtered, sums, squares))

"""A/A tests that are looked at once: size, each tail, and the distribution of p."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.scorecard import Comparison, Crossing
from experiments.calibration import plans
from experiments.calibration.figures import counted, distance_from_uniform
from experiments.calibration.populations import BUYERS, CAP_CENTS, Split, clicks_and_views, dense, money, split_of
from experiments.calibration.records import Result, Setting, Study, Tally, Target
from experiments.calibration.sums import rates
from experiments.calibration.watching import Sums, crossed, first_comparison, single
from experiments.statistics.ratios import MINIMUM_UNITS

SPLITS = ((50, 50), (80, 20), (90, 10))
ENOUGH = 30
_SMOOTH = 400
_FEW = 8
_WIDE = 0.06
_LARGER = (
    "With a split more uneven than 1:2 the larger of two errors is taken, each arm's own and the one both arms would "
    "share. In a small arm they differ by chance, so that the test stays a little below its level."
)
_SAFE = (
    "Revenue is skewed to the right, and the treatment is the small arm. Welch's error is the larger one when the "
    "treatment looks better, the restricted error when it looks worse; the product takes the larger of both, so either "
    "tail stays below 2.5%. It errs on the safe side and pays with power (see the next study); an even split pays "
    "nothing."
)


def studies() -> tuple[Study, ...]:
    """Return the A/A study with one look."""
    return (
        Study(
            "single-look",
            "A/A, one look",
            "No effect. One look at a finished test, two-sided 5%. The size is the share of tests that claim a "
            "difference; the tails say on which side. Distance is Kolmogorov's, between the p-values and the uniform "
            "distribution. Sizes and tails have two-sided targets from 30 conversions in each arm on; below, where "
            "counts are too coarse for any test to reach 5%, only the upper limit binds. The distance has a target "
            "where p-values are nearly continuous: 400 conversions in each arm.",
            (*_conversions(), *_clicks(), *_revenues()),
        ),
    )


def _conversions() -> Iterator[Setting]:
    for rate in (0.01, 0.05, 0.2):
        for units in (600, 4_000, 100_000):
            for shares in SPLITS:
                split = split_of(units, shares)
                expected = rate * min(split.control, split.treatment)
                # below, exact tests take a hundred times as long; a block judges equal counts once
                few = expected < _FEW
                yield Setting(
                    f"conversion {rate:.0%}, {units:,} units, {split}",
                    partial(conversion, split, rate),
                    partial(_evaluate, expected, 0.055),
                    reduced=400 if units == 4_000 else 0,
                    full=2_000 if few else 20_000,
                    block=2_000 if few else 1_000,
                )


def _clicks() -> Iterator[Setting]:
    for units, full in ((600, 20_000), (4_000, 20_000), (40_000, 4_000)):
        for shares in SPLITS:
            split = split_of(units, shares)
            if min(split.control, split.treatment) < MINIMUM_UNITS:
                continue
            yield Setting(
                f"clicks per view, {units:,} units, {split}",
                partial(click_rate, split),
                partial(_evaluate, 1.0 * min(split.control, split.treatment), 0.055),
                explained="" if shares == (50, 50) else _LARGER,
                reduced=400 if units == 4_000 and shares != (80, 20) else 0,
                full=full,
                block=max(20, 1_200_000 // units),
            )


def _revenues() -> Iterator[Setting]:
    for units in (4_000, 20_000, 100_000):
        for shares in SPLITS:
            split = split_of(units, shares)
            buyers, limit = BUYERS * min(split.control, split.treatment), _WIDE if shares == (90, 10) else 0.055
            yield Setting(
                f"revenue, capped, {units:,} units, {split}",
                partial(revenue, split),
                partial(_evaluate, buyers, limit),
                explained="" if shares == (50, 50) else _SAFE,
                reduced=400 if units == 20_000 else 0,
                full=20_000,
                block=max(50, min(1_000, 20_000_000 // units)),
            )


def conversion(split: Split, rate: float, rng: np.random.Generator, replicates: int) -> Tally:
    """Return how often one look at equal conversion rates claims a difference; equal counts are judged once."""
    plan = plans.one_look(plans.decision(plans.conversion()))
    seen: dict[tuple[int, int], Comparison] = {}
    found = []
    draws = zip(
        rng.binomial(split.control, rate, replicates), rng.binomial(split.treatment, rate, replicates), strict=True
    )
    for control, treatment in draws:
        key = (int(control), int(treatment))
        if key not in seen:
            sums = {
                ("conversion", "control"): rates(split.control, key[0]),
                ("conversion", "treatment"): rates(split.treatment, key[1]),
            }
            seen[key] = _judged(plan, sums, split)
        found.append(seen[key])
    return _tally(found)


def click_rate(split: Split, rng: np.random.Generator, replicates: int) -> Tally:
    """Return how often one look at equal clicks per view claims a difference."""
    plan = plans.one_look(plans.decision(plans.ratio()))
    control, treatment = (
        dense(clicks_and_views(rng, (replicates, 1, units))) for units in (split.control, split.treatment)
    )
    return _tally(
        [
            _judged(
                plan,
                {("click_rate", "control"): control.at(r, 0), ("click_rate", "treatment"): treatment.at(r, 0)},
                split,
            )
            for r in range(replicates)
        ]
    )


def revenue(split: Split, rng: np.random.Generator, replicates: int) -> Tally:
    """Return how often one look at equal revenue claims a difference."""
    plan = plans.one_look(plans.decision(plans.revenue(cap_cents=CAP_CENTS)))
    sizes = (split.control, split.treatment)
    control, treatment = (money(rng, np.full((replicates, 1), units)) for units in sizes)
    return _tally(
        [
            _judged(
                plan,
                {
                    ("revenue", "control"): control.at(r, 0, split.control),
                    ("revenue", "treatment"): treatment.at(r, 0, split.treatment),
                },
                split,
            )
            for r in range(replicates)
        ]
    )


def _judged(plan: AnalysisPlan, sums: Sums, split: Split) -> Comparison:
    card, _verdict = single(plan, sums, weights=split.weights)
    return first_comparison(card)


def _tally(found: Sequence[Comparison]) -> Tally:
    sides = [crossed(each) for each in found]
    p_values = [each.p_value for each in found if each.p_value is not None]
    return Tally(
        {
            "higher": sides.count(Crossing.BETTER),
            "lower": sides.count(Crossing.WORSE),
            "undefined": len(found) - len(p_values),
        },
        {"p": np.array(p_values, dtype=float)},
    )


def _evaluate(expected: float, limit: float, tally: Tally, replicates: int) -> Sequence[Result]:
    enough = expected >= ENOUGH
    size = Tally({"size": tally.count("higher") + tally.count("lower")})
    tail = Target(0.02, 0.03) if enough else Target(high=0.03)
    return (
        counted(size, "size", replicates, "size", Target(0.045 if enough and limit < _WIDE else None, limit)),
        counted(tally, "lower", replicates, "treatment lower", tail),
        counted(tally, "higher", replicates, "treatment higher", tail),
        distance_from_uniform("distance", tally.values["p"], Target(high=0.02) if expected >= _SMOOTH else None),
    )

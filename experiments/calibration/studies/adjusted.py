"""A/A tests with history and ratios, fitted again at every look; and what the adjustment does to the variance."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from experiments.analysis.metrics import MetricSpec
from experiments.calibration import plans
from experiments.calibration.figures import counted, mean, ratio_of_totals
from experiments.calibration.populations import clicks_and_views, counts_with_history, dense, money_with_history
from experiments.calibration.records import Result, Setting, Study, Tally, Target
from experiments.calibration.studies.sequential import tally
from experiments.calibration.sums import Whole
from experiments.calibration.watching import first_comparison, single
from experiments.vocabulary import Source

LOOKS = 14
UNITS = 6_000
_TARGET = Target(high=0.055)
Columns = Mapping[str, Whole]
Draw = Callable[[np.random.Generator, tuple[int, int, int]], Columns]


def studies() -> tuple[Study, ...]:
    """Return the studies of adjustment and linearisation."""
    return (
        Study(
            "adjusted-looks",
            "A/A with history and ratios, 14 looks",
            "No effect, 6,000 units, 14 looks of the default plan. At each look the ratio is linearised and the "
            "regression on history fitted again, on all units so far.",
            tuple(_looks()),
        ),
        Study(
            "history-variance",
            "What history does to the variance",
            "One look at 4,000 units with orders before and after exposure. R2 is the squared correlation of the "
            "population. Kept is the adjusted over the unadjusted variance; spread is how much the adjusted estimates "
            "really vary over their mean reported variance; bias is in standard errors. Wider is the share of tests "
            "whose adjusted variance is more than 1% above the unadjusted one.",
            tuple(_variances()),
        ),
    )


def _looks() -> Iterator[Setting]:
    kinds: tuple[tuple[str, str, Draw], ...] = (
        ("orders with history", "count", counts_with_history),
        ("clicks per view", "ratio", clicks_and_views),
        ("clicks per view with history", "ratio-history", partial(clicks_and_views, history=True)),
        ("revenue with history", "revenue", money_with_history),
    )
    for name, kind, draw in kinds:
        for share in (50, 10):
            yield Setting(
                f"{name}, {100 - share}/{share}",
                partial(looks, kind, draw, share),
                _evaluate_looks,
                reduced=80 if share == 50 else 0,
                full=2_500,
                block=50,
            )


def _spec(kind: str) -> MetricSpec:
    match kind:
        case "count":
            return plans.count(covariate_days=14)
        case "ratio":
            return plans.ratio()
        case "ratio-history":
            return plans.ratio(covariate_days=14)
        case _:
            return plans.revenue(covariate_days=14)


def looks(kind: str, draw: Draw, share: int, rng: np.random.Generator, replicates: int) -> Tally:
    """Return what 14 looks claim; the treatment has `share` per cent of the units."""
    treated = UNITS * share // 100 // LOOKS
    sizes = (UNITS // LOOKS - treated, treated)
    control, treatment = (dense(draw(rng, (replicates, LOOKS, size)), in_cents=kind == "revenue") for size in sizes)
    weights = {"control": sizes[0] * 1_000, "treatment": sizes[1] * 1_000}
    plan = plans.daily(plans.decision(_spec(kind)), days=LOOKS)
    return tally(plan, control.at, treatment.at, replicates, LOOKS, weights)


def _evaluate_looks(found: Tally, replicates: int) -> Sequence[Result]:
    return (
        counted(found, "claims", replicates, "claims", _TARGET),
        counted(found, "peeking", replicates, "peeking"),
        counted(found, "harm", replicates, "harm", Target(high=0.025)),
        counted(found, "invalid", replicates, "invalid", Target(high=0.005)),
    )


def _variances() -> Iterator[Setting]:
    for activity, missing in ((0.5, 0.0), (2.0, 0.0), (50.0, 0.0), (0.5, 0.6)):
        rate = 2.0
        r2 = (rate / activity / (1.0 + rate / activity)) ** 2
        known = f"{missing:.0%} without history" if missing else "all with history"
        yield Setting(
            f"R2 {r2:.2f}, {known}",
            partial(variance, activity, rate, missing),
            partial(_evaluate_variance, None if missing else 1.0 - r2),
            reduced=400,
            full=10_000,
            block=400,
        )


def variance(
    activity: float, rate: float, missing: float, rng: np.random.Generator, replicates: int, units: int = 2_000
) -> Tally:
    """Return adjusted and unadjusted variances and the errors of the adjusted estimates, for a lift of 5%."""
    plan = plans.one_look(plans.decision(plans.count(covariate_days=14)))
    arms = []
    for lift in (0.0, 0.05):
        columns = counts_with_history(rng, (replicates, 1, units), rate=rate, lift=lift, activity=activity)
        if missing:
            unknown = (rng.random((replicates, 1, units)) < missing).astype(np.int64)
            columns = {"y": columns["y"], "x": columns["x"] * (1 - unknown), "m": unknown}
        arms.append(dense(columns))
    kept, plain, errors = [], [], []
    for r in range(replicates):
        sums = {("orders", "control"): arms[0].at(r, 0), ("orders", "treatment"): arms[1].at(r, 0)}
        card, _verdict = single(plan, sums, source=Source.EXTERNAL if missing else Source.OWN)
        found = first_comparison(card)
        assert found.absolute.se is not None
        assert found.absolute.value is not None
        before = found.adjustment.unadjusted.se if found.adjustment is not None else found.absolute.se
        assert before is not None
        kept.append(found.absolute.se**2)
        plain.append(before**2)
        errors.append(found.absolute.value - 0.05 * rate)
    return Tally({}, {"adjusted": np.array(kept), "plain": np.array(plain), "error": np.array(errors)})


def _evaluate_variance(expected: float | None, found: Tally, replicates: int) -> Sequence[Result]:
    adjusted, plain, error = (found.values[name] for name in ("adjusted", "plain", "error"))
    wider = Tally({"wider": int((adjusted > 1.01 * plain).sum())})
    target = Target(high=1.0) if expected is None else Target(expected * 0.98, expected * 1.02)
    return (
        ratio_of_totals("kept", adjusted, plain, target),
        ratio_of_totals("spread", (error - error.mean()) ** 2, adjusted, Target(0.95, 1.05)),
        mean("bias", error / np.sqrt(adjusted), Target(-0.05, 0.05)),
        counted(wider, "wider", replicates, "wider", Target(high=0.0)),
    )

"""Many tests at once without any data: drafts whose statistics are drawn, decided by the plan's own rules."""

import math
from collections.abc import Sequence

import numpy as np

from experiments.analysis.decide import Decision, decide
from experiments.analysis.drafts import Draft
from experiments.analysis.effects import PairEffect
from experiments.analysis.estimate import Estimated
from experiments.analysis.inputs import PastLook
from experiments.analysis.looks import Look
from experiments.analysis.plan import AnalysisPlan, PlannedMetric, SequentialMethod
from experiments.analysis.scorecard import ArmFigures, Crossing, Estimator
from experiments.statistics.pair import ArmEstimate, Pair

N = 10_000


def draft(
    made: AnalysisPlan, metric: PlannedMetric, variant: str, z: float, fraction: float, past: Sequence[PastLook]
) -> Draft:
    """Return the draft of a comparison with this statistic; information is 1 at the horizon."""
    variance = 0.5 / fraction
    pair = Pair(ArmEstimate(N, 10.0, variance), ArmEstimate(N, 10.0 + z / math.sqrt(fraction), variance))
    sequential = made.method is SequentialMethod.GROUP_SEQUENTIAL
    look = Look(made, metric, fraction, fraction if sequential else None, tuple(past), False, 2 * N, started=True)
    arms = [ArmFigures(key, N, None, None, N, None, None, None) for key in (made.control, variant)]
    return Draft(
        metric,
        variant,
        made.control,
        Estimated(PairEffect(pair, Estimator.WELCH)),
        None,
        look,
        arms[0],
        arms[1],
    )


def statistics(
    rng: np.random.Generator, made: AnalysisPlan, effects: dict[tuple[str, str], float], fractions: Sequence[float]
) -> np.ndarray:
    """Return z by look, metric and treatment: shared control, metrics correlated by .5, the drifts of `effects`."""
    metrics, arms = len(made.metrics), len(made.variants)
    steps = np.diff([0.0, *fractions])
    common = rng.normal(size=(len(fractions), 1, arms))
    noise = math.sqrt(0.5) * (common + rng.normal(size=(len(fractions), metrics, arms)))
    walk = (noise * np.sqrt(steps)[:, None, None]).cumsum(axis=0)
    drift = np.array([[effects.get((m.spec.key, v), 0.0) for v in made.treatments] for m in made.metrics])
    at = np.array(fractions)[:, None, None]
    return (walk[:, :, 1:] - walk[:, :, :1]) / np.sqrt(2.0 * at) + drift * np.sqrt(at)


def run(made: AnalysisPlan, z: np.ndarray, fractions: Sequence[float]) -> dict[tuple[str, str], Decision]:
    """Return the decisions at the last look, every look before it taken by the same plan."""
    past: dict[tuple[str, str], list[PastLook]] = {}
    names = [
        (i, metric, j, variant) for i, metric in enumerate(made.metrics) for j, variant in enumerate(made.treatments)
    ]
    decisions: dict[tuple[str, str], Decision] = {}
    for k, fraction in enumerate(fractions):
        drafts = [
            draft(made, metric, variant, float(z[k, i, j]), fraction, past.get((metric.spec.key, variant), ()))
            for i, metric, j, variant in names
        ]
        found = decide(made, drafts)
        for (_, metric, _, variant), decision in zip(names, found, strict=True):
            key = (metric.spec.key, variant)
            decisions[key] = decision
            past.setdefault(key, []).append(
                PastLook(metric.spec.key, variant, made.control, fraction, fraction, decision.crossed)
            )
    return decisions


def errs(decisions: dict[tuple[str, str], Decision], effects: dict[tuple[str, str], float]) -> bool:
    """Return whether anything without an effect is claimed."""
    return any(found.crossed is not Crossing.NONE and not effects.get(key) for key, found in decisions.items())

"""Seeded simulations: how often anything without an effect is claimed, over all metrics and treatments together."""

import math

import numpy as np
import pytest

from experiments.analysis.plan import AnalysisPlan, Family, Gatekeeping, Multiplicity, Requirement, SequentialMethod
from tests.experiments.analysis.builders import conversion, decision, plan, revenue, secondary
from tests.experiments.analysis.crowds import errs, run, statistics

TWO = ("a", "b")
FAR = 9.0
ONE_LOOK = (1.0,)
LOOKS = (0.25, 0.5, 0.75, 1.0)

NOTHING: dict[tuple[str, str], float] = {}
ONE_ARM = {("conversion", "a"): FAR}
BOTH_ARMS = {("conversion", "a"): FAR, ("conversion", "b"): FAR}
ONE_ARM_DEEP = {("conversion", "a"): FAR, ("s1", "a"): FAR}
WEAK = {("conversion", "a"): 2.8, ("conversion", "b"): 2.8, ("s1", "b"): 2.8}


def made(*, horizon: bool = False, **more) -> AnalysisPlan:
    metrics = (decision(conversion()), secondary(revenue("s1")), secondary(revenue("s2")))
    if horizon:
        return plan(*metrics, treatments=TWO, horizon_days=28, reserved_alpha=0.0, **more)
    return plan(*metrics, treatments=TWO, method=SequentialMethod.FIXED_HORIZON, **more)


def rate(rules: AnalysisPlan, effects: dict[tuple[str, str], float], looks, replicates: int, seed: int = 31) -> float:
    rng = np.random.default_rng(seed)
    return (
        sum(errs(run(rules, statistics(rng, rules, effects, looks), looks), effects) for _ in range(replicates))
        / replicates
    )


def ceiling(replicates: int) -> float:
    return 0.05 + 3.0 * math.sqrt(0.05 * 0.95 / replicates)


@pytest.mark.parametrize("effects", [NOTHING, ONE_ARM, BOTH_ARMS, ONE_ARM_DEEP, WEAK])
def test_graph__one_look__keeps_alpha_over_all_claims(effects):
    assert rate(made(), effects, ONE_LOOK, 2000) <= ceiling(2000)


def test_gate__one_treatment_works__claims_too_often_where_the_graph_does_not():
    assert rate(made(gatekeeping=Gatekeeping.GATE), ONE_ARM, ONE_LOOK, 4000) > ceiling(4000)


@pytest.mark.parametrize("effects", [NOTHING, ONE_ARM, WEAK])
def test_dunnett__one_look__keeps_alpha_over_all_claims(effects):
    assert rate(made(multiplicity=Multiplicity.DUNNETT), effects, ONE_LOOK, 1500) <= ceiling(1500)


@pytest.mark.slow
@pytest.mark.parametrize("effects", [NOTHING, ONE_ARM, BOTH_ARMS, ONE_ARM_DEEP, WEAK])
def test_graph__four_looks__keeps_alpha_over_all_claims(effects):
    assert rate(made(horizon=True), effects, LOOKS, 1000) <= ceiling(1000)


def test_intersection_union__other_metrics_work__no_treatment_passes_too_often():
    # each treatment fails on another metric: metric-wise Holm would let either pass at the full alpha
    rules = plan(
        decision(conversion("m1")),
        decision(conversion("m2")),
        treatments=TWO,
        method=SequentialMethod.FIXED_HORIZON,
        family=Family.ARMS,
        requirement=Requirement.ALL,
    )
    effects = {("m1", "b"): FAR, ("m2", "a"): FAR}
    rng = np.random.default_rng(32)
    wrong = 0
    for _ in range(4000):
        found = run(rules, statistics(rng, rules, effects, ONE_LOOK), ONE_LOOK)
        wrong += any(all(found[m, arm].crossed != "NONE" for m in ("m1", "m2")) for arm in TWO)
    assert wrong / 4000 <= ceiling(4000)

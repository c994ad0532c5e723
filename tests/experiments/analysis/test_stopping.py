"""Advice to stop, and what is said after the stop, through the plan's own looks and decisions."""

import math
from dataclasses import replace

import numpy as np
import pytest

from experiments.analysis.build import build_scorecard
from experiments.analysis.decide import decide
from experiments.analysis.inputs import History, PastLook
from experiments.analysis.plan import Objective
from experiments.analysis.scorecard import Comparison, Crossing, FinalFigures, IntervalStatus, Scorecard
from experiments.analysis.stopping import final_of, futility_of
from experiments.statistics.distributions import normal_isf
from experiments.statistics.results import ends
from experiments.vocabulary import Direction
from tests.experiments.analysis.builders import (
    conversion,
    decision,
    guardrail,
    inputs,
    money,
    plan,
    rates,
    revenue,
    secondary,
)
from tests.experiments.analysis.crowds import draft, statistics

HORIZON = plan(horizon_days=28)
LOOKS = (1.0 / 3.0, 2.0 / 3.0, 1.0)


def look(made, control, treatment, days, past=()) -> Scorecard:
    return build_scorecard(made, inputs(rates(control, treatment), days=days, history=History.of(past)))


def first(card: Scorecard) -> Comparison:
    return card.comparisons[0]


def final(card: Scorecard) -> FinalFigures:
    found = first(card).final
    assert found is not None
    return found


def test_futility__treatment_does_worse_half_way__says_so_and_binds_nothing():
    found = first(look(HORIZON, (20_000, 2000), (20_000, 1990), 14.0))
    assert found.futility is not None
    assert found.futility.futile
    assert found.futility.z == pytest.approx(-0.1669, abs=1e-3)
    assert found.futility.conditional_power == pytest.approx(0.15, abs=0.02)
    assert found.futility.bound is not None
    assert found.futility.z < found.futility.bound
    silent = first(look(replace(HORIZON, futility=False), (20_000, 2000), (20_000, 1990), 14.0))
    assert found.sequential == silent.sequential


def test_futility__lower_is_better__is_turned():
    made = plan(decision(conversion(), Direction.DECREASE), horizon_days=28)
    rising, falling = (first(look(made, (20_000, 2000), (20_000, x), 21.0)).futility for x in (2050, 1910))
    assert rising is not None
    assert falling is not None
    assert (rising.futile, falling.futile) == (True, False)
    assert rising.z < 0.0 < falling.z


@pytest.mark.parametrize(
    "made",
    [
        plan(),
        replace(HORIZON, futility=False),
        replace(
            HORIZON, objective=Objective.NON_INFERIORITY_WITH_SAVING, objective_margin=0.05, declared_saving="rent"
        ),
    ],
)
def test_futility__nothing_to_say__is_absent(made):
    assert first(look(made, (20_000, 2000), (20_000, 1990), 14.0)).futility is None


def test_futility__crossed_or_over__is_absent():
    assert first(look(HORIZON, (20_000, 2000), (20_000, 2400), 14.0)).futility is None
    assert first(look(HORIZON, (20_000, 2000), (20_000, 2000), 28.0)).futility is None
    assert first(look(HORIZON, (20_000, 2000), (20_000, 2000), 27.9)).futility is None


def test_futility__many_irregular_looks__has_figures_and_raises_nothing():
    cards: list[Scorecard] = []
    for days in (0.5, 1.0, 1.001, 3.0, 3.0, 9.0, 9.0001, 20.0, 19.0, 26.0):
        n = 400 + round(days * 500)
        cards.append(look(HORIZON, (n, n // 10), (n, n // 10), days, cards))
        assert first(cards[-1]).futility is not None
    # information that fell and fractions that stood still count as hardly any new look
    shrunk = look(HORIZON, (900, 90), (900, 90), 27.0, cards)
    assert first(shrunk).futility is not None


def test_futility__planned_effect_is_true__rarely_says_so():
    rng = np.random.default_rng(41)
    drift = normal_isf(0.0225) + normal_isf(0.2)
    told = 0
    for _ in range(400):
        z = statistics(rng, HORIZON, {("conversion", "treatment"): drift}, LOOKS)
        past: list[PastLook] = []
        for k, fraction in enumerate(LOOKS):
            made = draft(HORIZON, HORIZON.metrics[0], "treatment", float(z[k, 0, 0]), fraction, past)
            (decided,) = decide(HORIZON, [made])
            found = futility_of(HORIZON, made, decided)
            if found is not None and found.futile:
                told += 1
                break
            past.append(PastLook("conversion", "treatment", "control", fraction, fraction, decided.crossed))
    # beta by the bound and a little by the conditional power
    assert told / 400 <= 0.2 + 3.0 * math.sqrt(0.2 * 0.8 / 400)


def test_final__one_look_at_the_horizon__is_the_plain_result_at_its_level():
    found = first(look(HORIZON, (8000, 800), (8000, 880), 28.0))
    seen, plain = found.final, found.sequential
    assert seen is not None
    assert plain is not None
    assert seen.p_value == pytest.approx(found.p_value)
    assert seen.median_unbiased == pytest.approx(found.absolute.value, abs=1e-9)
    assert ends(seen.interval) == pytest.approx(ends(plain.absolute), abs=1e-9)
    assert ends(seen.lift_interval) == pytest.approx(ends(plain.lift), abs=1e-9)
    assert seen.lift == pytest.approx(found.lift.value, abs=1e-6)
    assert seen.look == 1
    assert seen.alpha == pytest.approx(0.045)


def test_final__early_stop__is_shrunk_and_agrees_with_the_decision():
    before = look(HORIZON, (8000, 800), (8000, 830), 10.0)
    assert first(before).final is None
    stopped = look(HORIZON, (16_000, 1600), (16_000, 1830), 20.0, [before])
    found = first(stopped)
    assert found.sequential is not None
    assert found.sequential.crossed is Crossing.BETTER
    seen = final(stopped)
    assert found.absolute.value is not None
    assert 0.0 < seen.median_unbiased < found.absolute.value
    assert seen.interval.lower is not None
    assert seen.interval.lower > 0.0
    assert seen.lift_interval.lower is not None
    assert seen.lift_interval.lower > 0.0
    assert seen.p_value < 0.045
    assert seen.look == 2


def test_final__mirrored_data__is_mirrored():
    cards = [look(HORIZON, (8000, 800), (8000, 820), 10.0), look(HORIZON, (8000, 820), (8000, 800), 10.0)]
    up = final(look(HORIZON, (16_000, 1600), (16_000, 1830), 20.0, cards[:1]))
    down = final(look(HORIZON, (16_000, 1830), (16_000, 1600), 20.0, cards[1:]))
    assert down.median_unbiased == pytest.approx(-up.median_unbiased, rel=1e-6)
    assert ends(down.interval) == pytest.approx([-end for end in reversed(ends(up.interval))], rel=1e-6)
    assert down.p_value == pytest.approx(up.p_value)


def test_final__later_looks__keep_the_figures_of_the_stop():
    cards = [look(HORIZON, (8000, 800), (8000, 980), 10.0)]
    assert final(cards[0]).look == 1
    cards.append(look(HORIZON, (12_000, 1200), (12_000, 1290), 15.0, cards))
    cards.append(look(HORIZON, (20_000, 2000), (20_000, 2050), 28.0, cards))
    cards.append(look(HORIZON, (24_000, 2400), (24_000, 2500), 35.0, cards))
    assert {final(card) for card in cards} == {final(cards[0])}
    assert all(first(card).futility is None for card in cards)


def test_final__secondary_metric__has_it_once_it_is_claimed_and_a_guardrail_never():
    made = plan(decision(conversion()), guardrail(revenue("margin")), secondary(revenue()), horizon_days=28)
    sums = rates((8000, 800), (8000, 1000))
    for key in ("margin", "revenue"):
        sums |= {(key, v): money(8000, b, 20.0) for v, b in (("control", 800), ("treatment", 1000))}
    card = build_scorecard(made, inputs(sums, days=14.0))
    assert card.comparison("conversion", "treatment").final is not None
    assert card.comparison("revenue", "treatment").final is not None
    assert card.comparison("margin", "treatment").final is None
    assert card.comparison("conversion", "treatment").lift.interval.status is IntervalStatus.BOUNDED


def test_final__secondary_metric_was_clear_before_its_treatment_passed__has_none():
    made = plan(decision(conversion()), secondary(conversion("clicks")), horizon_days=28)
    cards: list[Scorecard] = []
    for days, n, converted in ((14.0, 8000, 860), (21.0, 12_000, 1330), (28.0, 16_000, 1790)):
        sums = rates((n, n // 10), (n, converted)) | rates((n, n // 5), (n, n * 6 // 25), metric="clicks")
        cards.append(build_scorecard(made, inputs(sums, days=days, history=History.of(cards))))
    clicks = [card.comparison("clicks", "treatment") for card in cards]
    assert [found.sequential.crossed for found in clicks if found.sequential] == [
        Crossing.NONE,
        Crossing.BETTER,
        Crossing.BETTER,
    ]
    # stage-wise ordering counts a stop at the second look, which a path like this one would never have reached
    assert [found.final for found in clicks] == [None, None, None]
    assert final(cards[1]).look == 2


@pytest.mark.parametrize("made", [plan(), replace(HORIZON, schema=1, futility=False)])
def test_final__other_plans__have_none(made):
    assert first(look(made, (8000, 800), (8000, 1200), 28.0)).final is None


@pytest.mark.slow
@pytest.mark.parametrize("drift", [0.0, 1.5, 3.0])
def test_final__simulated_stops__are_median_unbiased_and_cover(drift):
    rng = np.random.default_rng(42)
    replicates, below, covered = 600, 0, 0
    for _ in range(replicates):
        z = statistics(rng, HORIZON, {("conversion", "treatment"): drift}, LOOKS)
        past: list[PastLook] = []
        for k, fraction in enumerate(LOOKS):
            made = draft(HORIZON, HORIZON.metrics[0], "treatment", float(z[k, 0, 0]), fraction, past)
            (decided,) = decide(HORIZON, [made])
            found = final_of(HORIZON, made, decided, k + 1)
            if found is not None:
                lower, upper = ends(found.interval)
                below += found.median_unbiased < drift
                covered += lower <= drift <= upper
                break
            bound = decided.bound if isinstance(decided.bound, float) else None
            past.append(
                PastLook("conversion", "treatment", "control", fraction, fraction, decided.crossed, bound=bound)
            )
    assert below / replicates == pytest.approx(0.5, abs=3.0 * math.sqrt(0.25 / replicates))
    assert covered / replicates == pytest.approx(0.955, abs=3.0 * math.sqrt(0.955 * 0.045 / replicates))

"""Properties of the planner: more power, more looks or a smaller lift never need fewer units."""

import json
import math
from dataclasses import asdict
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from experiments.analysis.calculator.power import MOST_WORK, Planned, PowerRequest, planned, power_figures
from experiments.analysis.calculator.reading import CalculationInvalid, read
from experiments.statistics.calculator import Asked

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
BASELINES = st.one_of(
    st.builds(lambda rate: {"rate": rate}, st.floats(0.001, 0.6)),
    st.builds(
        lambda mean, cv: {"kind": "mean", "mean": mean, "sd": mean * cv}, st.floats(1e-3, 1e6), st.floats(0.1, 40.0)
    ),
)
METHODS = st.sampled_from(
    [
        {"method": "fixed"},
        {"looks": 5},
        {"looks": 3, "spending": "pocock"},
        {"method": "confidence-sequence", "looks": 4},
    ]
)
DESIGNS = st.builds(lambda *parts: {k: v for part in parts for k, v in part.items()}, BASELINES, METHODS)
LIFTS = st.floats(0.01, 0.6)


def ask(body: dict) -> Planned:
    return planned(read(PowerRequest, body))


def refused(body: dict) -> CalculationInvalid | None:
    """Return the refusal of a body, or None where it is answered."""
    try:
        ask(body)
    except CalculationInvalid as error:
        return error
    return None


def units(body: dict) -> int:
    return ask(body).answer.units


@QUICK
@given(DESIGNS, LIFTS, st.floats(0.2, 0.9), st.floats(0.01, 0.08))
def test_units__more_power__are_not_fewer(design, lift, power, more):
    assert units(design | {"effect": lift, "power": power + more}) >= units(design | {"effect": lift, "power": power})


@QUICK
@given(DESIGNS, LIFTS, st.floats(1.05, 3.0))
def test_units__larger_lift__are_not_more(design, lift, factor):
    assume("rate" not in design or design["rate"] * (1.0 + lift * factor) < 0.95)
    small, large = units(design | {"effect": lift}), units(design | {"effect": lift * factor})
    assert large <= small


@QUICK
@given(DESIGNS, LIFTS, st.floats(0.01, 0.2), st.floats(1.1, 2.0))
def test_units__smaller_alpha__are_not_fewer(design, lift, alpha, factor):
    assert units(design | {"effect": lift, "alpha": alpha / factor}) >= units(design | {"effect": lift, "alpha": alpha})


@QUICK
@given(DESIGNS, LIFTS, st.floats(0.0, 0.5).map(lambda r2: round(r2, 6)), st.floats(0.05, 0.4))
def test_units__more_history__are_not_more(design, lift, r2, more):
    assert units(design | {"effect": lift, "r2": r2 + more}) <= units(design | {"effect": lift, "r2": r2})


@QUICK
@given(DESIGNS, LIFTS, st.floats(0.005, 0.3), st.booleans())
def test_units__with_a_guardrail__are_not_fewer_and_ship_as_wanted(design, lift, margin, lower):
    guardrail = {"name": "g", "rate": 0.05, "margin": margin, "lower_is_better": lower}
    bare, guarded = ask(design | {"effect": lift}), ask(design | {"effect": lift, "guardrails": [guardrail]})
    assert guarded.answer.units >= bare.answer.units
    assert guarded.answer.ship_power >= 0.8 - 1e-6
    assert guarded.answer.ship_power <= guarded.answer.power


@QUICK
@given(DESIGNS, st.floats(1e3, 1e7), st.floats(1.1, 5.0))
def test_lift__more_units__is_not_larger(design, entered, factor):
    refusal = refused(design | {"units": entered})
    if refusal is not None:
        assert refusal.field == "units"
        return
    small = ask(design | {"units": entered}).answer
    assert small.asked is Asked.LIFT
    assert ask(design | {"units": entered * factor}).answer.lift <= small.lift


@QUICK
@given(DESIGNS, st.floats(100.0, 1e6))
def test_weeks__one_after_the_other__find_ever_smaller_lifts(design, per_day):
    lifts = [week.lift for week in ask(design | {"effect": 0.2, "per_day": per_day}).answer.by_week]
    found = [lift for lift in lifts if lift is not None]
    assert found == sorted(found, reverse=True)
    assert lifts[: len(lifts) - len(found)] == [None] * (len(lifts) - len(found))


NUMBERS: st.SearchStrategy[Any] = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0, 1, -1, 2, 10**15, 10**400, 1e-300, 1e300, 0.5, 0.999999999, 5e-324, "x", None, True, [], {}]),
)
FIELDS = sorted(set(PowerRequest.__struct_fields__) - {"guardrails", "looks"})


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DESIGNS, st.dictionaries(st.sampled_from(FIELDS), NUMBERS, min_size=1, max_size=4))
def test_planned__any_figures__answers_finitely_or_refuses_a_field(design, odd):
    body = {"effect": 0.1, **design, **odd}
    refusal = refused(body)
    if refusal is not None:
        assert refusal.message
        assert refusal.hint
        return
    request = read(PowerRequest, body)
    answer = power_figures(request, planned(request))
    assert json.loads(json.dumps(answer, allow_nan=False))["asked"] in ("UNITS", "LIFT", "POWER")
    assert 0.0 <= answer["power"] <= 1.0 + 1e-9
    assert answer["control"] >= 2
    assert answer["each_treatment"] >= 2


def test_read__integers_for_numbers__are_numbers():
    assert read(PowerRequest, {"mean": 3, "sd": 4, "kind": "mean"}).mean == 3.0


def test_power_figures__of_any_answer__hold_the_request_and_every_figure():
    request = read(PowerRequest, {"rate": 0.04, "effect": 0.05})
    found = planned(request)
    figures = power_figures(request, found)
    assert figures["design"] == msgspec.to_builtins(request)
    assert {name: figures[name] for name in asdict(found.answer)} == asdict(found.answer)


@pytest.mark.parametrize("guardrails", [0, 1, 5, 20])
def test_planned__looks_beyond_the_most_work__are_refused(guardrails):
    body = {"rate": 0.5, "effect": 0.5, "guardrails": [{"name": "g", "rate": 0.5, "margin": 0.5}] * guardrails}
    most = min(120, math.floor(MOST_WORK / (1 + guardrails)))
    with pytest.raises(CalculationInvalid, match="looks"):
        ask(body | {"looks": most + 1})

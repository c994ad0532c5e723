"""Rules as JSON: what is written is read again, and what no rule has is refused."""

import json
import math
from typing import Any

import pytest

from models_registry.gates import CalibrationRule, GateMalformed, GateRule, SliceRule

FULL = GateRule(
    metric="auc",
    margin=0.01,
    champion_margin=-0.02,
    least_users=7,
    confidence=0.9,
    calibration=CalibrationRule(most_ratio=1.1, most_error=0.1, least_responses=5),
    slices=SliceRule(margin=0.03, least_users=9),
    constraints=("eligible", "different"),
    latency_ms=4.5,
    size_mb=20.0,
)


@pytest.mark.parametrize("rule", [GateRule(), FULL, GateRule(calibration=None, slices=None)])
def test_rule__written_and_read__is_the_same(rule: GateRule):
    assert GateRule.from_dict(json.loads(json.dumps(rule.to_dict(), allow_nan=False))) == rule


def test_rule__nothing_said__has_the_defaults():
    assert GateRule.from_dict({}) == GateRule()
    assert GateRule.from_dict({"calibration": {"most_ratio": 2}}).calibration == CalibrationRule(most_ratio=2.0)


def test_rule__of_a_run_before_there_was_more__is_read_as_it_was_meant():
    stored = {"metric": "ndcg_at_10", "margin": 0.02, "champion_margin": None, "least_users": 100, "confidence": 0.95}
    assert GateRule.from_dict(stored) == GateRule(margin=0.02)


@pytest.mark.parametrize(
    "said",
    [
        {"margn": 0.1},
        {"margin": "0.1"},
        {"margin": True},
        {"margin": None},
        {"metric": ""},
        {"metric": 3},
        {"least_users": 1.5},
        {"least_users": -1},
        {"least_users": math.inf},
        {"least_users": math.nan},
        {"slices": {"least_users": math.inf}},
        {"margin": 10**400},
        {"size_mb": -(10**400)},
        {"constraints": "eligible"},
        {"constraints": [""]},
        {"constraints": ["x"] * 51},
        {"slices": 3},
        {"slices": {"margins": 0.1}},
        {"slices": {"margin": -0.1}},
        {"calibration": {"most_ratio": 1.0}},
        {"calibration": {"most_error": None}},
        {"latency_ms": 0.0},
        {"size_mb": -1.0},
    ],
)
def test_rule__json_that_no_rule_has__is_refused(said: dict[str, Any]):
    with pytest.raises(GateMalformed):
        GateRule.from_dict(said)


def test_rule__an_unknown_name__is_told_with_those_that_are_known():
    with pytest.raises(GateMalformed, match=r"margn.*champion_margin"):
        GateRule.from_dict({"margn": 0.1})


@pytest.mark.parametrize(
    "values",
    [{"margin": -0.1}, {"margin": math.nan}, {"champion_margin": math.inf}, {"confidence": 0.4}, {"confidence": 1.0}],
)
def test_rule__that_makes_no_sense__is_refused(values: dict[str, float]):
    with pytest.raises(GateMalformed):
        GateRule(**values)

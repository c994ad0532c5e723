from dataclasses import replace

import pytest

from simulation.designs import EXPERIMENTS
from simulation.truth import RECOMMENDATIONS, Effect, Truth

RIGHT = {
    RECOMMENDATIONS: "SHIP",
    "button-colour": "INCONCLUSIVE",
    "lazy-banner": "INVALID",
    "pushy-upsell": "STOP_FOR_HARM",
}


def test_right_verdict__of_the_demonstration__is_one_of_each_kind():
    assert {design.key: Truth().right_verdict(design.key) for design in EXPERIMENTS} == RIGHT


def test_right_verdict__of_recommendations_where_tastes_do_not_differ__is_inconclusive():
    assert Truth(taste=0.0).right_verdict(RECOMMENDATIONS) == "INCONCLUSIVE"


def test_right_verdict__of_a_better_checkout__is_ship():
    assert Truth(effects={"one-page": Effect(checkout=1.5)}).right_verdict("one-page") == "SHIP"


@pytest.mark.parametrize(
    ("verdict", "judgement"),
    [
        ("SHIP", "right"),
        ("INCONCLUSIVE", "undecided"),
        ("CONTINUE", "undecided"),
        (None, "undecided"),
        ("STOP_FOR_HARM", "wrong"),
        ("INVALID", "wrong"),
    ],
)
def test_judgement__of_a_true_winner__separates_wrong_from_undecided(verdict, judgement):
    assert Truth().judgement(RECOMMENDATIONS, verdict) == judgement


def test_judgement__of_an_experiment_without_effect__is_right_only_when_nothing_was_found():
    truth = Truth()
    assert truth.judgement("button-colour", "INCONCLUSIVE") == "right"
    assert truth.judgement("button-colour", "CONTINUE") == "undecided"
    assert truth.judgement("button-colour", "SHIP") == "wrong"


def test_fingerprint__of_equal_truths__is_equal_and_every_change_changes_it():
    truth = Truth()
    others = [
        truth.fingerprint(2),
        replace(truth, click=0.03).fingerprint(1),
        replace(truth, effects={**truth.effects, "button-colour": Effect(checkout=0.99)}).fingerprint(1),
    ]
    assert truth.fingerprint(1) == Truth().fingerprint(1)
    assert len({truth.fingerprint(1), *others}) == 4


@pytest.mark.parametrize(
    "effect", [{"checkout": 1.7}, {"checkout": -0.1}, {"order_value": 0.9}, {"views": -1.0}, {"lost_exposures": 1.0}]
)
def test_effect__outside_what_the_model_can_do__is_refused(effect):
    with pytest.raises(ValueError, match=r"must be|lies in"):
        Effect(**effect)

import json
from datetime import timedelta
from typing import Any

from decisions.serving.decision_answers import render_decision, render_no_decision
from decisions.serving.token import DecisionToken, verify_token
from decisions.vocabulary import DecisionReason
from foundation.ids import hash_unit
from tests.decisions.published import PEPPER, ab_point, policy
from tests.decisions.serving.shops import EMPTY, RANKED, TREATED, bundle_of, decided
from tests.decisions.serving.test_decide_learned import learning
from tests.decisions.serving.test_scene import dated
from tests.experiments.assignment.builders import AT, arms, experiment

STORED = {"visitor": hash_unit(PEPPER, "visitor", "v-1")}


def answered(bundle: Any, *, degraded: str | None = None, **parts: Any) -> Any:
    decision = decided(bundle, **parts)
    body = render_decision(decision, STORED, bundle, at=AT, decision_id="d-1", exposed=False, degraded=degraded)
    return json.loads(body)


def token_of(bundle: Any, text: str) -> DecisionToken:
    return verify_token(text, project_id=1, keys=bundle.signing_keys, now=AT, age=timedelta(days=1))


def test_render_decision__enrolled__has_actions_assignment_model_and_token() -> None:
    bundle = bundle_of(TREATED, at=ab_point(RANKED))

    body = answered(bundle, size=2)

    token = body.pop("decision_token")
    assert body == {
        "decision_point": "home",
        "decision_id": "d-1",
        "actions": [
            {"item": "item-28", "position": 0, "propensity": 1.0, "score": 28.0},
            {"item": "item-27", "position": 1, "propensity": 1.0, "score": 27.0},
        ],
        "policy": "model_ranked",
        "reason": "MODEL",
        "assignment": {
            "experiment": "experiment-1",
            "variant": "arm-1",
            "enrolled": True,
            "reason": "SPLIT",
            "epoch": 1,
            "probability": 1.0,
            "slots": body["assignment"]["slots"],
        },
        "model": {"key": "home-ranker", "version": 3},
        "learner": None,
        "exposed": False,
        "bundle_version": 1,
        "source": "postgres",
        "metadata": {},
    }
    said = token_of(bundle, token)
    assert (said.units, said.decision_id, said.bundle_version) == (STORED, "d-1", 1)
    (entry,) = said.entries
    assert (entry.experiment_id, entry.variant, entry.model_version) == (1, "arm-1", 12)
    assert list(entry.slots) == body["assignment"]["slots"]


def test_render_decision__variant_without_a_model__has_a_token_without_a_version() -> None:
    bundle = bundle_of(
        experiment(1, variants=arms(1_000_000)),
        at=ab_point(policy()) | {"experiments": [{"id": 1, "variants": {"control": policy()}}]},
    )

    body = answered(bundle)

    assert body["model"] is None
    assert token_of(bundle, body["decision_token"]).entries[0].model_version is None


def test_render_decision__nobody_enrolled__has_no_token() -> None:
    overridden = experiment(1, overrides={"v-1": "arm-1"})
    assert answered(bundle_of(experiment(1, coverage=0), at=ab_point(RANKED)))["decision_token"] is None
    assert answered(bundle_of(overridden, at=ab_point(RANKED)))["decision_token"] is None


def test_render_decision__stale_bundle_and_unknown_items__are_in_the_metadata() -> None:
    body = answered(bundle_of(at=ab_point(RANKED) | {"experiments": []}), degraded="BUNDLE_STALE", candidates=["x"])

    assert body["metadata"] == {"degraded": "BUNDLE_STALE", "unknown_items": 1}
    assert (body["actions"], body["reason"], body["assignment"]) == ([], "CANDIDATES_EMPTY", None)


def test_render_no_decision__awkward_key__is_valid_json() -> None:
    body = json.loads(render_no_decision('a"\\\n用', decision_id="d", reason=DecisionReason.BUNDLE_MISSING))

    assert body["decision_point"] == 'a"\\\n用'
    assert (body["actions"], body["reason"]) == ([], "BUNDLE_MISSING")
    assert body["metadata"] == {"degraded": "BUNDLE_MISSING"}
    assert {body[name] for name in ("policy", "decision_token", "bundle_version", "source", "model")} == {None}


def test_render_decision__learner__names_it_with_the_state_it_drew_with() -> None:
    drawn, held = answered(learning(TREATED)), answered(learning(TREATED, holdback=1.0))

    assert (drawn["policy"], drawn["learner"], drawn["model"]) == ("learned", {"key": "home-learner", "state": 3}, None)
    assert all(0.0 < action["propensity"] < 1.0 for action in drawn["actions"])
    assert (held["reason"], held["learner"]) == ("HOLDBACK", {"key": "home-learner", "state": None})


def test_render_decision__what_degraded__is_told_in_the_metadata() -> None:
    at = ab_point(RANKED, most_age_minutes=1)
    stale = dated(bundle_of(TREATED, at=at), AT.timestamp() - 90.5)
    blind = learning(TREATED, at=ab_point(policy("learned", learner=5, version=12)))

    old, never = answered(stale), answered(dated(stale, None))
    unscored = answered(blind, features=EMPTY)

    assert (old["reason"], old["metadata"]) == ("DATA_STALE", {"data_age_seconds": 90})
    assert (never["reason"], never["metadata"]) == ("DATA_STALE", {})
    assert (unscored["reason"], unscored["metadata"]) == ("LEARNED", {"unscored": "HISTORY_EMPTY"})

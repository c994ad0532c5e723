"""Both recipes on a world with known truth: they learn it, are calibrated, and refuse what cannot be learnt from."""

from dataclasses import replace

import numpy as np
import pytest

from decisions.domains.ad_placement.features import creative_numbers, moment_numbers
from decisions.domains.ad_placement.training import RECIPES
from models_registry.artifacts import digest, open_artifact, seal
from models_registry.gates import GateCode, GateRule
from models_registry.pipeline import (
    ParametersInvalid,
    Trained,
    TrainingDataInsufficient,
    TrainingDataInvalid,
    TrainingDiverged,
    run_pipeline,
)
from models_registry.predictors.loading import predictor_of
from models_registry.predictors.protocol import Adaptable
from models_registry.vocabulary import PredictorKind
from tests.decisions.domains.ad_placement import worlds

QUICK: dict[str, dict[str, float]] = {
    "hashed_logistic": {"bits": 14},
    "hashed_network": {"bits": 12, "epochs": 10, "batch": 128, "decay": 0.02},
}


def train(recipe: str, log=None, *, champion=None, seed: int = 3, rule=None, **parameters) -> Trained:
    return run_pipeline(
        RECIPES[recipe],
        worlds.log() if log is None else log,
        parameters=QUICK[recipe] | parameters,
        seed=seed,
        gate=GateRule(metric=RECIPES[recipe].metric, **(rule or {})),
        tell=lambda _step, _share: None,
        champion=champion,
    )


@pytest.fixture(scope="module", params=["hashed_logistic", pytest.param("hashed_network", marks=pytest.mark.slow)])
def trained(request) -> tuple[str, Trained]:
    return request.param, train(request.param)


def test_pipeline__a_world_with_known_truth__beats_rates_by_creative_and_is_calibrated(trained):
    _, outcome = trained
    assert outcome.gate.passed, outcome.gate.reasons
    assert (
        outcome.metrics["log_loss"]
        < outcome.metrics["popularity_log_loss"]
        < outcome.metrics["constant_log_loss"] + 0.01
    )
    assert outcome.metrics["auc"] > 0.6
    comparison = next(found for found in outcome.gate.comparisons if found.reference == "popularity")
    assert comparison.lower is not None
    assert comparison.lower > 0.0


def test_gate__asked_whether_actions_could_be_shown__says_that_the_log_does_not_tell(trained):
    _, outcome = trained
    assert {found.test for found in outcome.gate.constraints} == {"different", "complete"}
    refused = train("hashed_logistic", rule={"constraints": ("eligible",)})
    assert GateCode.CONSTRAINT_NOT_TESTED in [reason.code for reason in refused.gate.reasons]


def test_pipeline__trained_twice__gives_equal_bytes(trained):
    recipe, outcome = trained
    assert train(recipe).artifact == outcome.artifact


def test_predictor__a_creative_that_is_new__is_scored_by_its_fields(trained):
    recipe, _ = trained
    data = RECIPES[recipe].dataset(worlds.log(), parameters=complete(recipe), seed=3)
    fitted = RECIPES[recipe].fit(data, parameters=complete(recipe), seed=3, tell=lambda _: None)
    new = creative_numbers(["new", "other"], {"campaign": ["campaign-0", "campaign-1"], "title": ["夏季 清仓", ""]})
    predictor = fitted.predictor()
    assert isinstance(predictor, Adaptable)
    adapted = predictor.adapted(("new", "other"), new)
    scores = adapted.score(moment_numbers({"slot": "top", "device": "phone"}, worlds.START))
    assert adapted.items == ("new", "other")
    assert ((scores > 0.0) & (scores < 1.0)).all()
    assert scores[0] != scores[1]


def complete(recipe: str) -> dict[str, float]:
    known = RECIPES[recipe].parameters
    return {name: QUICK[recipe].get(name, parameter.default) for name, parameter in known.items()}


def test_champion__of_other_creatives__is_asked_by_their_fields():
    first = train("hashed_logistic", seed=1)
    champion = opened(first)
    outcome = train("hashed_logistic", champion=champion, seed=2)
    comparison = next(found for found in outcome.gate.comparisons if found.reference == "champion")
    assert comparison.difference == pytest.approx(0.0, abs=1e-6)
    assert outcome.metrics["champion_log_loss"] == pytest.approx(outcome.metrics["log_loss"], abs=1e-6)


def opened(outcome: Trained):
    assert outcome.artifact is not None
    key = b"k" * 32
    sha = digest(outcome.artifact)
    return predictor_of(open_artifact(outcome.artifact, sha=sha, sealed=seal(sha, key), key=key))


def test_calibration__probabilities_of_a_world_that_shifts__follow_the_later_slice():
    log = worlds.log(8_000)
    early = np.arange(8_000) < 5_600
    flipped = log.rewards["clicked"] | (~early & (np.random.default_rng(2).random(8_000) < 0.15))
    shifted = worlds.changed(log, rewards={**log.rewards, "clicked": flipped})
    data = RECIPES["hashed_logistic"].dataset(shifted, parameters=complete("hashed_logistic"), seed=1)
    fitted = RECIPES["hashed_logistic"].fit(data, parameters=complete("hashed_logistic"), seed=1, tell=lambda _: None)
    assert fitted.settings["click_intercept"] > 0.1
    plain = replace(fitted, settings=fitted.settings | {"click_slope": 1.0, "click_intercept": 0.0})
    ratios = [
        abs(np.log(RECIPES["hashed_logistic"].evaluate(found.predictor(), data, champion=None).calibration.ratio))
        for found in (fitted, plain)
    ]
    assert ratios[0] < ratios[1]


def rewarded(log, clicked) -> object:
    return worlds.changed(log, rewards={"clicked": clicked, "ordered": np.zeros(len(log.at), np.bool_)})


SMALL = worlds.log(400)
NAN = np.where(np.arange(400) == 7, np.nan, SMALL.at)


@pytest.mark.parametrize(
    ("log", "error", "told"),
    [
        (rewarded(SMALL, np.zeros(400, np.bool_)), TrainingDataInsufficient, "0 clicks"),
        (rewarded(SMALL, np.ones(400, np.bool_)), TrainingDataInsufficient, "Every showing"),
        (worlds.log(0), TrainingDataInsufficient, "no decision"),
        (worlds.changed(SMALL, at=NAN), TrainingDataInvalid, "at has values"),
        (worlds.changed(SMALL, propensities=SMALL.propensities * 0.0), TrainingDataInvalid, "propensity"),
        (worlds.changed(SMALL, propensities=NAN), TrainingDataInvalid, "propensities"),
        (worlds.changed(SMALL, items=SMALL.items + 5), TrainingDataInvalid, "items"),
        (worlds.changed(SMALL, at=SMALL.at[::-1]), TrainingDataInvalid, "order of time"),
        (worlds.changed(SMALL, units=SMALL.units[:-1]), TrainingDataInvalid, "units"),
        (worlds.changed(SMALL, context={"slot": ("top",)}), TrainingDataInvalid, "slot"),
        (worlds.changed(SMALL, fields={"title": ("x",)}), TrainingDataInvalid, "title"),
        (worlds.changed(SMALL, item_ids=("a",) * 12), TrainingDataInvalid, "same id"),
    ],
)
def test_pipeline__a_log_that_teaches_nothing__is_refused_with_a_reason(log, error, told):
    with pytest.raises(error, match=told):
        train("hashed_logistic", log)


def test_pipeline__parameters_out_of_bounds__are_refused():
    with pytest.raises(ParametersInvalid, match="bits"):
        train("hashed_logistic", bits=99)


@pytest.mark.slow
def test_network__a_rate_that_is_far_too_high__diverges_with_a_reason():
    with pytest.raises(TrainingDiverged):
        train("hashed_network", learning_rate=1e5)


def test_model__orders_after_clicks__are_learnt_where_there_are_enough():
    many = train("hashed_logistic", worlds.log(8_000, orders=0.4))
    few = train("hashed_logistic", worlds.log(8_000, orders=0.0))
    subject = moment_numbers({"slot": "top", "device": "phone"}, worlds.START)
    per_order = creative_numbers(("ad-00", "ad-01"), {"pays": ["click", "order"]})
    for outcome, learns in ((many, True), (few, False)):
        predictor = opened(outcome)
        assert (predictor.order is not None) is learns
        clicks = predictor.adapted(("ad-00", "ad-01"), creative_numbers(("ad-00", "ad-01"), {})).score(subject)
        paid = predictor.adapted(("ad-00", "ad-01"), per_order).score(subject)
        assert paid[0] == clicks[0]
        assert paid[1] < clicks[1]


def test_kinds__each_recipe__makes_its_own():
    assert {recipe.kind for recipe in RECIPES.values()} == {PredictorKind.HASHED_LOGISTIC, PredictorKind.HASHED_NETWORK}


def test_weights__rows_that_count_twice__teach_as_rows_that_are_there_twice():
    log = worlds.log(3_000)
    twice = worlds.changed(log, weights=np.where(np.arange(3_000) < 2_100, 2.0, 1.0))
    data = RECIPES["hashed_logistic"].dataset(twice, parameters=complete("hashed_logistic"), seed=1)
    plain = RECIPES["hashed_logistic"].dataset(log, parameters=complete("hashed_logistic"), seed=1)
    assert data.learnt.shown.sum() == 2 * plain.learnt.shown.sum()
    assert data.learnt.clicked.sum() == 2 * plain.learnt.clicked.sum()
    assert data.judged.shown.sum() == plain.judged.shown.sum()
    with pytest.raises(TrainingDataInvalid, match="weights"):
        train("hashed_logistic", worlds.changed(log, weights=-np.ones(3_000)))


def test_dataset__several_slots__are_read_as_their_first_as_while_serving():
    log = worlds.log(400)
    listed = tuple(f'["{slot}", "other"]' for slot in log.context["slot"])
    several = worlds.changed(log, context={"device": log.context["device"], "slots": listed})
    one, other = (
        RECIPES["hashed_logistic"].dataset(found, parameters=complete("hashed_logistic"), seed=1)
        for found in (log, several)
    )
    assert (one.subjects == other.subjects).all()
    assert one.slots == other.slots

"""The recipe through the pipeline: better than one elasticity for all, the same twice, doubts said by its gate."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import poisson

from decisions.domains.pricing.domain import DOMAIN
from decisions.domains.pricing.training import RECIPES
from decisions.domains.pricing.training.evaluation import MENU, deviance, log_likelihood
from models_registry.artifacts import digest, open_artifact, seal
from models_registry.gates import GateCode, GateRule
from models_registry.pipeline import ParametersInvalid, Trained, TrainingDataInsufficient, run_pipeline, takes_weights
from models_registry.predictors.demand import Demand
from models_registry.predictors.loading import predictor_of
from models_registry.predictors.protocol import Predictor
from models_registry.vocabulary import PredictorKind
from tests.decisions.domains.pricing.training.shops import changed, of_tables, shop

RECIPE = RECIPES["elasticity"]
VARIED = shop(items=80, clusters=8, between=0.9, within=0.5, week_sd=0.03, level=12.0, size=30.0, never=8)


def train(log=None, *, champion: Predictor | None = None, seed: int = 1, **parameters: float) -> Trained:
    return run_pipeline(
        RECIPE,
        VARIED.log if log is None else log,
        parameters=parameters,
        seed=seed,
        gate=GateRule(metric=RECIPE.metric),
        tell=lambda _step, _share: None,
        champion=champion,
    )


def opened(outcome: Trained) -> Demand:
    assert outcome.artifact is not None
    key, sha = b"k" * 32, digest(outcome.artifact)
    found = predictor_of(open_artifact(outcome.artifact, sha=sha, sealed=seal(sha, key), key=key))
    assert isinstance(found, Demand)
    return found


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train()


def test_recipes__of_the_domain__are_those_that_it_declares():
    assert set(RECIPES) == set(DOMAIN.recipes)
    assert RECIPE.kind is PredictorKind.DEMAND
    assert not takes_weights(RECIPE)


def test_pipeline__elasticities_that_differ__beat_one_for_all(trained: Trained):
    assert trained.gate.passed, trained.gate.reasons
    comparison = next(found for found in trained.gate.comparisons if found.reference == "popularity")
    assert comparison.users == trained.metrics["item_weeks"] >= 100
    assert comparison.lower > 0.0
    assert trained.metrics["deviance"] < trained.metrics["popularity_deviance"]
    assert trained.metrics["expected_over_sold"] == pytest.approx(1.0, abs=0.05)


def test_predictor__of_an_item__has_the_elasticity_of_the_truth(trained: Trained):
    found = opened(trained)
    away = [
        (found.elasticity(place)[0] - VARIED.elasticities[int(item.split("-")[1])]) / found.elasticity(place)[1]
        for place, item in enumerate(found.items)
    ]
    assert np.mean(np.abs(away) < 1.96) > 0.88


def test_pipeline__trained_twice__gives_equal_bytes(trained: Trained):
    assert train(seed=2).artifact == trained.artifact


def test_gate__facts__say_what_speaks_against_the_elasticities(trained: Trained):
    assert trained.dataset["doubts"]["NEVER_CHANGED"] == trained.metrics["items_never_changed"] == 8.0
    assert trained.metrics["items_bulk_discounts"] == trained.metrics["bulk_share"] == 0.0
    assert {"price_follows_demand_t", "sha256", "split_at", "train_rows"} <= set(trained.dataset)
    assert {found.slice for found in trained.gate.slices} == {"price changed before", "price never changed before"}


def test_pipeline__timed__asks_menus_of_prices(trained: Trained):
    data = RECIPE.dataset(VARIED.log, parameters={"test_share": 0.2}, seed=1)
    requests = RECIPE.evaluate(opened(trained), data, champion=None).requests
    assert {(len(subject), len(candidates)) for subject, candidates in requests} == {(MENU + 1, MENU)}
    assert np.isfinite(opened(trained).score(*requests[0])).all()


def test_champion__of_fewer_items__is_compared_and_the_pooled_model_speaks_for_the_others(trained: Trained):
    champion = opened(trained)
    known = replace(
        champion,
        items=champion.items[:40],
        intercepts=champion.intercepts[:40],
        references=champion.references[:40],
        elasticities=champion.elasticities[:40],
        errors=champion.errors[:40],
        doubts=champion.doubts[:40],
    )
    outcome = train(champion=known)
    comparison = next(found for found in outcome.gate.comparisons if found.reference == "champion")
    assert outcome.metrics["champion_log_likelihood"] < outcome.metrics["log_likelihood"]
    assert comparison.difference > 0.0
    same = train(champion=champion)
    assert same.metrics["champion_log_likelihood"] == pytest.approx(same.metrics["log_likelihood"])


def test_gate__few_item_weeks__refuses_for_too_few_users():
    outcome = train(shop(items=4, days=84).log)
    assert outcome.artifact is None
    assert GateCode.TOO_FEW_USERS in [reason.code for reason in outcome.gate.reasons]


def test_gate__noise__is_refused():
    rng = np.random.default_rng(1)
    price = np.repeat(rng.choice([8.0, 10.0, 12.0], (30, 40)), 7, axis=0)
    outcome = train(of_tables(rng.poisson(3.0, price.shape).astype(float), price))
    assert not outcome.gate.passed


def test_pipeline__a_price_that_never_changed__is_refused_before_anything_is_learnt():
    log = VARIED.log
    with pytest.raises(TrainingDataInsufficient, match="No item changed its price"):
        train(changed(log, price=np.full(len(log.at), 5.0)))


@pytest.mark.parametrize("parameters", [{"trend": 0.0}, {"iterations": 3}, {"test_share": 0.9}, {"slope": 1.0}])
def test_pipeline__parameters_out_of_bounds__are_refused(parameters: dict[str, float]):
    with pytest.raises(ParametersInvalid):
        train(**parameters)


def test_log_likelihood__of_counts__is_that_of_poisson():
    sold, mean = np.array([0.0, 3.0, 7.0]), np.array([0.5, 2.0, 9.0])
    assert log_likelihood(sold, mean) == pytest.approx(poisson.logpmf(sold, mean))
    best = log_likelihood(sold, np.maximum(sold, 1e-12))
    assert deviance(sold, mean) == pytest.approx(2.0 * (best - log_likelihood(sold, mean)), abs=1e-9)

"""The recipes on a world with known truth: they forecast it, are calibrated, and refuse what cannot be learnt from."""

import numpy as np
import pytest

from decisions.domain import SalesLog
from decisions.domains.restock.domain import DOMAIN
from decisions.domains.restock.training import RECIPES
from models_registry.artifacts import digest, open_artifact, seal
from models_registry.gates import GateRule
from models_registry.pipeline import Trained, TrainingDataInsufficient, TrainingDataInvalid, run_pipeline
from models_registry.predictors.forecast import Forecast
from models_registry.predictors.loading import predictor_of
from models_registry.predictors.popularity import Popularity
from models_registry.predictors.protocol import Predictor
from models_registry.vocabulary import PredictorKind
from tests.decisions.domains.restock.training import sales

QUICK: dict[str, dict[str, float]] = {"quantile_network": {"epochs": 12, "batch": 128}}
SIMPLE = ("exponential_smoothing", "intermittent", "negative_binomial")


def train(
    recipe: str, log: SalesLog, *, champion: Predictor | None = None, margin: float = 0.0, **parameters: float
) -> Trained:
    return run_pipeline(
        RECIPES[recipe],
        log,
        parameters=QUICK.get(recipe, {}) | parameters,
        seed=3,
        gate=GateRule(metric=RECIPES[recipe].metric, margin=margin),
        tell=lambda _step, _share: None,
        champion=champion,
    )


def opened(outcome: Trained) -> Forecast:
    assert outcome.artifact is not None, outcome.gate.reasons
    key, sha = b"k" * 32, digest(outcome.artifact)
    found = predictor_of(open_artifact(outcome.artifact, sha=sha, sealed=seal(sha, key), key=key))
    assert isinstance(found, Forecast)
    return found


@pytest.fixture(scope="module", params=[*SIMPLE, pytest.param("quantile_network", marks=pytest.mark.slow)])
def trained(request) -> tuple[str, Trained]:
    return request.param, train(request.param, sales.world().log)


def test_recipes__of_the_domain__are_those_that_it_declares():
    assert set(RECIPES) == set(DOMAIN.recipes)
    assert {recipe.kind for recipe in RECIPES.values()} == {PredictorKind.FORECAST}


def test_pipeline__a_world_with_known_truth__beats_the_last_week_and_is_calibrated(trained):
    _, outcome = trained
    assert outcome.gate.passed, outcome.gate.reasons
    comparison = next(found for found in outcome.gate.comparisons if found.reference == "popularity")
    assert comparison.users == 240
    assert comparison.lower is not None
    assert comparison.lower > 0.0
    assert 0.5 <= outcome.metrics["coverage_50"] <= 0.7
    assert 0.87 <= outcome.metrics["coverage_90"] <= 0.98
    assert 0.92 <= outcome.metrics["within_95"] <= 0.995


def test_pipeline__trained_twice__gives_equal_bytes(trained):
    recipe, outcome = trained
    assert train(recipe, sales.world().log).artifact == outcome.artifact


def test_predictor__of_a_steady_world__has_its_means_and_spread(trained):
    recipe, _ = trained
    steady = sales.world(drift=0.0, seed=5)
    found = opened(train(recipe, steady.log))
    means = np.array([found.moments(place, 14.0)[0] for place in range(len(found.items))])
    variances = np.array([found.moments(place, 14.0)[1] for place in range(len(found.items))])
    truth = steady.means[:, :14]
    assert means.sum() == pytest.approx(truth.sum(), rel=0.08)
    assert np.median(np.abs(means / truth.sum(axis=1) - 1.0)) < 0.15
    assert np.median(variances / (truth + truth**2 / sales.SIZE).sum(axis=1)) == pytest.approx(1.2, abs=0.35)


@pytest.mark.parametrize("recipe", SIMPLE)
def test_predictor__days_that_sold_out__expects_what_was_lost(recipe: str):
    world = sales.world(sells_out=True, drift=0.0)
    found = opened(train(recipe, world.log))
    expected = sum(found.moments(place, 7.0)[0] for place in range(len(found.items)))
    kept = world.log.units[world.log.in_stock == 1.0]
    known = np.bincount(world.log.series[world.log.in_stock == 1.0], kept) / np.bincount(
        world.log.series[world.log.in_stock == 1.0]
    )
    truth = world.means[:, :7].sum()
    assert 7.0 * known.sum() < 0.8 * truth
    assert expected == pytest.approx(truth, rel=0.1)


def test_predictor__weekdays__are_the_worlds(trained):
    recipe, outcome = trained
    assert recipe in RECIPES
    assert np.allclose(opened(outcome).weekdays.mean(axis=0), sales.WEEKDAYS, atol=0.1)


def test_champion__of_other_series__is_asked_in_the_places_of_the_log():
    log = sales.world().log
    first = opened(train("negative_binomial", log))
    order = np.argsort(np.array([(place * 7) % 60 for place in range(60)]))
    mixed = Forecast(
        tuple(first.items[place] for place in order), first.horizons, *_rows(first, order), kind=first.kind
    )
    outcome = train("negative_binomial", log, champion=mixed)
    comparison = next(found for found in outcome.gate.comparisons if found.reference == "champion")
    assert comparison.difference == pytest.approx(0.0, abs=1e-12)


def _rows(found: Forecast, order: np.ndarray) -> tuple[np.ndarray, ...]:
    return found.means[order], found.variances[order], found.weekdays[order]


def test_champion__that_is_no_forecast__is_left_out():
    champion = Popularity(("s|0",), np.ones(1, np.float32))
    outcome = train("negative_binomial", sales.world().log, champion=champion)
    assert "champion_scaled_pinball" not in outcome.metrics


@pytest.mark.parametrize("recipe", SIMPLE)
def test_pipeline__series_that_never_or_always_sell_the_same__are_forecast(recipe: str):
    units = np.zeros((40, 120))
    units[10:20] = 5.0
    units[20:30, ::9] = 4.0
    units[30:] = np.random.default_rng(2).poisson(3.0, (10, 120))
    found = opened(train(recipe, sales.log_of(units), margin=0.01))  # nothing beats repeating what never changes
    median = [found.quantiles(place, 7.0, np.array([0.5]))[0] for place in range(40)]
    assert median[:10] == [0.0] * 10
    assert all(0.0 < found.moments(place, 7.0)[0] < 0.1 for place in range(10))
    assert median[10:20] == pytest.approx([35.0] * 10, abs=3.0)
    assert np.mean([found.moments(place, 28.0)[0] for place in range(20, 30)]) == pytest.approx(28 * 4 / 9, rel=0.25)


def test_pipeline__a_series_that_is_new__is_forecast_and_not_judged():
    log = sales.world(series=40).log
    late = (log.series == 0) & (log.at < log.at[-1] - 86_400.0 * 20)
    kept = ~late
    columns = {name: getattr(log, name)[kept] for name in ("series", "at", "units", "price", "paid")}
    columns |= {name: getattr(log, name)[kept] for name in ("orders", "largest", "in_stock")}
    outcome = train("exponential_smoothing", sales.changed(log, **columns))
    assert outcome.metrics["test_series"] == 39.0
    assert opened(outcome).moments(0, 7.0)[0] > 0.0


LOG = sales.world(series=3, days=80).log
NAN = np.where(np.arange(240) == 7, np.nan, LOG.units)


@pytest.mark.parametrize(
    ("log", "error", "told"),
    [
        (sales.log_of(np.zeros((0, 0))), TrainingDataInsufficient, "no sale"),
        (sales.log_of(np.ones((3, 50))), TrainingDataInsufficient, "50 days"),
        (sales.changed(LOG, units=NAN), TrainingDataInvalid, "units has values"),
        (sales.changed(LOG, units=LOG.units - 50.0), TrainingDataInvalid, "negative"),
        (sales.changed(LOG, units=LOG.units[:-1]), TrainingDataInvalid, "length"),
        (sales.changed(LOG, in_stock=NAN), TrainingDataInvalid, "in_stock has values"),
        (sales.changed(LOG, in_stock=LOG.in_stock * 2.0), TrainingDataInvalid, "shares"),
        (sales.changed(LOG, at=LOG.at[::-1]), TrainingDataInvalid, "order of time"),
        (sales.changed(LOG, series=LOG.series + 1), TrainingDataInvalid, "out of bounds"),
        (sales.changed(LOG, series=LOG.series * 0), TrainingDataInvalid, "two rows"),
        (sales.changed(LOG, series_ids=("a",) * 3), TrainingDataInvalid, "same id"),
    ],
)
def test_pipeline__a_log_that_teaches_nothing__is_refused_with_a_reason(log: SalesLog, error: type, told: str):
    with pytest.raises(error, match=told):
        train("exponential_smoothing", log)

"""The training protocol, with a recipe that learns which of its columns are common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from models_registry.artifacts import digest, open_artifact, seal
from models_registry.gates import POPULARITY, Evaluation, GateCode, GateRule
from models_registry.pipeline import (
    Fitted,
    Parameter,
    Parameters,
    ParametersInvalid,
    TrainingDataInsufficient,
    TrainingDiverged,
    checked_parameters,
    run_pipeline,
)
from models_registry.predictors.loading import predictor_of
from models_registry.predictors.popularity import ITEMS, write_items
from models_registry.predictors.protocol import Predictor
from models_registry.vocabulary import PredictorKind

KEY = b"k" * 32
PARAMETERS = {
    "power": Parameter(about="Exponent of the counts", default=1.0, least=-2.0, most=2.0),
    "rounds": Parameter(about="Rounds", default=3, least=1, most=10, whole=True),
}


@dataclass(frozen=True)
class Counts:
    """How often each item was met, by users who are learnt from and by those who are judged by."""

    items: tuple[str, ...]
    learnt: np.ndarray
    judged: np.ndarray
    facts: dict[str, Any] = field(default_factory=lambda: {"rows": 7})


@dataclass(frozen=True)
class CountingRecipe:
    """Scores items by a power of their count; judged by the share of each user's items among the best two."""

    kind: PredictorKind = PredictorKind.POPULARITY
    parameters: Mapping[str, Parameter] = field(default_factory=lambda: PARAMETERS)

    def dataset(self, log: np.ndarray, *, parameters: Parameters, seed: int) -> Counts:
        if len(log) < 4:
            raise TrainingDataInsufficient(f"{len(log)} users are too few.")
        half = len(log) // 2
        return Counts(tuple("abcdef"[: log.shape[1]]), log[:half].sum(axis=0).astype(float), log[half:])

    def fit(self, dataset: Counts, *, parameters: Parameters, seed: int, tell: Callable[[float], None]) -> Fitted:
        for number in range(1000):
            tell((number + 1) / 1000)
        with np.errstate(divide="ignore"):
            scores = (dataset.learnt ** parameters["power"]).astype(np.float32)
        tensors = {ITEMS: write_items(dataset.items), "popularity": scores}
        return Fitted(self.kind, ("history",), tensors, {})

    def evaluate(self, predictor: Predictor, dataset: Counts, *, champion: Predictor | None) -> Evaluation:
        best = np.argsort(-predictor.score(np.zeros(0, dtype=np.int64)))[:2]
        candidate = dataset.judged[:, best].mean(axis=1)
        return Evaluation({"share": float(candidate.mean())}, candidate, {POPULARITY: dataset.judged.mean(axis=1)})


def log(users: int = 400) -> np.ndarray:
    return np.random.default_rng(2).uniform(size=(users, 4)) < np.array([0.1, 0.6, 0.2, 0.7])


def run(**changes: Any):
    told: list[tuple[str, float]] = []
    arguments: dict[str, Any] = {
        "parameters": {},
        "seed": 1,
        "gate": GateRule(metric="share"),
        "tell": lambda step, share: told.append((step, share)),
        **changes,
    }
    found = arguments.pop("log", log())
    return run_pipeline(CountingRecipe(), found, **arguments), told


def test_pipeline__a_good_candidate__is_exported_as_it_was_judged():
    trained, _ = run()
    assert trained.gate.passed
    sha = digest(trained.artifact)
    artifact = open_artifact(trained.artifact, sha=sha, sealed=seal(sha, KEY), key=KEY)
    assert artifact.manifest.signature() == trained.signature
    assert predictor_of(artifact).items == ("a", "b", "c", "d")
    assert trained.dataset == {"rows": 7}
    assert trained.parameters == {"power": 1.0, "rounds": 3}
    assert trained.metrics["share"] == pytest.approx(0.65, abs=0.05)


def test_pipeline__a_bad_candidate__has_no_artifact_but_its_reasons_and_figures():
    trained, told = run(parameters={"power": -1})
    assert trained.artifact is None
    assert [reason.code for reason in trained.gate.reasons] == [GateCode.WORSE_THAN_POPULARITY]
    assert trained.metrics["share"] < 0.3
    assert trained.signature["kind"] == "popularity"
    assert told[-1] == ("done", 1.0)


def test_pipeline__a_champion_that_cannot_be_compared__is_not_taken_for_beaten():
    champion, _ = run()
    serving = CountingRecipe().fit(
        Counts(tuple("abcd"), np.ones(4), log()), parameters={"power": 1.0}, seed=1, tell=lambda _: None
    )
    trained, _ = run(gate=GateRule(metric="share", champion_margin=0.5), champion=serving.predictor())
    assert trained.artifact is None
    assert [reason.code for reason in trained.gate.reasons] == [GateCode.WORSE_THAN_CHAMPION]
    assert "cannot be compared with champion" in trained.gate.reasons[0].sentence
    assert run(champion=serving.predictor())[0].artifact == champion.artifact
    assert run(gate=GateRule(metric="share", champion_margin=0.5))[0].gate.passed


def test_pipeline__twice__gives_the_same_bytes():
    assert run()[0].artifact == run()[0].artifact


def test_pipeline__progress__never_falls_and_is_told_by_hundredths():
    _, told = run()
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert list(dict.fromkeys(step for step, _ in told)) == ["dataset", "fit", "evaluate", "gate", "export", "done"]
    assert len(told) <= 107


def test_pipeline__what_tell_raises__ends_the_training():
    def stop(step: str, share: float) -> None:
        if share > 0.5:
            raise InterruptedError(step)

    with pytest.raises(InterruptedError, match="fit"):
        run(tell=stop)


def test_pipeline__weights_that_are_not_finite__have_diverged():
    sparse = log()
    sparse[:, 0] = False
    with pytest.raises(TrainingDiverged, match="popularity"):
        run(log=sparse, parameters={"power": -1})


def test_pipeline__what_the_recipe_refuses__is_passed_on():
    with pytest.raises(TrainingDataInsufficient):
        run(log=log(users=2))


@pytest.mark.parametrize(
    "parameters",
    [
        {"epochs": 3},
        {"power": 2.1},
        {"power": float("nan")},
        {"power": float("inf")},
        {"power": "1"},
        {"power": None},
        {"power": True},
        {"rounds": 2.5},
        {"rounds": 0},
        {"rounds": 10**400},
    ],
)
def test_parameters__unknown_or_out_of_bounds__are_refused_before_anything_is_done(parameters: dict[str, Any]):
    told: list[str] = []
    with pytest.raises(ParametersInvalid):
        run(parameters=parameters, tell=lambda step, share: told.append(step))
    assert told == []


def test_parameters__an_unknown_one__names_those_there_are():
    with pytest.raises(ParametersInvalid, match=r"epochs.*power, rounds"):
        checked_parameters({"epochs": 3}, PARAMETERS)


def test_parameters__whole_ones__are_ints():
    found = checked_parameters({"rounds": 4.0}, PARAMETERS)
    assert found == {"power": 1.0, "rounds": 4}
    assert isinstance(found["rounds"], int)

"""The search for parameters: which trials there are, what they may see, how the best is found, what is not redone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.gates import POPULARITY, Evaluation
from models_registry.pipeline import (
    Fitted,
    Parameter,
    Parameters,
    ParametersInvalid,
    TrainingDataInsufficient,
    TrainingDiverged,
)
from models_registry.predictors.popularity import ITEMS, write_items
from models_registry.predictors.protocol import Predictor
from models_registry.search import (
    MOST_TRIALS,
    Search,
    SearchFailed,
    SearchInvalid,
    Trial,
    fold_ends,
    search_parameters,
    trials_of,
)
from models_registry.vocabulary import PredictorKind

PARAMETERS = {
    "power": Parameter(about="Exponent of the counts", default=1.0, least=-2.0, most=2.0),
    "rounds": Parameter(about="Rounds", default=3, least=1, most=100, whole=True),
    "test_share": Parameter(about="Judged", default=0.2, least=0.05, most=0.5, tunable=False),
}
TEST_BEGINS = 800.0


@dataclass(frozen=True)
class Deeds:
    """Which of four items was met, at which time."""

    items: np.ndarray
    at: np.ndarray


@dataclass(frozen=True)
class Split:
    learnt: np.ndarray
    judged: np.ndarray
    facts: dict[str, Any]


@dataclass
class Counting:
    """Scores items by a power of their count; notes the last time that it was shown."""

    kind: PredictorKind = PredictorKind.POPULARITY
    parameters: Mapping[str, Parameter] = field(default_factory=lambda: PARAMETERS)
    latest: list[float] = field(default_factory=list)
    fits: int = 0

    def dataset(self, log: Deeds, *, parameters: Parameters, seed: int) -> Split:
        if len(log.at) < 10:
            raise TrainingDataInsufficient("too little")
        split_at = float(log.at[int(len(log.at) * (1.0 - parameters["test_share"]))])
        self.latest.append(float(log.at[-1]))
        before = log.at < split_at
        facts = {"split_at": datetime.fromtimestamp(split_at, UTC).isoformat(), "sha256": str(len(log.at))}
        return Split(log.items[before], log.items[~before], facts)

    def fit(self, dataset: Split, *, parameters: Parameters, seed: int, tell: Callable[[float], None]) -> Fitted:
        self.fits += 1
        if parameters["power"] == 2.0:
            raise TrainingDiverged("two is too much")
        tell(0.5)
        scores = (np.bincount(dataset.learnt, minlength=4).astype(float) + 1.0) ** parameters["power"]
        tensors = {ITEMS: write_items(("a", "b", "c", "d")), "popularity": scores.astype(np.float32)}
        return Fitted(self.kind, ("history",), tensors, {})

    def evaluate(self, predictor: Predictor, dataset: Split, *, champion: Predictor | None) -> Evaluation:
        best = int(np.argmax(predictor.score(np.zeros(0, dtype=np.int64))))
        candidate = (dataset.judged == best).astype(float)
        return Evaluation({}, candidate, {POPULARITY: candidate})


def log(rows: int = 1_000) -> Deeds:
    rng = np.random.default_rng(5)
    return Deeds(rng.choice(4, rows, p=[0.1, 0.2, 0.3, 0.4]), np.arange(rows, dtype=float))


def before(deeds: Deeds, at: float) -> Deeds:
    return Deeds(deeds.items[deeds.at < at], deeds.at[deeds.at < at])


def search(**changes: Any) -> Search:
    values: dict[str, Any] = {
        "parameters": {},
        "values": {"power": [-1.0, 1.0]},
        "seed": 1,
        "tell": lambda step, share: None,
        "keep": lambda trial: None,
        **changes,
    }
    return Search(**values)


def test_search__better_values__are_found_and_every_trial_is_kept():
    kept: list[Trial] = []
    found = search_parameters(Counting(), log(), search(keep=kept.append), before=before)
    assert found == {"power": 1.0, "rounds": 3, "test_share": 0.2}
    assert [dict(trial.tried) for trial in kept] == [{"power": -1.0}, {"power": 1.0}]
    assert all(len(trial.folds) == 3 for trial in kept)
    assert kept[1].bound > kept[0].bound


def test_search__folds__never_see_the_test_period():
    recipe = Counting()
    search_parameters(recipe, log(), search(), before=before)
    assert recipe.latest[0] == 999.0
    assert len(recipe.latest) == 7
    assert max(recipe.latest[1:]) < TEST_BEGINS


def test_folds__of_even_rows__roll_by_a_quarter_of_the_training_period():
    assert fold_ends(np.arange(1_000, dtype=float), TEST_BEGINS) == (400.0, 600.0, 800.0)


@pytest.mark.parametrize("at", [np.zeros(0), np.zeros(50), np.array([0.0] * 49 + [900.0])])
def test_folds__too_few_times__are_refused(at: np.ndarray):
    with pytest.raises(TrainingDataInsufficient):
        fold_ends(at, TEST_BEGINS)


def test_search__trial_of_an_earlier_attempt__is_not_done_again():
    kept: list[Trial] = []
    whole = search_parameters(Counting(), log(), search(keep=kept.append), before=before)
    recipe = Counting()
    again: list[Trial] = []
    found = search_parameters(recipe, log(), search(keep=again.append, finished=kept[:1]), before=before)
    assert found == whole
    assert ([trial.number for trial in again], recipe.fits) == ([1], 3)


@pytest.mark.parametrize("change", [{"data": "other"}, {"tried": {"power": 0.5}}])
def test_search__trial_of_other_data_or_values__is_done_again(change: dict[str, Any]):
    kept: list[Trial] = []
    search_parameters(Counting(), log(), search(keep=kept.append), before=before)
    recipe = Counting()
    search_parameters(recipe, log(), search(finished=[replace(kept[0], **change)]), before=before)
    assert recipe.fits == 6


def test_search__trial_that_diverges__is_kept_with_its_reason_and_not_chosen():
    kept: list[Trial] = []
    found = search_parameters(Counting(), log(), search(values={"power": [2.0, -1.0]}, keep=kept.append), before=before)
    assert found["power"] == -1.0
    assert (kept[0].error, kept[0].folds, kept[0].mean, kept[0].bound) == ("TRAINING_DIVERGED", (), None, None)


def test_search__nothing_that_can_be_judged__fails_with_the_reasons():
    with pytest.raises(SearchFailed, match="TRAINING_DIVERGED"):
        search_parameters(Counting(), log(), search(values={"power": [2.0]}), before=before)


def test_search__progress__names_the_trial_and_never_falls():
    told: list[tuple[str, float]] = []
    search_parameters(Counting(), log(), search(tell=lambda step, share: told.append((step, share))), before=before)
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert list(dict.fromkeys(step for step, _ in told)) == ["search", "search 1/2", "search 2/2"]


def test_search__what_tell_raises__ends_it():
    def stop(step: str, share: float) -> None:
        if step == "search 2/2":
            raise InterruptedError(step)

    kept: list[Trial] = []
    with pytest.raises(InterruptedError):
        search_parameters(Counting(), log(), search(tell=stop, keep=kept.append), before=before)
    assert [trial.number for trial in kept] == [0]


def test_bound__mean_less_one_standard_error__prefers_what_is_steady():
    steady = Trial(number=0, tried={}, folds=(0.30, 0.31, 0.29), error="", data="")
    lucky = Trial(number=1, tried={}, folds=(0.10, 0.31, 0.55), error="", data="")
    assert steady.mean == pytest.approx(0.30)
    assert steady.bound == pytest.approx(0.30 - 0.01 / 3**0.5)
    assert lucky.mean > steady.mean
    assert lucky.bound < steady.bound


def test_trial__through_json__is_the_same():
    trial = Trial(number=3, tried={"power": 0.5}, folds=(0.1, 0.2, 0.3), error="", data="abc")
    assert Trial.from_dict(trial.to_dict()) == trial


def test_trials__of_a_small_grid__are_all_of_it_in_order():
    found = trials_of({"rounds": 9}, {"power": [0.0, 1.0], "rounds": [1, 2]}, PARAMETERS, seed=1)
    assert [(each["power"], each["rounds"]) for each in found] == [(0.0, 1), (0.0, 2), (1.0, 1), (1.0, 2)]
    assert {each["test_share"] for each in found} == {0.2}


@given(st.integers(1, MOST_TRIALS), st.integers(0, 2**31 - 1))
def test_trials__of_a_large_grid__are_as_many_as_asked_different_and_drawn_by_the_seed(most: int, seed: int):
    values = {"power": [0.1 * step for step in range(10)], "rounds": list(range(1, 31))}
    found = trials_of({}, values, PARAMETERS, seed=seed, most_trials=most)
    assert found == trials_of({}, values, PARAMETERS, seed=seed, most_trials=most)
    assert len({(each["power"], each["rounds"]) for each in found}) == len(found) == most


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({}, SearchInvalid),
        ({"power": []}, SearchInvalid),
        ({"power": "12"}, SearchInvalid),
        ({"power": 1.0}, SearchInvalid),
        ({"power": [1.0, 1]}, SearchInvalid),
        ({"power": list(np.linspace(0.0, 1.0, 101))}, SearchInvalid),
        ({"test_share": [0.1, 0.2]}, SearchInvalid),
        ({"power": [3.0]}, ParametersInvalid),
        ({"power": [float("nan")]}, ParametersInvalid),
        ({"power": ["1"]}, ParametersInvalid),
        ({"rounds": [1.5]}, ParametersInvalid),
        ({"unheard_of": [1.0]}, ParametersInvalid),
    ],
)
def test_trials__what_cannot_be_tried__is_refused(values: dict[str, Any], error: type[Exception]):
    with pytest.raises(error):
        trials_of({}, values, PARAMETERS, seed=1)


@pytest.mark.parametrize("most", [0, MOST_TRIALS + 1])
def test_trials__more_than_allowed__are_refused(most: int):
    with pytest.raises(SearchInvalid):
        trials_of({}, {"power": [1.0]}, PARAMETERS, seed=1, most_trials=most)

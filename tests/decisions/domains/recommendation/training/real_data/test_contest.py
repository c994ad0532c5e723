"""A contest on a log with known tastes: fair, reproducible, and told as it went."""

from dataclasses import replace

import numpy as np
import pytest

from decisions.domain_reports import markdown
from decisions.domains.recommendation.training import RECIPES
from decisions.domains.recommendation.training.dataset import split_log
from decisions.domains.recommendation.training.real_data.cold import cold_items
from decisions.domains.recommendation.training.real_data.contest import (
    CONTENDERS,
    POPULARITY,
    Contest,
    Result,
    Split,
    before,
    compete,
    draws,
    tuned,
)
from decisions.domains.recommendation.training.real_data.report import Report, section
from decisions.domains.recommendation.training.real_data.variety import STRENGTHS, varied
from models_registry.pipeline import checked_parameters
from models_registry.predictors.popularity import Popularity
from tests.decisions.domains.recommendation.training.shop import changed, shop

LINEAR = {
    "item_item": {"shrinkage": (1.0, 50.0), "half_life": (5.0, 100.0)},
    "ease": {"penalty": (1.0, 1e6)},
}
CONTEST = Contest(contenders=LINEAR, trials=3, seeds=(1, 2), search_seed=3)


def quiet(_line: str) -> None:
    """Tell nobody."""


def halves(units: int = 150) -> Split:
    titles = tuple(f"kind{place % 6} item {place}" for place in range(60))
    test = split_log(changed(shop(units=units), titles=titles), share=0.2, most_users=100, seed=1)
    return Split(split_log(before(test), share=0.2, most_users=100, seed=1), test)


def test_before__a_split_log__ends_where_it_was_split():
    split = halves()
    log = before(split.test)
    assert len(log.at) == split.test.train_rows
    assert log.at[-1] < split.test.log.at[split.test.train_rows]
    assert log.item_ids == split.test.log.item_ids


def test_draws__the_defaults_come_first__and_no_set_comes_twice():
    values = {"a": (1.0, 2.0), "b": (3.0, 4.0, 5.0)}
    found = draws(values, 5, seed=1)
    assert found[0] == {}
    assert len({tuple(sorted(one.items())) for one in found}) == 5
    assert found == draws(values, 5, seed=1)
    assert found != draws(values, 5, seed=2)
    assert len(draws(values, 100, seed=1)) == 7


@pytest.mark.parametrize("recipe", CONTENDERS)
def test_contenders__everything_that_is_tried__is_within_the_bounds_of_the_recipe(recipe: str):
    for tried in draws(CONTENDERS[recipe], 10**6, seed=1):
        assert checked_parameters(tried, RECIPES[recipe].parameters)


def test_contenders__are_all_recipes():
    assert set(CONTENDERS) == set(RECIPES)


def test_tuned__a_penalty_that_forgets_everything__is_not_chosen():
    told: list[str] = []
    chosen, figure = tuned("ease", LINEAR["ease"], CONTEST, halves().validation, tell=told.append)
    assert chosen.get("penalty") != 1e6
    assert figure > 0.2
    assert [line.split(",")[0] for line in told] == [f"ease: trial {number} of 3" for number in (1, 2, 3)]


@pytest.mark.nightly
def test_tuned__a_trial_that_diverges__is_told_and_not_chosen():
    pytest.importorskip("keras", reason="networks are trained with TensorFlow, which is not installed")
    told: list[str] = []
    contest = replace(CONTEST, trials=2)
    chosen, _ = tuned("two_tower", {"learning_rate": (1e6,)}, contest, halves(60).validation, tell=told.append)
    assert chosen == {}
    assert "diverged" in told[1]


def test_compete__the_same_data_and_seeds__give_the_same_figures():
    first, second = (compete(CONTEST, halves(), tell=quiet) for _ in range(2))
    assert [result.recipe for result in first] == [POPULARITY, "item_item", "ease"]
    for one, other in zip(first, second, strict=True):
        assert one.chosen == other.chosen
        assert one.ndcg_of_users.tolist() == other.ndcg_of_users.tolist()
        assert one.recall_of_users.tolist() == other.recall_of_users.tolist()
    assert first[2].ndcg > 1.5 * first[0].ndcg


def report(results: tuple[Result, ...], data: Split) -> Report:
    best = max(results, key=lambda result: result.ndcg)
    return Report(
        about="**A shop**: made for a test.",
        file="shop",
        sha256="0" * 64,
        data=data,
        results=results,
        variety=varied(best, data.test),
        cold=cold_items(results, data.test),
    )


def test_section__tells_who_won_and_who_cannot_be_told_apart():
    data = halves()
    results = compete(CONTEST, data, tell=quiet)
    best = max(results, key=lambda result: result.ndcg)
    level = replace(best, recipe="factors")
    text = markdown(section([report((*results, level), data)], CONTEST))
    assert f"On A shop `{best.recipe}` has the highest NDCG@10, {best.ndcg:.4f}." in text
    assert "It is ahead of `popularity`" in text
    told_apart = text.partition("It cannot be told apart from ")[2].partition("\n")[0]
    assert "`factors`" in told_apart
    assert "`popularity`" not in told_apart
    assert text.count("| `ease` |") == 2
    assert f"the best NDCG@10: `{best.recipe}` 100%, `factors` 100%, " in text
    assert "No network beats the best linear model" in text
    other = "By that measure `item_item` would be the one to begin with."
    assert (other in text) == (best.recipe == "item_item")


def test_varied__more_diversity__makes_slates_less_alike():
    data = halves()
    (result,) = [found for found in compete(CONTEST, data, tell=quiet) if found.recipe == "ease"]
    found = varied(result, data.test)
    assert [one.diversity for one in found] == list(STRENGTHS)
    assert found[0].measured.ndcg.tolist() == result.measured[0].ndcg.tolist()
    assert found[-1].similarity < found[0].similarity


def test_cold_items__scores_that_know_nothing__are_chance_and_ones_that_know_are_above_it():
    data = halves().test
    unmet = np.arange(20, 60)
    popularity = data.popularity.copy()
    popularity[unmet] = 0.0
    told = replace(data, popularity=popularity)
    ignorant = Popularity(data.log.item_ids, np.zeros(60, dtype=np.float32))
    wanted = np.zeros(60, dtype=np.float32)
    for user in data.held_out:
        wanted[user.targets] += 1.0
    knowing = Popularity(data.log.item_ids, wanted)
    one, two = cold_items(
        tuple(Result(name, {}, 0.0, (), found) for name, found in (("no", ignorant), ("yes", knowing))), told
    )
    assert one.items == 40
    assert one.comparison.difference == pytest.approx(0.0)
    assert two.comparison.difference > 0.02


def test_cold_items__everything_was_met__is_nothing_to_tell():
    assert cold_items((), halves().test) == ()

"""The scene of a decision: what the domain is told of the moment, and catalogues that are too old."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from decisions.domain import PolicyKind
from decisions.moment import Catalogue, Eligible, Moment
from decisions.policy import Indices, Scores
from decisions.registry import domain_of
from decisions.serving.bundle import LiveBundle
from decisions.serving.known import NOT_ASKED, Features
from decisions.vocabulary import DecisionReason, FeatureState
from tests.decisions.published import ab_point, catalogue_bytes, point, policy
from tests.decisions.serving.shops import BASIC, RANKED, SEEN, TREATED, bundle_of, decided, items
from tests.experiments.assignment.builders import AT, arms, experiment

met: list[Moment] = []


def noting(moment: Moment, catalogue: Catalogue) -> Eligible:
    met.append(moment)
    return Eligible(np.arange(len(catalogue.items)), {"nothing": 0})


def with_hooks(bundle: LiveBundle, context: Any = None, **hooks: Any) -> LiveBundle:
    """Return the bundle with other hooks, and more context, of its domain."""
    domain = domain_of("recommendation")
    told = {**domain.context, **(context or {})}
    changed = replace(domain, hooks=replace(domain.hooks, **hooks), context=told)
    home = replace(bundle.points.by_key["home"], domain=changed)
    return replace(bundle, points=replace(bundle.points, by_key={"home": home}))


def test_decide__domain__is_told_all_that_is_known_of_the_moment() -> None:
    met.clear()
    bundle = with_hooks(bundle_of(TREATED, at=ab_point(RANKED)), {"slot": "Where."}, eligible=noting)
    known = Features(FeatureState.AVAILABLE, ("item-10",), ("item-29",), {"item-01": 3})
    asked = {"recent_items": ["item-11", "gone"], "exclude": ["item-02"], "slot": "top"}

    decision = decided(
        bundle, features=known, attributes={"country": "DE"}, context=asked, candidates=["item-05"], size=3
    )

    (moment,) = met
    assert (moment.at, moment.personalised, moment.attributes) == (AT, True, {"country": "DE"})
    assert (moment.history, moment.bought, moment.shown) == (("item-11", "item-10"), ("item-29",), {"item-01": 3})
    assert (moment.excluded, moment.only, moment.size, moment.arm) == (("item-02",), ("item-05",), 3, "1.arm-1")
    assert moment.context["slot"] == "top"
    assert (decision.unknown_items, decision.history) == (1, 2)


@pytest.mark.parametrize(
    ("tested", "at"), [([experiment(1, coverage=0)], ab_point(RANKED)), ([], point())], ids=["not covered", "none"]
)
def test_decide__outside_of_experiments__there_is_no_arm(tested: list[Any], at: dict[str, Any]) -> None:
    met.clear()

    decided(with_hooks(bundle_of(*tested, at=at), eligible=noting))

    assert [moment.arm for moment in met] == [""]


def test_decide__domain_that_fails__has_no_actions_and_keeps_the_assignment() -> None:
    def failing(moment: Moment, catalogue: Catalogue) -> Eligible:
        raise ZeroDivisionError

    decision = decided(with_hooks(bundle_of(TREATED, at=ab_point(RANKED)), eligible=failing))

    assert (decision.reason, decision.actions, decision.enrolled) == (DecisionReason.ENGINE_ERROR, (), True)


def test_decide__worth__is_what_the_model_s_scores_are_ranked_by() -> None:
    def reversed_worth(_moment: Moment, _catalogue: Catalogue, candidates: Indices, scores: Scores) -> Scores:
        return -scores

    decision = decided(with_hooks(bundle_of(TREATED, at=ab_point(RANKED)), worth=reversed_worth))

    assert (decision.reason, items(decision)) == (DecisionReason.MODEL, BASIC)


@pytest.mark.parametrize("wrong", [np.zeros(3, dtype=np.float32), np.full(28, np.nan, dtype=np.float32)])
def test_decide__worth_that_makes_no_sense__is_the_baseline(wrong: Scores) -> None:
    bundle = with_hooks(bundle_of(TREATED, at=ab_point(RANKED)), worth=lambda *_: wrong)

    decision = decided(bundle)

    assert (decision.reason, items(decision)) == (DecisionReason.SCORES_INVALID, BASIC)


def test_decide__domain_with_a_baseline_of_its_own__falls_back_on_it() -> None:
    def rising(_moment: Moment, _catalogue: Catalogue, candidates: Indices) -> Scores:
        return candidates.astype(np.float32)

    bundle = with_hooks(bundle_of(TREATED, at=ab_point(policy())), baseline=rising)

    assert items(decided(bundle)) == ["item-28", "item-27", "item-26", "item-25", "item-24"]


HOUR = 3_600.0


def dated(bundle: LiveBundle, fresh_at: float | None) -> LiveBundle:
    """Return the bundle with a catalogue that was confirmed at a time."""
    shelf = bundle.equipment.shelves["recommendation"]
    found = replace(shelf, catalogue=replace(shelf.catalogue, fresh_at=fresh_at))
    return replace(bundle, equipment=replace(bundle.equipment, shelves={"recommendation": found}))


@pytest.mark.parametrize("weights", [(1_000_000, 0), (0, 1_000_000)])
@pytest.mark.parametrize("treatment", [RANKED, policy("fixed", actions=["item-20"])])
@pytest.mark.parametrize("age", [HOUR + 1.0, 40 * HOUR, None])
def test_decide__catalogue_older_than_the_point_allows__is_the_baseline_for_every_variant_alike(
    weights: tuple[int, int], treatment: dict[str, Any], age: float | None
) -> None:
    at = ab_point(treatment, most_age_minutes=60)
    fresh_at = None if age is None else AT.timestamp() - age
    bundle = dated(bundle_of(experiment(1, variants=arms(*weights)), at=at), fresh_at)

    decision = decided(bundle)

    assert (decision.policy, decision.reason) == (PolicyKind.BASELINE, DecisionReason.DATA_STALE)
    assert (items(decision), decision.enrolled) == (BASIC, True)
    assert decision.scene is not None
    assert decision.scene.age == age


@pytest.mark.parametrize(("most", "age"), [(60, HOUR), (60, 0.0), (60, -HOUR), (None, 1_000 * HOUR), (None, None)])
def test_decide__catalogue_that_is_young_enough_or_may_be_of_any_age__lets_the_model_decide(
    most: int | None, age: float | None
) -> None:
    at = ab_point(RANKED, most_age_minutes=most)
    bundle = dated(bundle_of(TREATED, at=at), None if age is None else AT.timestamp() - age)

    assert decided(bundle).reason == DecisionReason.MODEL


def test_decide__personalisation_off__is_said_before_the_data_s_age() -> None:
    bundle = dated(bundle_of(TREATED, at=ab_point(RANKED, most_age_minutes=1)), None)

    assert decided(bundle, features=NOT_ASKED, personalised=False).reason == DecisionReason.PERSONALISATION_OFF


def test_decide__published_catalogue_of_schema_2__is_served_like_one_of_schema_1() -> None:
    columns = json.loads(catalogue_bytes())
    newer = columns | {"schema": 2, "collection": "items", "fresh_at": (AT - timedelta(minutes=5)).timestamp()}

    decision = decided(
        bundle_of(TREATED, at=ab_point(RANKED, most_age_minutes=10), catalogue=json.dumps(newer).encode()),
        features=SEEN,
    )

    assert decision.reason == DecisionReason.MODEL
    assert decision.scene is not None
    assert decision.scene.age == 300.0

"""Pages of learning policies over HTTP, and decision points that have some."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from decisions.actions.learners import stop_learning
from decisions.actions.learning import update_learner
from decisions.actions.points import PointEdit, PolicyDraft, bind_experiment, edit_point
from decisions.domain import PolicyKind
from decisions.learning import LearnerKind
from decisions.queries.learners import LearnerFacts
from tests.decisions.explaining import Shop, make_ad_shop, make_shop
from tests.decisions.reports.pages import Elements, read, text_of
from tests.experiments.reports import stored
from tests.fixtures import registry
from tests.fixtures.learning import CLOSED, log_choice, log_click, make_learner
from tests.fixtures.messages import minutes
from tests.fixtures.records import ACTOR, NOW

pytestmark = pytest.mark.django_db

PAGE = "/d/home/learners/bandit"
UNTIL = NOW + timedelta(days=1)


@pytest.fixture
def shop(db: None) -> Shop:
    return make_shop(stored.shop())


def taught(shop: Shop, **changes: object) -> LearnerFacts:
    """Return a policy that has learnt from a day: three of its decisions, one rewarded, and one of the holdback."""
    learner = make_learner(shop.point, settings={"prior_rewards": 1, "prior_misses": 9}, **changes)
    for number in range(3):
        log_choice(learner, f"d{number}", at=NOW + minutes(number), visitor=f"v{number}")
    log_choice(learner, "held", at=NOW + minutes(5), visitor="v9", holdback=True, policy="baseline", reason="HOLDBACK")
    log_click(learner.project_id, "c1", at=NOW + minutes(6), visitor="v1")
    update_learner(learner_id=learner.id, until=UNTIL, now=UNTIL + CLOSED)
    return learner


def serve_everybody(shop: Shop, learner: LearnerFacts, **changes: int) -> None:
    values = {"model_id": None, "slate_size": 20, "deadline_ms": 30, "learner_id": learner.id, **changes}
    edit_point(point_id=shop.point, edit=PointEdit(name="Home page", **values), acting_user=ACTOR, now=NOW)


def test_page__of_a_policy_that_serves__tells_what_it_knows_and_would_do(reader: Client, shop: Shop) -> None:
    learner = taught(shop)
    serve_everybody(shop, learner, most_age_minutes=120)
    told = text_of(read(reader, PAGE))
    for text in (
        "It serves and learns",
        "State 1: it has learnt from decisions before",
        "It keeps one rate for each action",
        "Its reward is clicked: “Product Viewed” within 1 hour of being shown. Between two updates: 1 day of the shop",
        "5% of the shoppers always get the baseline",
        "All traffic outside experiments at Home page",
        "Learning policy 3 1 33.33%",
        "Control holdback 1 0 0.00%",
        "The holdback had 25.00% of the decisions.",
        "This is no verdict",
        "all 4 actions in stock compete",
        "15.38% of about 13 times, the prior included",
        "never shown: as good as the prior says",
        "1 of the holdback",
        "the prior: nothing has been learnt yet",
        "bin/manage replay_learner harbour home bandit",
    ):
        assert text in told, text
    assert "Basket" not in told
    point = read(reader, "/d/home")
    assert "Learning policy Bandit" in text_of(point)
    assert "the control holdback, 5% of the shoppers" in text_of(point)
    assert "Data may be so old 2 hours" in text_of(point)
    assert f"{PAGE}?project=harbour" in Elements(point).links
    assert "the learning policy Bandit" in text_of(read(reader, "/d/"))


def test_page__in_json__has_states_probabilities_and_figures(reader: Client, shop: Shop) -> None:
    learner = taught(shop)
    told = json.loads(reader.get(f"{PAGE}.json").content)
    assert told["learner"]["id"] == learner.id
    assert told["learner"]["reward"] == {"name": "clicked", "event": "Product Viewed", "within_seconds": 3600.0}
    assert [state["number"] for state in told["states"]] == [1, 0]
    assert "seal" not in told["states"][0]
    assert told["probabilities"][0]["item"] == "mug"
    assert sum(chance["probability"] for chance in told["probabilities"]) == pytest.approx(1.0)
    assert (told["figures"]["served"], told["figures"]["served_rewarded"], told["figures"]["holdback"]) == (3, 1, 1)
    point = json.loads(reader.get("/d/home.json").content)
    assert point["learner"] is None
    assert [found["key"] for found in point["learners"]] == ["bandit"]
    assert reader.get(point["learners"][0]["json"]).status_code == 200


def test_page__of_a_policy_that_serves_nobody__says_how_it_would(reader: Client, shop: Shop) -> None:
    make_learner(shop.point)
    told = text_of(read(reader, PAGE))
    assert "It serves nobody yet" in told
    assert "It knows nothing but its prior" in told
    assert "No decision has matured yet" in told
    assert "Learning policies that do not serve there: Bandit" in text_of(read(reader, "/d/home"))


def test_page__of_a_policy_that_was_stopped__warns(reader: Client, shop: Shop) -> None:
    learner = make_learner(shop.point)
    serve_everybody(shop, learner)
    stop_learning(learner_id=learner.id, acting_user=ACTOR, now=NOW, reason="")
    assert "It serves and has stopped learning" in text_of(read(reader, PAGE))


def test_page__of_weights__tells_what_it_thinks_of_features(reader: Client) -> None:
    shop = make_ad_shop(stored.shop())
    learner = make_learner(shop.point, LearnerKind.LOGISTIC, settings={"prior_mean": {"one": -3.0}})
    log_choice(learner, "d1", at=timezone.now(), items=("house",))
    told = text_of(read(reader, "/d/ads-top/learners/bandit"))
    for text in (
        "the log-odds of the reward it expects are the sum of these.",
        "Our own",
        "100.00%",
        "every action alike −3.00",
        "bid 0.00",
    ):
        assert text in told, text


def test_page__that_is_not_there__is_404(reader: Client, shop: Shop) -> None:
    for path in ("/d/home/learners/none", "/d/none/learners/bandit", "/d/home/learners/none.json"):
        assert reader.get(path).status_code == 404, path


def test_page__person_without_permission__is_forbidden(person: object, shop: Shop) -> None:
    make_learner(shop.point)
    assert person("view_experiment").get(PAGE).status_code == 403  # type: ignore[operator]


def test_point__variants_of_recipe_and_learning_policy__lead_to_them(reader: Client, shop: Shop) -> None:
    learner, schedule = make_learner(shop.point), registry.make_schedule(shop.model)
    draft = stored.draft(shop.project, key="contest", personalised=True, variants=registry.VARIANTS)
    bind_experiment(
        experiment_id=draft,
        point_id=shop.point,
        policies={
            "control": PolicyDraft(PolicyKind.RECIPE, schedule_id=schedule),
            "treatment": PolicyDraft(PolicyKind.LEARNED, learner_id=learner.id),
        },
        acting_user=ACTOR,
        now=NOW,
    )
    told = json.loads(reader.get("/d/home.json").content)["experiments"][0]["variants"]
    assert [(found["policy"], found["schedule"], found["learner"]) for found in told] == [
        ("recipe", schedule, None),
        ("learned", None, learner.id),
    ]
    assert "Contest" in text_of(read(reader, PAGE))

"""Decisions about subjects, explained: the menu of then is made again and the artifact asked again."""

from datetime import timedelta

import pytest

from decisions.models import DecisionBatch, DecisionPoint, Item
from decisions.queries.explained import Explanation, Method, Missing
from decisions.queries.explained_decisions import explained_decision
from decisions.queries.explanations import explain
from decisions.queries.made import decision_by_id
from decisions.queries.points import point_by_id
from tests.decisions.menus import decision_of, line, priced, stocked
from tests.fixtures.batches import first_period, made, make_batch_experiment, make_batch_point, make_priced
from tests.fixtures.records import make_project
from tests.fixtures.registry import log_decision

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> int:
    return make_project()


def explained(batch: DecisionBatch, subject: str) -> Explanation:
    point = point_by_id(batch.point_id)
    decision = decision_by_id(decision_of(batch, subject), project_ids=[point.project_id])
    return explain(decision, point.domain)


def test_explain__price_of_a_model__is_what_was_logged_and_says_that_the_step_bound(project):
    """4 (18 / 20)^-2 = 4.938 a day at 18.00, which brings 13 each; the best price, 10.00, is beyond the step."""
    batch = priced(project)
    found = explained(batch, "cup")
    menu = found.menu
    assert (found.method, found.missing, found.differs) == (Method.MENU, "", False)
    assert (menu.subject, menu.chosen.text, menu.present.text) == ("cup", "18.00", "20.00")
    assert menu.chosen.expected == pytest.approx(4.9383, abs=1e-3)
    assert menu.chosen.worth == pytest.approx(64.198, abs=1e-2)
    assert menu.present.worth == pytest.approx(60.0, abs=1e-3)
    assert (menu.lower, menu.higher) == ("max_step", "")
    assert (menu.demand.elasticity, menu.demand.error) == (-2.0, 0.25)
    assert menu.demand.prices[0] == pytest.approx(18.0 * 0.9)
    assert list(menu.demand.pieces) == sorted(menu.demand.pieces, reverse=True)
    assert line(batch, "cup").value == 18_000_000


def test_explain__later_changes_of_catalogue_and_point__change_nothing(project):
    batch = priced(project, floor=19.0)
    before = explained(batch, "cup")
    Item.objects.update(price=1_000_000, properties={})
    DecisionPoint.objects.update(settings={"max_step": 0.5, "objective": "revenue"})
    assert explained(batch, "cup") == before
    assert before.menu.chosen.text == "19.00"
    assert before.menu.lower == "floor"
    assert {choice.text for choice in before.menu.choices if choice.bound == "floor"} == {
        f"18.{cents}0" for cents in (0, 2, 4, 6, 8)
    }


def test_explain__item_that_the_model_does_not_know__has_the_menu_alone(project):
    found = explained(priced(project), "pot")
    assert (found.method, found.missing) == (Method.MENU_BASELINE, "")
    assert found.menu.demand is None
    assert {choice.worth for choice in found.menu.choices} == {None}
    assert found.menu.chosen is found.menu.present


def test_explain__fixed_change_of_a_variant__is_on_the_menu(project):
    make_priced(project, {"cup": 20.0})
    point = make_batch_point(project, settings={"max_step": 0.2})
    experiment = make_batch_experiment(project, point, treatment=("-13.5%",))
    begun = first_period(experiment)
    batches = [made(project, point, due_at=begun + period) for period in (timedelta(), timedelta(days=2))]
    treated = next(batch for batch in batches if line(batch, "cup").variant == "treatment")
    found = explained(treated, "cup")
    assert (found.method, found.menu.settings["max_step"]) == (Method.MENU_FIXED, 0.2)
    assert (found.menu.chosen.text, found.menu.present.text) == ("17.30", "20.00")


def test_explain__order_of_a_model__has_a_fan_and_the_probability_that_it_lasts(project):
    batch = stocked(project)
    found = explained(batch, "north|tea")
    menu, fan = found.menu, found.menu.fan
    assert (found.method, found.differs) == (Method.MENU, False)
    assert (fan.protection, fan.position) == (4.0, 10.0)
    assert fan.days[0] == 0.0
    assert fan.days[-1] == 8.0
    assert [series[0] for series in fan.pieces] == [0.0] * 5
    assert all(low <= high for low, high in zip(fan.pieces[0], fan.pieces[4], strict=True))
    assert fan.covered >= 0.95
    best = max(menu.choices, key=lambda choice: choice.worth)
    assert (menu.chosen, menu.present.text) == (best, "0")


def test_explain__order_that_cash_binds__says_so(project):
    menu = explained(stocked(project, cash=60.0), "north|tea").menu
    assert (menu.chosen.text, menu.higher, menu.lower) == ("12", "cash", "")


def test_explain__row_without_its_subject__says_that_it_is_too_old(project):
    batch = priced(project)
    log_decision(project, "prices", decision_id="old", actions=[("18.00", 1.0, None)])
    decision = decision_by_id("old", project_ids=[project])
    assert explain(decision, "pricing").missing == Missing.ROW_TOO_OLD
    assert explain(decision, "pricing").menu is None
    assert batch.decisions == 3


def test_explained_decision__for_programs__has_the_menu_in_plain_values(project):
    told = explained_decision(decision_of(priced(project), "cup"), project_id=project)
    menu = told["explanation"]["menu"]
    assert (menu["subject"], menu["chosen"]["text"], menu["lower"]) == ("cup", "18.00", "max_step")
    assert menu["facts"]["cost"] == 5.0
    assert len(menu["demand"]["prices"]) == len(menu["demand"]["worths"])

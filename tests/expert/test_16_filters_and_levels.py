"""Robots that were there before the test are left out of every figure, and a report with filters derives again."""

from datetime import timedelta
from typing import Any

import pytest

from decisions.actions.projection import rebuild
from experiments.actions.analysis import differing_looks
from experiments.actions.verification import verify_report
from experiments.analysis.codec import to_dict
from experiments.analysis.filters import FilterKind, FilterRule, UnitFilter
from experiments.models import FirstExposure
from tests.expert.population import Message, arm, exposure, look, order, receive
from tests.fixtures.records import NOW, make_project, make_running

pytestmark = pytest.mark.django_db

UNITS, ROBOTS = 600, 60
START = NOW + timedelta(hours=2)
RULES = (
    UnitFilter("robots", 1, FilterKind.BOT, FilterRule.EVENT_RATE, events=("Product Viewed",), hours=24, limit=5),
    UnitFilter("staff", 1, FilterKind.INTERNAL, FilterRule.ATTRIBUTE, attribute="role", values=("staff",)),
)


def known(index: int) -> dict[str, Any]:
    return {"country": "CN" if index % 3 else "FR", "role": "staff" if index % 100 == 0 else "shopper"}


def messages(experiment_id: int) -> list[Message]:
    """Return exposures of everybody, orders of a fifth, and what robots look at before they meet the test."""
    found = []
    for index in range(UNITS):
        unit, at = f"u{index}", START + timedelta(minutes=index)
        met = exposure(experiment_id, unit, arm(index), at)
        without_slots = [entry | {"slots": [None, None, None]} for entry in met.enrolments or []]
        found.append(Message(met.id, unit, at, met.event, {"attributes": known(index)}, without_slots))
        if index % 5 == 0:
            found.append(order(unit, at + timedelta(hours=1)))
        if index < ROBOTS:
            found += [
                Message(f"v{again}-{unit}", unit, at - timedelta(minutes=again + 1), "Product Viewed")
                for again in range(6)
            ]
    return found


def test_analysis__filters_and_dimensions__derive_again_to_the_byte_even_after_a_rebuild() -> None:
    project_id = make_project()
    plan = {"dimensions": ["country"], "filters": [to_dict(rule) for rule in RULES]}
    experiment_id = make_running(project_id, plan_overrides=plan)
    receive(project_id, messages(experiment_id))

    scorecard, _ = look(experiment_id, days=9)

    staff = sum(index % 100 == 0 for index in range(ROBOTS, UNITS))
    assert scorecard.exclusions.filtered == ROBOTS + staff
    assert sum(count.units for count in scorecard.variants) == UNITS - ROBOTS - staff
    found = scorecard.comparison("conversion", "treatment")
    assert found.control.n + found.treatment.n == UNITS - ROBOTS - staff
    assert differing_looks(experiment_id) == []
    assert verify_report(experiment_id).holds
    rebuild(project_id=project_id)
    assert differing_looks(experiment_id) == []


def test_verify_report__attributes_changed_afterwards__is_found() -> None:
    project_id = make_project()
    plan = {"filters": [to_dict(rule) for rule in RULES]}
    experiment_id = make_running(project_id, plan_overrides=plan)
    receive(project_id, messages(experiment_id))
    look(experiment_id, days=9)

    FirstExposure.objects.filter(attributes__role="shopper", variant__key="control").update(
        attributes={"role": "staff"}
    )

    assert [found.part for found in verify_report(experiment_id).differences] == ["figures"]

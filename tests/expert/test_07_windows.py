"""A unit's window starts at its first exposure, is equally long for all, and counts only once it is closed."""

from datetime import timedelta
from itertools import permutations

import pytest

from tests.expert.population import arm, exposure, look, order, receive
from tests.fixtures.records import NOW, make_project, make_running

pytestmark = pytest.mark.django_db

FIRST = NOW + timedelta(hours=6)


def totals(messages, *, days: float):
    project_id = make_project()
    experiment_id = make_running(project_id)
    filler = [exposure(experiment_id, f"f{index}", arm(index), FIRST) for index in range(10)]
    receive(project_id, [*filler, *[make(experiment_id) for make in messages]])
    found = look(experiment_id, days=days)[0].comparison("conversion", "treatment")
    return found.treatment.n, found.treatment.numerator


@pytest.mark.parametrize(
    ("after", "counts"),
    [
        (timedelta(seconds=-1), 0),
        (timedelta(0), 1),
        (timedelta(days=7) - timedelta(seconds=1), 1),
        (timedelta(days=7), 0),
        (timedelta(days=8), 0),
    ],
)
def test_window__order_at_a_distance_from_the_exposure__counts_only_inside(after, counts):
    messages = [
        lambda experiment_id: exposure(experiment_id, "u", "treatment", FIRST),
        lambda _: order("u", FIRST + after),
    ]
    assert totals(messages, days=12) == (6, counts)


def test_window__unit_exposed_an_hour_before_the_look__is_not_in_the_denominator():
    late = NOW + timedelta(days=9) - timedelta(hours=1)
    messages = [
        lambda experiment_id: exposure(experiment_id, "u", "treatment", late),
        lambda _: order("u", late + timedelta(minutes=1)),
    ]
    assert totals(messages, days=9) == (5, 0)


@pytest.mark.parametrize("arrival", list(permutations(range(3))))
def test_window__messages_in_any_order_and_twice__give_the_same_totals(arrival):
    project_id = make_project()
    experiment_id = make_running(project_id)
    messages = [
        exposure(experiment_id, "u", "treatment", FIRST),
        exposure(experiment_id, "u", "treatment", FIRST + timedelta(days=3), name="again"),
        order("u", FIRST + timedelta(days=8)),
    ]
    filler = [exposure(experiment_id, f"f{index}", arm(index), FIRST) for index in range(10)]
    receive(project_id, filler)
    for index in arrival:
        receive(project_id, [messages[index], messages[index]])
    found = look(experiment_id, days=12)[0].comparison("conversion", "treatment")
    assert (found.treatment.n, found.treatment.numerator) == (6, 0)

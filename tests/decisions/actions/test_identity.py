"""Aliases become links of hashed ids, the same in whatever batches; a customer's orders count for the visitor."""

from datetime import timedelta

import pytest

from decisions.actions.projection import project_events
from decisions.actions.rebuilding import rebuild_project
from decisions.models import ProjectionState
from experiments.analysis.inputs import History
from experiments.models import IdentityLink, Quarantine, Variant
from experiments.queries.analysis_inputs import own_inputs
from experiments.queries.designs import run_facts
from experiments.queries.plans import draft_plan
from experiments.warehouse import own, postgres
from experiments.warehouse.question import Question
from tests.experiments.warehouse.shop import CONVERSION
from tests.fixtures.messages import customer_of, log_alias, log_exposure, log_order, minutes, unit_of
from tests.fixtures.records import NOW, make_project, make_running, simulation_clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> int:
    return make_project(clock=simulation_clock())


def links() -> list[tuple[str, str, object, str]]:
    found = IdentityLink.objects.order_by("customer", "visitor")
    return list(found.values_list("customer", "visitor", "linked_at", "message_id"))


def test_projector__alias_sent_again__makes_one_link_from_the_first_message(project: int) -> None:
    log_alias(project, message_id="b", at=NOW + minutes(2), received_at=NOW + minutes(2))
    log_alias(project, message_id="a", at=NOW + minutes(1), received_at=NOW + minutes(3))
    log_alias(project, message_id="c", at=NOW, visitor="v2", received_at=NOW + minutes(4))

    project_events(project_id=project)

    customer = customer_of(project, "c1")
    assert sorted(links(), key=lambda link: link[3]) == [
        (customer, unit_of(project, "v1"), NOW + minutes(2), "b"),
        (customer, unit_of(project, "v2"), NOW, "c"),
    ]


def test_projector__alias_that_came_too_late__is_quarantined_and_links_nobody(project: int) -> None:
    log_alias(project, message_id="old", at=NOW - timedelta(days=8), received_at=NOW)

    project_events(project_id=project)

    assert links() == []
    assert list(Quarantine.objects.values_list("reason", flat=True)) == ["TOO_LATE"]


@pytest.mark.parametrize("pieces", [1, 2, 5])
def test_rebuild__links__are_equal_however_they_were_projected(project: int, pieces: int) -> None:
    for number in range(10):
        at = NOW + minutes(number)
        log_alias(project, message_id=f"m{number}", at=at, visitor=f"v{number % 3}", customer=f"c{number % 2}")
    for piece in range(pieces):
        ProjectionState.objects.filter(project_id=project).update(watermark=NOW + minutes(10 * piece / pieces - 0.5))
        project_events(project_id=project)
    before = links()

    rebuilt = rebuild_project(project_key="shop")

    assert len(before) == 6
    assert links() == before
    assert (rebuilt.before.links, rebuilt.identical) == (6, True)
    assert "identity links: 6 before, 6 after, identical" in list(rebuilt.lines())


def converted(
    project: int, experiment: int, *, received_before: float = 1_000, has_links: bool = True
) -> dict[str, int]:
    run = run_facts(experiment)
    end = NOW + timedelta(days=30)
    question = Question(
        experiment_id=experiment,
        project_id=project,
        unit_kind=run.unit_kind,
        metrics=(CONVERSION,),
        window_start=NOW,
        window_end=end,
        received_before=NOW + minutes(received_before),
        exposed_before=end,
        has_links=has_links,
    )
    names = dict(Variant.objects.filter(experiment_id=experiment).values_list("pk", "key"))
    return {names[row["variant_id"]]: int(row["m0_s_y"] or 0) for row in postgres.rows(own.moments(question))}


def test_moments__order_of_a_customer_alone__counts_for_the_visitor_exposed_first(project: int) -> None:
    experiment = make_running(project)
    log_exposure(project, experiment, message_id="e1", at=NOW + minutes(5), visitor="phone", variant="control")
    log_exposure(project, experiment, message_id="e2", at=NOW + minutes(3), visitor="laptop", variant="treatment")
    log_order(project, message_id="o1", at=NOW + minutes(20))
    log_alias(project, message_id="a1", at=NOW + minutes(30), visitor="phone")
    log_alias(project, message_id="a2", at=NOW + minutes(31), visitor="laptop")
    project_events(project_id=project)

    assert converted(project, experiment) == {"control": 0, "treatment": 1}
    assert converted(project, experiment, has_links=False) == {"control": 0, "treatment": 0}
    early = converted(project, experiment, received_before=30.5)
    assert early == {"control": 1, "treatment": 0}, "a look sees the links received by then"


def test_conflicts__visitors_of_one_customer_in_different_variants__are_counted_and_told(project: int) -> None:
    experiment = make_running(project)
    for number, (customer, variant) in enumerate([("c1", "control"), ("c1", "treatment"), ("c2", "control")]):
        at, visitor = NOW + minutes(number), f"v{number}"
        log_exposure(project, experiment, message_id=f"e{number}", at=at, visitor=visitor, variant=variant)
        log_alias(project, message_id=f"a{number}", at=at, visitor=visitor, customer=customer)
    project_events(project_id=project)
    run, plan = run_facts(experiment), draft_plan(experiment)
    window_end = NOW + timedelta(days=2)

    inputs = own_inputs(
        run=run,
        plan=plan,
        window_end=window_end,
        received_before=window_end,
        history=History(),
    )

    assert inputs.health.conflicts == 1

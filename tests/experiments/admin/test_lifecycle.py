"""Lifecycle buttons: only those the status allows, only for those who may, each with a dialog that is posted."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from experiments.actions import lifecycle
from experiments.lifecycle import available
from experiments.models import AllocationEpoch, Experiment
from experiments.vocabulary import ArmState, Status
from foundation.models import JournalEntry
from tests.experiments.reports import material, stored

pytestmark = pytest.mark.django_db

BUTTONS = {
    Status.DRAFT: {"submit"},
    Status.IN_REVIEW: {"send_back", "launch"},
    Status.RUNNING: {"pause", "stop", "allocate"},
    Status.PAUSED: {"resume", "stop", "allocate"},
    Status.STOPPED: {"conclude"},
    Status.CONCLUDED: set(),
}
ALL = ("submit", "send_back", "launch", "pause", "resume", "stop", "conclude", "allocate")


def url(action: str, experiment_id: int) -> str:
    """Return the address of a button's dialog."""
    return reverse(f"admin:experiments_experiment_{action}", args=[experiment_id])


def page(experiment_id: int) -> str:
    """Return the address of an experiment's form."""
    return reverse("admin:experiments_experiment_change", args=[experiment_id])


def post(client: Client, action: str, experiment_id: int, **fields: object) -> object:
    """Fill in a button's dialog."""
    return client.post(url(action, experiment_id), {"_form_submitted": "True", **fields})


def in_status(project: int, status: Status) -> int:
    """Return the id of an experiment that walked to this status."""
    experiment_id = stored.draft(project)
    steps = {
        Status.DRAFT: (),
        Status.IN_REVIEW: ("submit",),
        Status.RUNNING: ("submit", "launch"),
        Status.PAUSED: ("submit", "launch", "pause"),
        Status.STOPPED: ("submit", "launch", "stop"),
        Status.CONCLUDED: ("submit", "launch", "stop"),
    }
    for step in steps[status]:
        getattr(lifecycle, step)(
            experiment_id=experiment_id, acting_user="manager", now=material.START, reason="Because"
        )
    if status is Status.CONCLUDED:
        lifecycle.conclude(
            experiment_id=experiment_id, acting_user="manager", now=material.START, conclusion="FLAT", note="Nothing"
        )
    return experiment_id


def status_of(experiment_id: int) -> str:
    """Return an experiment's status."""
    return Experiment.objects.get(pk=experiment_id).status


@pytest.mark.parametrize("status", list(Status))
def test_buttons__each_status__shows_exactly_the_steps_of_the_transition_table(
    owner: Client, project: int, status: Status
) -> None:
    experiment_id = in_status(project, status)
    shown = owner.get(page(experiment_id)).content.decode()
    assert {action for action in ALL if url(action, experiment_id) in shown} == BUTTONS[status]
    assert {step.value for step in available(status)} == BUTTONS[status] - {"allocate"}


@pytest.mark.parametrize("status", list(Status))
def test_buttons__steps_that_the_status_forbids__are_refused_by_address_too(
    owner: Client, project: int, status: Status
) -> None:
    experiment_id = in_status(project, status)
    for action in set(ALL) - BUTTONS[status]:
        assert post(owner, action, experiment_id, reason="x").status_code == 403  # type: ignore[attr-defined]
    assert status_of(experiment_id) == status


@pytest.mark.parametrize("status", list(Status))
def test_buttons__person_who_may_only_view__sees_none_and_moves_nothing(
    person: Callable[..., Client], project: int, status: Status
) -> None:
    reader = person("view_experiment")
    experiment_id = in_status(project, status)
    shown = reader.get(page(experiment_id)).content.decode()
    assert not [action for action in ALL if url(action, experiment_id) in shown]
    for action in BUTTONS[status]:
        assert post(reader, action, experiment_id, reason="x").status_code == 403  # type: ignore[attr-defined]
    assert status_of(experiment_id) == status


@pytest.mark.parametrize(("status", "action"), [(s, a) for s, actions in BUTTONS.items() for a in sorted(actions)])
def test_dialog__opened_by_a_link__asks_and_changes_nothing(
    owner: Client, project: int, status: Status, action: str
) -> None:
    experiment_id = in_status(project, status)
    entries = JournalEntry.objects.count()
    dialog = owner.get(url(action, experiment_id)).content.decode()
    assert "csrfmiddlewaretoken" in dialog
    assert 'name="reason"' in dialog
    assert (status_of(experiment_id), JournalEntry.objects.count()) == (status, entries)


@pytest.mark.parametrize(
    ("status", "action", "target"),
    [
        (Status.DRAFT, "submit", Status.IN_REVIEW),
        (Status.IN_REVIEW, "send_back", Status.DRAFT),
        (Status.IN_REVIEW, "launch", Status.RUNNING),
        (Status.RUNNING, "pause", Status.PAUSED),
        (Status.PAUSED, "resume", Status.RUNNING),
        (Status.RUNNING, "stop", Status.STOPPED),
    ],
)
def test_dialog__filled_in__takes_the_step_in_the_persons_name_with_the_reason(
    owner: Client, project: int, status: Status, action: str, target: Status
) -> None:
    experiment_id = in_status(project, status)
    response = post(owner, action, experiment_id, reason="因为 the week is over")
    assert (response.status_code, response["Location"]) == (302, page(experiment_id))  # type: ignore[attr-defined,index]
    assert status_of(experiment_id) == target
    entry = JournalEntry.objects.latest("pk")
    assert (entry.action, entry.actor, entry.reason) == (f"experiment.{action}", "manager", "因为 the week is over")


def test_dialog__answered_over_htmx__leads_the_whole_page_back(owner: Client, project: int) -> None:
    experiment_id = in_status(project, Status.DRAFT)
    fields = {"_form_submitted": "True", "reason": ""}
    response = owner.post(url("submit", experiment_id), fields, headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Redirect"]) == (200, page(experiment_id))


@pytest.mark.parametrize(
    ("status", "action"), [(Status.RUNNING, "stop"), (Status.RUNNING, "pause"), (Status.IN_REVIEW, "send_back")]
)
def test_dialog__without_the_reason_it_needs__asks_again_and_changes_nothing(
    owner: Client, project: int, status: Status, action: str
) -> None:
    experiment_id = in_status(project, status)
    response = post(owner, action, experiment_id, reason="   ")
    assert response.status_code == 200  # type: ignore[attr-defined]
    assert "This field is required." in response.content.decode()  # type: ignore[attr-defined]
    assert status_of(experiment_id) == status


def test_launch__not_ready__tells_how_many_points_are_open_and_lists_them(owner: Client, project: int) -> None:
    experiment_id = stored.draft(project, hypothesis="", metrics=[])
    lifecycle.submit(experiment_id=experiment_id, acting_user="manager", now=material.START)
    response = owner.post(url("launch", experiment_id), {"_form_submitted": "True", "reason": ""}, follow=True)
    shown = response.content.decode()
    assert "Not launched: " in shown
    for text in ("No metric decides.", "There is no hypothesis.", "Give at least one metric the role Decision"):
        assert text in shown
    assert "The analysis plan does not hold" not in shown
    assert status_of(experiment_id) == Status.IN_REVIEW


def test_conclude__takes_conclusion_and_note(owner: Client, project: int) -> None:
    experiment_id = in_status(project, Status.STOPPED)
    post(owner, "conclude", experiment_id, conclusion="LOST", note="People missed the button.", reason="")
    experiment = Experiment.objects.get(pk=experiment_id)
    assert (experiment.status, experiment.conclusion, experiment.conclusion_note) == (
        "CONCLUDED",
        "LOST",
        "People missed the button.",
    )


def test_conclude__unknown_conclusion__asks_again(owner: Client, project: int) -> None:
    experiment_id = in_status(project, Status.STOPPED)
    response = post(owner, "conclude", experiment_id, conclusion="GLORIOUS", note="x", reason="")
    assert response.status_code == 200  # type: ignore[attr-defined]
    assert status_of(experiment_id) == Status.STOPPED


def test_allocate__begins_with_the_current_epoch_and_opens_the_next(owner: Client, project: int) -> None:
    experiment_id = in_status(project, Status.RUNNING)
    dialog = owner.get(url("allocate", experiment_id)).content.decode()
    assert dialog.count('value="50"') == 2
    assert 'value="100"' in dialog
    fields = {
        "weight:control": "66.6667",
        "weight:treatment": "33.3333",
        "state:control": "OPEN",
        "state:treatment": "CLOSED",
        "coverage": "80",
        "reason": "Too many refunds",
    }
    post(owner, "allocate", experiment_id, **fields)
    epoch = AllocationEpoch.objects.get(experiment_id=experiment_id, number=2)
    held = {row.variant.key: (row.weight, row.state) for row in epoch.allocations.all()}
    assert (epoch.coverage, held) == (
        800_000,
        {"control": (666_667, ArmState.OPEN), "treatment": (333_333, ArmState.CLOSED)},
    )


def test_allocate__weights_that_do_not_add_up__are_refused_by_the_action_with_code_and_hint(
    owner: Client, project: int
) -> None:
    experiment_id = in_status(project, Status.RUNNING)
    fields = {
        "weight:control": "50",
        "weight:treatment": "49",
        "state:control": "OPEN",
        "state:treatment": "OPEN",
        "coverage": "100",
        "reason": "x",
    }
    response = owner.post(url("allocate", experiment_id), {"_form_submitted": "True", **fields}, follow=True)
    shown = response.content.decode()
    assert "The weights add up to 990000, not 1000000." in shown
    assert "[ALLOCATION_INVALID]" in shown
    assert AllocationEpoch.objects.filter(experiment_id=experiment_id).count() == 1

"""Promotion proposals: buttons with a required reason, only for those who may, and one promotion whatever happens."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from decisions.actions.promotion import approve
from decisions.models import PromotionProposal
from experiments.models import Experiment
from foundation.models import JournalEntry
from models_registry.models import AliasMove
from models_registry.queries.aliases import holder_of
from models_registry.vocabulary import AliasName
from tests.experiments.reports import material
from tests.fixtures import registry

pytestmark = pytest.mark.django_db

STEPS = ("approve", "reject", "roll_back")
REASON = "因为 orders grew and nothing else moved"


@pytest.fixture
def made(project: int) -> tuple[int, int, int]:
    """Return the ids of a model, a version, and an open proposal to make it champion in place of the baseline."""
    model = registry.make_model(project)
    version = registry.make_version(model)
    return model, version, registry.make_proposal(project, registry.make_point(project, model), version)


def url(step: str, proposal: int) -> str:
    """Return the address of a button's dialog."""
    return reverse(f"admin:decisions_promotionproposal_{step}", args=[proposal])


def page(proposal: int) -> str:
    """Return the address of a proposal's page."""
    return reverse("admin:decisions_promotionproposal_change", args=[proposal])


def post(client: Client, step: str, proposal: int, reason: str = REASON) -> str:
    """Fill in a button's dialog and return the page that follows."""
    fields = {"_form_submitted": "True", "reason": reason}
    return client.post(url(step, proposal), fields, follow=True).content.decode()


def state(proposal: int) -> str:
    """Return where a proposal stands."""
    return PromotionProposal.objects.get(pk=proposal).state


def offered(client: Client, proposal: int) -> set[str]:
    """Return the steps whose buttons the page has."""
    shown = client.get(page(proposal)).content.decode()
    return {step for step in STEPS if url(step, proposal) in shown}


def test_page__open_proposal__shows_the_evidence_and_the_buttons(owner: Client, made: tuple[int, int, int]) -> None:
    shown = owner.get(page(made[2])).content.decode()
    for text in ("Waiting for approval", "Home page ranking v1", "is better than", "Read the evidence"):
        assert text in shown, text
    assert offered(owner, made[2]) == {"approve", "reject"}


def test_dialog__opened_by_a_link__asks_and_changes_nothing(owner: Client, made: tuple[int, int, int]) -> None:
    entries = JournalEntry.objects.count()
    for step in ("approve", "reject"):
        dialog = owner.get(url(step, made[2])).content.decode()
        assert 'name="reason"' in dialog
        assert "csrfmiddlewaretoken" in dialog
    assert (state(made[2]), JournalEntry.objects.count(), AliasMove.objects.count()) == ("OPEN", entries, 0)


@pytest.mark.parametrize("step", ["approve", "reject"])
def test_dialog__without_a_reason__asks_again_and_changes_nothing(
    owner: Client, made: tuple[int, int, int], step: str
) -> None:
    assert "This field is required." in post(owner, step, made[2], reason="   ")
    assert (state(made[2]), AliasMove.objects.count()) == ("OPEN", 0)


@pytest.mark.parametrize("step", STEPS)
def test_dialog__person_who_may_only_view__is_refused_and_nothing_changes(
    person: Callable[..., Client], made: tuple[int, int, int], step: str
) -> None:
    reader = person("view_promotionproposal", "change_decisionpoint")
    assert offered(reader, made[2]) == set()
    response = reader.post(url(step, made[2]), {"_form_submitted": "True", "reason": REASON})
    assert response.status_code == 403
    assert (state(made[2]), AliasMove.objects.count()) == ("OPEN", 0)


def test_approve__moves_the_champion_concludes_the_experiment_and_keeps_the_reason(
    person: Callable[..., Client], made: tuple[int, int, int]
) -> None:
    model, version, proposal = made
    approver = person("view_promotionproposal", "change_promotionproposal")
    assert "Promoted. The shop serves it within seconds." in post(approver, "approve", proposal)
    assert holder_of(model, AliasName.CHAMPION) == version
    row = PromotionProposal.objects.get(pk=proposal)
    assert (row.state, row.decided_by, row.decision_reason) == ("PROMOTED", "colleague", REASON)
    experiment = Experiment.objects.get()
    assert (experiment.status, experiment.conclusion) == ("CONCLUDED", "WON")
    assert offered(approver, proposal) == {"roll_back"}


def test_approve__second_person_with_the_dialog_still_open__is_told_who_was_first(
    owner: Client, person: Callable[..., Client], made: tuple[int, int, int]
) -> None:
    model, version, proposal = made
    second = person("view_promotionproposal", "change_promotionproposal")
    assert second.get(url("approve", proposal)).status_code == 200
    post(owner, "approve", proposal)
    shown = post(second, "approve", proposal, reason="Me too")
    assert "Nothing was changed: it has been decided already (Promoted, manager)." in shown
    assert (AliasMove.objects.count(), holder_of(model, AliasName.CHAMPION)) == (1, version)
    assert PromotionProposal.objects.get(pk=proposal).decision_reason == REASON


def test_approve__control_no_longer_champion__warns_with_what_to_do_and_changes_nothing_else(
    owner: Client, made: tuple[int, int, int]
) -> None:
    model, _version, proposal = made
    other = registry.make_version(model, first=2.0)
    registry.make_champion(other)
    assert "Reject it: an approval would find it out of date." in owner.get(page(proposal)).content.decode()
    shown = post(owner, "approve", proposal)
    assert "Not promoted, nothing was changed." in shown
    assert "The test compared with Baseline, but Home page ranking v2 serves now." in shown
    assert "Run a new experiment of Home page ranking v1 against Home page ranking v2." in shown
    assert state(proposal) == "STALE"
    assert (holder_of(model, AliasName.CHAMPION), Experiment.objects.get().status) == (other, "RUNNING")
    assert offered(owner, proposal) == set()


def test_reject__keeps_the_champion_and_the_reason(owner: Client, made: tuple[int, int, int]) -> None:
    assert "Rejected. The champion stays." in post(owner, "reject", made[2])
    row = PromotionProposal.objects.get(pk=made[2])
    assert (row.state, row.decided_by, row.decision_reason) == ("REJECTED", "manager", REASON)
    assert AliasMove.objects.count() == 0


def test_roll_back__restores_what_served_and_once_only(owner: Client, made: tuple[int, int, int]) -> None:
    model, _version, proposal = made
    approve(proposal_id=proposal, acting_user="lin", now=material.NOW, reason="Better")
    assert "Rolled back." in post(owner, "roll_back", proposal)
    assert (state(proposal), holder_of(model, AliasName.CHAMPION)) == ("ROLLED_BACK", None)
    assert "it has been decided already (Rolled back, manager)" in post(owner, "roll_back", proposal)
    assert AliasMove.objects.count() == 2


def test_roll_back__champion_moved_on_since__is_told_with_the_code(owner: Client, made: tuple[int, int, int]) -> None:
    model, _version, proposal = made
    approve(proposal_id=proposal, acting_user="lin", now=material.NOW, reason="Better")
    other = registry.make_version(model, first=2.0)
    registry.make_champion(other)
    shown = post(owner, "roll_back", proposal)
    assert "[MOVE_NOT_LATEST]" in shown
    assert "this promotion can no longer be rolled back" in shown
    assert (state(proposal), holder_of(model, AliasName.CHAMPION)) == ("PROMOTED", other)


def test_list__is_read_only_and_tells_state_and_decider(owner: Client, made: tuple[int, int, int]) -> None:
    post(owner, "reject", made[2])
    shown = owner.get(reverse("admin:decisions_promotionproposal_changelist")).content.decode()
    assert "Rejected" in shown
    assert "manager" in shown
    assert owner.get(reverse("admin:decisions_promotionproposal_add")).status_code == 403
    assert owner.post(page(made[2]), {"state": "OPEN"}).status_code == 403


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("row", ["0", "9" * 30, "abc"])
def test_dialog__of_a_proposal_that_cannot_be__is_refused(owner: Client, step: str, row: str) -> None:
    response = owner.post(url(step, row), {"_form_submitted": "True", "reason": "x"})  # type: ignore[arg-type]
    assert response.status_code == 403

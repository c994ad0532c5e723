"""What changes the amount to pay, in the admin: the field, the checklist, and the dialog of whoever answers for it."""

from collections.abc import Callable

import pytest
from django.test import Client

from experiments.actions import lifecycle
from experiments.models import Experiment, PayableOverride
from experiments.queries.payable import override_of
from foundation.models import JournalEntry
from tests.experiments.admin.test_experiments import filled
from tests.experiments.admin.test_lifecycle import page, post, url
from tests.experiments.reports import material, stored
from tests.fixtures.records import ACTOR

pytestmark = pytest.mark.django_db

WORD = {"reason": "The law allows it.", "jurisdictions": "us, CA", "disclosure": "Prices differ between shoppers."}
COUNTRIES = {"attribute": "country", "op": "in", "value": ["US", "CA"]}


def shown(client: Client, experiment_id: int) -> str:
    return client.get(page(experiment_id)).content.decode()


def test_form__what_it_changes__is_stored_journalled_and_judged(owner: Client, project: int) -> None:
    experiment_id = stored.draft(project)
    assert "Changes what a person pays" in shown(owner, experiment_id)
    assert owner.post(page(experiment_id), filled(experiment_id, payable="SHIPPING")).status_code == 302
    assert Experiment.objects.get().payable == "SHIPPING"
    assert JournalEntry.objects.get(action="experiment.edit").after == {"payable": "SHIPPING"}
    told = shown(owner, experiment_id)
    assert "What a person pays is not tried on persons." in told
    assert "Randomise items, clusters or stores by period" in told


def test_launch__unlawful_design__is_refused_with_the_reason(owner: Client, project: int) -> None:
    experiment_id = stored.draft(project, payable="PRICE", audience={"attribute": "income", "op": "gt", "value": 5})
    lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=material.START)
    post(owner, "launch", experiment_id)
    told = shown(owner, experiment_id)
    assert "its audience asks for income" in told
    assert Experiment.objects.get().status == "IN_REVIEW"


def test_dialog__whole__is_kept_in_the_name_of_who_is_signed_in(owner: Client, project: int) -> None:
    experiment_id = stored.draft(project, payable="SHIPPING", audience=COUNTRIES)
    post(owner, "allow_payable", experiment_id, **WORD)
    held = override_of(experiment_id)
    assert held is not None
    assert (held.acting_user, held.jurisdictions) == ("manager", ("CA", "US"))
    told = shown(owner, experiment_id)
    assert "manager answers for it in CA, US: The law allows it." in told
    assert "Shoppers are told: Prices differ between shoppers." in told
    assert "What a person pays is not tried on persons." not in told
    again = owner.get(url("allow_payable", experiment_id)).content.decode()
    assert 'value="CA, US"' in again


def test_dialog__china__is_refused_whatever_is_written(owner: Client, project: int) -> None:
    experiment_id = stored.draft(project, payable="SHIPPING")
    post(owner, "allow_payable", experiment_id, **WORD | {"jurisdictions": "US CN"})
    assert "[PAYABLE_NEVER_IN_CHINA]" in shown(owner, experiment_id)
    assert not PayableOverride.objects.exists()


@pytest.mark.parametrize("changes", [{"payable": ""}, {"payable": "PRICE", "unit_kind": "item"}])
def test_dialog__nothing_to_answer_for__has_no_button(owner: Client, project: int, changes: dict[str, str]) -> None:
    experiment_id = stored.draft(project, **changes)
    assert "Answer for prices by person" not in shown(owner, experiment_id)
    assert owner.get(url("allow_payable", experiment_id)).status_code == 403


def test_dialog__person_who_may_only_look__is_refused(person: Callable[..., Client], project: int) -> None:
    experiment_id = stored.draft(project, payable="SHIPPING")
    client = person("view_experiment")
    assert client.get(url("allow_payable", experiment_id)).status_code == 403
    post(client, "allow_payable", experiment_id, **WORD)
    assert not PayableOverride.objects.exists()


def test_form__another_design__needs_another_word(owner: Client, project: int) -> None:
    experiment_id = stored.draft(project, payable="SHIPPING", audience=COUNTRIES)
    post(owner, "allow_payable", experiment_id, **WORD)
    name = filled(experiment_id, payable="SHIPPING", name="Another name")
    assert owner.post(page(experiment_id), name).status_code == 302
    assert PayableOverride.objects.exists()
    assert owner.post(page(experiment_id), filled(experiment_id, payable="PRICE")).status_code == 302
    assert not PayableOverride.objects.exists()
    assert JournalEntry.objects.get(action="experiment.payable_withdraw").actor == "manager"


def test_readout__somebody_answers__says_who_where_why_and_what_shoppers_are_told(owner: Client, project: int) -> None:
    experiment_id = stored.draft(project, payable="SHIPPING", audience=COUNTRIES)
    post(owner, "allow_payable", experiment_id, **WORD)
    lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=material.START)
    lifecycle.launch(experiment_id=experiment_id, acting_user=ACTOR, now=material.START)
    told = owner.get("/x/free-shipping").content.decode()
    assert "Changes what a person pays" in told
    assert "manager answers for it in CA, US" in told
    assert "The law allows it." in told
    assert "Prices differ between shoppers." in told
    assert "Somebody answers for it that persons pay differently" in told

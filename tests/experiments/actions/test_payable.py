"""Whoever lets persons pay differently answers for it; nobody launches such a test past the guard."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from experiments.actions import lifecycle
from experiments.actions.payable import (
    PayableNeedsAPerson,
    PayableNeverInChina,
    PayableOverrideClosed,
    PayableOverrideInvalid,
    allow_payable,
    withdraw_payable,
)
from experiments.launch_checks import LaunchRefused
from experiments.models import Experiment, PayableOverride
from experiments.queries import payable
from experiments.queries.designs import ExperimentUnknown
from experiments.vocabulary import Payable
from foundation.errors import DomainError
from foundation.models import JournalEntry
from tests.fixtures.cells import make_by_period
from tests.fixtures.records import ACTOR, HALVES, NOW, make_draft, make_project

pytestmark = pytest.mark.django_db

AMERICAN = {"attribute": "country", "op": "eq", "value": "US"}


def priced(**changes: Any) -> int:
    """Return the id of a draft that tries prices on visitors."""
    values = {"payable": "PRICE", "audience": AMERICAN, **changes}
    return make_draft(make_project(), **values)


def allow(experiment_id: int, **changes: Any) -> None:
    word: dict[str, Any] = {
        "reason": "The law of the state allows it.",
        "jurisdictions": ["us"],
        "disclosure": "Prices differ between shoppers.",
        "acting_user": "ada",
    }
    allow_payable(experiment_id=experiment_id, now=NOW, **word | changes)


def codes(experiment_id: int) -> list[str]:
    return [problem.code for problem in lifecycle.launch_problems(experiment_id)]


def by_sql(statement: str, *arguments: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, arguments)


def test_launch__price_by_visitor__is_refused_until_somebody_answers_for_it():
    experiment_id = priced()
    lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    with pytest.raises(LaunchRefused) as refusal:
        lifecycle.launch(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    assert [problem.code for problem in refusal.value.problems] == ["PAYABLE_BY_PERSON"]
    assert Experiment.objects.get().status == "IN_REVIEW"
    lifecycle.send_back(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    allow(experiment_id)
    lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    lifecycle.launch(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    assert Experiment.objects.get().status == "RUNNING"


@pytest.mark.parametrize("parameter", ["price", "couponValue", "free_shipping", "优惠券"])
def test_launch_problems__parameter_that_nobody_declared__is_told_with_the_guard(parameter):
    variants = (HALVES[0], type(HALVES[1])("treatment", "Treatment", 500_000, parameters={"deep": {parameter: 1}}))
    assert codes(make_draft(make_project(), variants=variants)) == ["PAYABLE_UNDECLARED", "PAYABLE_BY_PERSON"]


def test_launch__price_by_item_and_period__runs():
    make_by_period(make_project(), payable="PRICE")
    assert Experiment.objects.get().status == "RUNNING"


def test_launch_problems__what_an_app_above_knows__counts_as_said(monkeypatch):
    monkeypatch.setattr(payable, "_knowers", [lambda _experiment_id: Payable.PRICE])
    assert codes(make_draft(make_project())) == ["PAYABLE_BY_PERSON"]


def test_launch_problems__recorded_elsewhere__is_no_business_of_the_guard():
    assert "PAYABLE_BY_PERSON" not in codes(make_draft(make_project(), payable="PRICE", source="EXTERNAL"))


def test_sql__price_by_visitor__cannot_be_launched_without_a_name():
    experiment_id = priced()
    lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    launch = "UPDATE experiments_experiment SET status = 'RUNNING', started_at = %s WHERE id = %s"
    with pytest.raises(IntegrityError, match="not tried on persons"):
        by_sql(launch, NOW, experiment_id)
    by_sql("UPDATE experiments_experiment SET unit_kind = 'item', personalised = true WHERE id = %s", experiment_id)
    with pytest.raises(IntegrityError, match="not tried on persons"):
        by_sql(launch, NOW, experiment_id)
    assert Experiment.objects.get().status == "IN_REVIEW"
    by_sql("UPDATE experiments_experiment SET personalised = false WHERE id = %s", experiment_id)
    by_sql(launch, NOW, experiment_id)
    assert Experiment.objects.get().status == "RUNNING"


@pytest.mark.parametrize(
    "change", ["payable = 'COUPON'", 'blackouts = \'[["a", "b"]]\'', "burn_in_minutes = 1", "period_minutes = 60"]
)
def test_sql__after_launch__what_is_paid_and_when_is_frozen(change):
    experiment_id = make_by_period(make_project(), payable="PRICE")
    with pytest.raises(IntegrityError, match="frozen at launch"):
        by_sql(f"UPDATE experiments_experiment SET {change} WHERE id = %s", experiment_id)


def test_sql__override_after_launch__is_frozen_and_never_for_china():
    experiment_id = priced()
    allow(experiment_id)
    with pytest.raises(IntegrityError, match="never_for_china"):
        by_sql("UPDATE experiments_payableoverride SET jurisdictions = '{CN}'")
    lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    lifecycle.launch(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    for statement in ("UPDATE experiments_payableoverride SET reason = 'x'", "DELETE FROM experiments_payableoverride"):
        with pytest.raises(IntegrityError, match="cannot change after launch"):
            by_sql(statement)


def test_allow__whole__is_kept_with_its_journal_and_replaced_by_the_next():
    experiment_id = priced()
    allow(experiment_id, jurisdictions=["us", " ca", "US"])
    allow(experiment_id, jurisdictions=["HK"], reason="Better.")
    held = payable.override_of(experiment_id)
    assert held is not None
    assert (held.acting_user, held.reason, held.jurisdictions) == ("ada", "Better.", ("HK",))
    first, second = JournalEntry.objects.filter(action="experiment.payable_allow").order_by("sequence")
    assert (first.actor, first.reason) == ("ada", "The law of the state allows it.")
    assert first.after == {
        "payable": "PRICE",
        "jurisdictions": ["CA", "US"],
        "disclosure": "Prices differ between shoppers.",
    }
    assert second.before["jurisdictions"] == ["CA", "US"]


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"jurisdictions": ["CN"]}, PayableNeverInChina, "PAYABLE_NEVER_IN_CHINA"),
        ({"jurisdictions": ["US", "cn "]}, PayableNeverInChina, "PAYABLE_NEVER_IN_CHINA"),
        ({"acting_user": " "}, PayableNeedsAPerson, "PAYABLE_NEEDS_A_PERSON"),
        ({"acting_user": lifecycle.SYSTEM}, PayableNeedsAPerson, "PAYABLE_NEEDS_A_PERSON"),
        ({"jurisdictions": []}, PayableOverrideInvalid, "PAYABLE_OVERRIDE_INVALID"),
        ({"jurisdictions": ["EU"]}, PayableOverrideInvalid, "PAYABLE_OVERRIDE_INVALID"),
        ({"jurisdictions": ["XX"]}, PayableOverrideInvalid, "PAYABLE_OVERRIDE_INVALID"),
        ({"reason": "  "}, PayableOverrideInvalid, "PAYABLE_OVERRIDE_INVALID"),
    ],
)
def test_allow__what_cannot_be__is_refused_and_nothing_is_kept(changes, error, code):
    experiment_id = priced()
    with pytest.raises(error) as refusal:
        allow(experiment_id, **changes)
    assert refusal.value.code == code
    assert not PayableOverride.objects.exists()
    assert not JournalEntry.objects.filter(action="experiment.payable_allow").exists()


def test_allow__no_disclosure__takes_the_usual_text_or_is_refused(monkeypatch):
    experiment_id = priced()
    monkeypatch.setattr(payable, "_disclosers", [])
    with pytest.raises(PayableOverrideInvalid, match="what shoppers are told"):
        allow(experiment_id, disclosure=" ")
    payable.disclose_with(lambda countries: f"Told in {', '.join(countries)}.")
    allow(experiment_id, disclosure=" ")
    held = payable.override_of(experiment_id)
    assert held is not None
    assert held.disclosure == "Told in US."


@pytest.mark.parametrize(
    ("changes", "error"), [({"payable": ""}, PayableOverrideInvalid), ({"source": "EXTERNAL"}, PayableOverrideClosed)]
)
def test_allow__nothing_to_answer_for__is_refused(changes: dict[str, Any], error: type[DomainError]):
    experiment_id = priced(**changes)
    with pytest.raises(error):
        allow(experiment_id)


def test_allow__no_draft__is_refused():
    experiment_id = priced()
    lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    with pytest.raises(PayableOverrideClosed):
        allow(experiment_id)
    with pytest.raises(ExperimentUnknown):
        allow(experiment_id + 1)


def test_withdraw__takes_the_word_back_once():
    experiment_id = priced()
    allow(experiment_id)
    order = {"experiment_id": experiment_id, "reason": "No.", "acting_user": "ada", "now": NOW}
    assert withdraw_payable(**order)
    assert not withdraw_payable(**order)
    assert codes(experiment_id) == ["PAYABLE_BY_PERSON"]
    assert JournalEntry.objects.filter(action="experiment.payable_withdraw").count() == 1

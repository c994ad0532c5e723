"""Whether the shop did what was decided: counted by variant, and warned of where it did not."""

from datetime import datetime, timedelta

import pytest

from decisions.actions.acknowledging import acknowledge as say_words
from decisions.models import BatchDecision, DecisionBatch
from decisions.queries.compliance import Compliance, compliance_confounds, compliance_of
from experiments.analysis.inputs import Confound
from experiments.confounds import confounds_of
from tests.fixtures.batches import first_period, made, make_batch_experiment, make_batch_point, make_priced
from tests.fixtures.records import make_project, make_running

pytestmark = pytest.mark.django_db

ITEMS = {f"item-{n:02d}": 20.0 for n in range(40)}
HOUR = timedelta(hours=1)


@pytest.fixture
def trial() -> tuple[int, datetime]:
    """Return an experiment whose arms change 40 prices between them, and a time by which all should be told."""
    project = make_project()
    make_priced(project, ITEMS)
    point = make_batch_point(project)
    experiment = make_batch_experiment(project, point, treatment=("-5%",))
    batch = made(project, point, due_at=first_period(experiment))
    decided = BatchDecision.objects.filter(batch=batch, variant="control")
    decided.update(value=21_000_000)  # as a control with a rule of its own would have decided
    return experiment, batch.takes_effect_at + 2 * HOUR


def acknowledge(variant: str, state: str, count: int, at: datetime) -> None:
    rows = BatchDecision.objects.filter(variant=variant, state="PENDING").order_by("subject")[:count]
    subjects = [row.subject for row in rows]
    assert len(subjects) == count
    BatchDecision.objects.filter(subject__in=subjects).update(state=state, acknowledged_at=at)


def decided(variant: str) -> int:
    return BatchDecision.objects.filter(variant=variant).count()


def test_compliance__decisions_that_change_something__are_counted_by_variant(trial):
    experiment, told = trial
    acknowledge("treatment", "APPLIED", 5, told)
    acknowledge("treatment", "OVERRIDDEN", 2, told)
    acknowledge("control", "FAILED", 1, told)
    unchanged = BatchDecision.objects.filter(variant="control", state="PENDING").first()
    assert unchanged is not None
    BatchDecision.objects.filter(subject=unchanged.subject).update(value=unchanged.before)
    assert compliance_of(experiment) == {
        "control": Compliance(failed=1, pending=decided("control") - 2),
        "treatment": Compliance(applied=5, overridden=2, pending=decided("treatment") - 7),
    }


def test_confounds__everything_applied__finds_none(trial):
    experiment, told = trial
    for variant in ("control", "treatment"):
        acknowledge(variant, "APPLIED", decided(variant), told - HOUR)
    assert list(compliance_confounds(experiment, told)) == []


def test_confounds__arm_that_was_overridden__is_named_and_differs_from_the_other(trial):
    experiment, told = trial
    acknowledge("control", "APPLIED", decided("control"), told - HOUR)
    few = decided("treatment") // 2
    acknowledge("treatment", "APPLIED", decided("treatment") - few, told - HOUR)
    acknowledge("treatment", "OVERRIDDEN", few, told - HOUR)
    found = [
        Confound("DECISIONS_NOT_APPLIED", "treatment", "treatment"),
        Confound("UNEQUALLY_APPLIED", "control", "treatment"),
    ]
    assert list(compliance_confounds(experiment, told)) == found
    assert [confound for confound in confounds_of(experiment, known_before=told) if confound in found] == found


def test_confounds__nothing_told__are_named_once_the_shop_had_time_to(trial):
    experiment, told = trial
    effective = DecisionBatch.objects.get().takes_effect_at
    assert list(compliance_confounds(experiment, effective + HOUR)) == []
    assert {confound.code for confound in compliance_confounds(experiment, told)} == {"DECISIONS_NOT_APPLIED"}


def test_confounds__asked_as_of_an_earlier_time__know_only_what_was_told_by_then(trial):
    experiment, told = trial
    for variant in ("control", "treatment"):
        acknowledge(variant, "APPLIED", decided(variant), told)
    assert len(list(compliance_confounds(experiment, told))) == 2
    assert list(compliance_confounds(experiment, told + HOUR)) == []


def test_confounds__experiment_without_batches__finds_none():
    experiment = make_running(make_project())
    assert list(compliance_confounds(experiment, datetime.fromisoformat("2026-03-09T00:00:00+00:00"))) == []


def test_confounds__word_that_was_replaced_later__still_says_what_it_said(trial):
    experiment, told = trial
    batch = DecisionBatch.objects.get()
    subjects = list(BatchDecision.objects.order_by("subject").values_list("subject", flat=True))

    def say(status: str, at: datetime) -> None:
        items = [{"subject": subject, "status": status} for subject in subjects]
        say_of = {"batch_id": batch.pk, "project_id": batch.point.project_id, "actor": "shop"}
        say_words(items=items, now=at, **say_of)

    say("applied", told - HOUR)
    assert list(compliance_confounds(experiment, told)) == []
    say("failed", told)
    say("applied", told + HOUR)
    assert list(compliance_confounds(experiment, told)) == []
    assert {found.code for found in compliance_confounds(experiment, told + HOUR)} == {"DECISIONS_NOT_APPLIED"}
    assert list(compliance_confounds(experiment, told + 2 * HOUR)) == []

"""Explorations from the request to the stored record: by a job, from the evidence, and no verdict knows of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from experiments.actions.design import create_metric
from experiments.actions.exploration import (
    MOST_WAITING,
    ExplorationRequest,
    ExplorationsWaiting,
    explore,
    request_exploration,
)
from experiments.analysis.exploration import ExplorationInvalid
from experiments.models import Experiment, ExploratoryScorecard, Metric, Scorecard
from experiments.queries.explorations import ExplorationUnknown, exploration, exploration_lines
from experiments.queries.looks import latest_look
from foundation.models import Job, JournalEntry, Project
from foundation.queries import open_jobs
from tests.expert.population import arm, exposure, look, order, receive
from tests.fixtures.records import ACTOR, NOW, REVENUE, make_draft, make_project, make_running
from workers.runner import run

pytestmark = pytest.mark.django_db

UNITS = 400


@pytest.fixture
def experiment() -> int:
    """Return an experiment of eight days in which half of the treatment and a quarter of the control order."""
    project_id = make_project()
    Project.objects.filter(pk=project_id).update(attributes=["country"])
    experiment_id = make_running(project_id)
    messages = []
    for index in range(UNITS):
        variant, at = arm(index), NOW + timedelta(hours=index / 50)
        messages.append(exposure(experiment_id, f"u{index}", variant, at))
        if index % 8 in ((0, 2) if variant == "control" else (1, 3, 5, 7)):
            messages.append(order(f"u{index}", at + timedelta(hours=1 + index % 200), revenue=10.0 + index))
    with transaction.atomic(), connection.cursor() as cursor:
        receive(project_id, messages)
        cursor.execute(
            "UPDATE experiments_firstexposure SET attributes = jsonb_build_object('country',"
            " CASE WHEN right(unit, 1) IN ('0', '1', '2', '3', '4') THEN 'DE' ELSE 'FR' END)"
        )
    return experiment_id


def revenue_of(experiment_id: int, **changes) -> int:
    project_id = Experiment.objects.get(pk=experiment_id).project_id
    definition = replace(REVENUE, **changes)
    return create_metric(project_id=project_id, definition=definition, acting_user=ACTOR, now=NOW)


def asked(*metrics: int, **changes) -> ExplorationRequest:
    return ExplorationRequest(metric_ids=metrics, **changes)


def ask(experiment_id: int, request: ExplorationRequest, *, days: float = 9) -> bool:
    now = NOW + timedelta(days=days)
    return request_exploration(experiment_id=experiment_id, request=request, acting_user=ACTOR, now=now)


def compute(experiment_id: int, request: ExplorationRequest) -> int:
    end = NOW + timedelta(days=9)
    return explore(
        experiment_id=experiment_id, request=request, requested_by=ACTOR, window_end=end, received_before=end
    )


def test_explore__metric_outside_the_plan__has_its_figures_and_leaves_looks_alone(experiment):
    look(experiment, days=9)
    before = list(Scorecard.objects.values())
    verdict = latest_look(experiment)
    compute(experiment, asked(revenue_of(experiment)))
    stored = exploration(experiment)
    assert stored is not None
    (found,) = stored.found.comparisons
    expected = sum(10.0 + index for index in range(UNITS) if index % 2 and 1 + index % 200 < 168)
    assert (found.metric, found.role, found.treatment.n) == ("revenue:v1", "DIAGNOSTIC", UNITS // 2)
    assert found.treatment.numerator == pytest.approx(expected)
    assert list(Scorecard.objects.values()) == before
    assert latest_look(experiment) == verdict
    later, _ = look(experiment, days=10)
    assert (later.look, {entry.metric for entry in later.comparisons}) == (2, {"conversion"})


def test_explore__plan_and_metrics__stay_as_they_were(experiment):
    compute(experiment, asked(revenue_of(experiment), window_hours=24, cap_micros=50_000_000))
    assert Metric.objects.filter(key="revenue").count() == 1, "a variation makes no version of the metric"
    card, _ = look(experiment, days=9)
    assert card.check("FROZEN_CHANGED").outcome == "PASSED"


def test_explore__other_window_and_cap__are_computed(experiment):
    metric = revenue_of(experiment)
    compute(experiment, asked(metric, window_hours=24, cap_micros=50_000_000))
    stored = exploration(experiment)
    assert stored is not None
    (found,) = stored.found.comparisons
    spent = [10.0 + index for index in range(UNITS) if index % 2 and 1 + index % 200 < 24]
    assert found.treatment.numerator == pytest.approx(sum(min(50.0, value) for value in spent))
    assert found.uncapped is not None
    assert (stored.found.metrics[0].window_hours, stored.found.metrics[0].cap_micros) == (24, 50_000_000)


def test_explore__dimension__is_told_by_level(experiment):
    compute(experiment, asked(revenue_of(experiment), dimensions=("country",)))
    stored = exploration(experiment)
    assert stored is not None
    (family,) = stored.found.segments
    assert [(level.level, level.control_units + level.treatment_units) for level in family.levels] == [
        ("DE", 200),
        ("FR", 200),
    ]


def test_request__once_a_day__promises_one_job_that_stores_one_exploration(experiment):
    request = asked(revenue_of(experiment))
    assert ask(experiment, request)
    assert not ask(experiment, request)
    assert ask(experiment, replace(request, window_hours=48))
    assert open_jobs(key_prefix=f"explore:{experiment}:") == 2
    entry = JournalEntry.objects.latest("sequence")
    assert (entry.action, entry.subject, entry.after["window_hours"]) == (
        "exploration.request",
        "exploration:button",
        48,
    )


def test_request__while_many_are_computed__waits_and_promises_nothing(experiment):
    metric = revenue_of(experiment)
    for days in range(1, MOST_WAITING + 1):
        assert ask(experiment, asked(metric, window_hours=24 * days))
    entries = JournalEntry.objects.count()
    with pytest.raises(ExplorationsWaiting):
        ask(experiment, asked(metric, window_hours=24 * 30))
    assert not ask(experiment, asked(metric, window_hours=24)), "the same again is no other"
    assert (Job.objects.filter(kind="explore").count(), JournalEntry.objects.count()) == (MOST_WAITING, entries)
    Job.objects.filter(kind="explore").update(state=Job.State.DONE)
    assert ask(experiment, asked(metric, window_hours=24 * 30))


def test_request__that_failed_for_good__is_promised_again(experiment):
    request = asked(revenue_of(experiment))
    ask(experiment, request)
    Job.objects.filter(kind="explore").update(state=Job.State.DEAD, attempts=5)
    assert ask(experiment, request)
    assert Job.objects.get(kind="explore").state == Job.State.READY


@pytest.mark.django_db(transaction=True)
def test_job__of_an_exploration__is_done_by_the_worker_once(experiment):
    ask(experiment, asked(revenue_of(experiment)))
    job = Job.objects.get(kind="explore")
    assert run(job_id=job.pk)
    assert not run(job_id=job.pk)
    row = ExploratoryScorecard.objects.get()
    assert (row.number, row.requested_by, row.experiment_id) == (1, ACTOR, experiment)
    assert not Scorecard.objects.exists()
    assert not Job.objects.filter(kind="propose").exists()


@pytest.mark.parametrize("write", ["update", "delete"])
def test_exploration__changed_in_place__is_refused_by_the_database(experiment, write):
    compute(experiment, asked(revenue_of(experiment)))
    rows = ExploratoryScorecard.objects.all()
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(content="{}") if write == "update" else rows.delete()
    assert exploration(experiment) is not None


def test_explorations__are_numbered_and_listed_newest_first(experiment):
    metric = revenue_of(experiment)
    for hours in (24, 48):
        compute(experiment, asked(metric, window_hours=hours))
    assert [line.number for line in exploration_lines(experiment)] == [2, 1]
    first = exploration(experiment, 1)
    assert first is not None
    assert first.found.metrics[0].window_hours == 24
    with pytest.raises(ExplorationUnknown):
        exploration(experiment, 3)


def test_request__that_cannot_be_explored__is_refused_and_promises_nothing(experiment):
    foreign = create_metric(project_id=make_project(key="other"), definition=REVENUE, acting_user=ACTOR, now=NOW)
    metric = revenue_of(experiment)
    for request in (
        asked(),
        asked(foreign),
        asked(0),
        asked(metric, dimensions=("shoe size",)),
        asked(metric, dimensions=("country", "country")),
        asked(metric, window_hours=30),
        asked(*range(1, 30)),
    ):
        with pytest.raises(ExplorationInvalid):
            ask(experiment, request)
    assert not Job.objects.filter(kind="explore").exists()
    assert not ExploratoryScorecard.objects.exists()


def test_request__of_an_experiment_that_has_not_started__is_refused(experiment):
    draft = make_draft(Experiment.objects.get(pk=experiment).project_id, key="draft")
    with pytest.raises(Exception, match="no started experiment"):
        ask(draft, asked(Metric.objects.latest("pk").pk))


def test_explore__before_the_first_day_is_over__is_refused(experiment):
    metric = revenue_of(experiment)
    with pytest.raises(ExplorationInvalid, match="first day"):
        explore(
            experiment_id=experiment,
            request=asked(metric),
            requested_by=ACTOR,
            window_end=NOW,
            received_before=NOW,
        )
    assert not ExploratoryScorecard.objects.exists()

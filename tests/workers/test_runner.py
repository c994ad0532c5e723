import pytest
from django.db.models.functions import Now

from foundation.actions import jobs
from foundation.models import Job, Project
from tests.fixtures.records import make_project
from workers import handlers, runner

pytestmark = pytest.mark.django_db(transaction=True)


def add(kind: str, project_id: int | None = None) -> int:
    key = f"{kind}:{Job.objects.count()}"
    jobs.enqueue(kind=kind, key=key, project_id=project_id, payload={})
    return Job.objects.get(key=key).pk


@pytest.fixture
def kinds(monkeypatch):
    """Let a test add kinds of jobs of its own."""
    known = dict(handlers.HANDLERS)
    monkeypatch.setattr(runner, "HANDLERS", known)
    return known


def test_run__job_that_succeeds__commits_effect_and_done_together(kinds):
    project_id = make_project()
    kinds["rename"] = lambda job, now: Project.objects.filter(pk=project_id).update(name="renamed")
    job_id = add("rename")
    assert runner.run(job_id=job_id)
    assert Project.objects.get(pk=project_id).name == "renamed"
    assert Job.objects.get(pk=job_id).state == "DONE"
    assert not runner.run(job_id=job_id)


def test_run__job_that_fails_after_its_effect__leaves_nothing_but_the_error(kinds):
    project_id = make_project()

    def fail_late(job, now):
        Project.objects.filter(pk=project_id).update(name="renamed")
        raise RuntimeError("late")

    kinds["fail"] = fail_late
    job_id = add("fail")
    assert not runner.run(job_id=job_id)
    assert Project.objects.get(pk=project_id).name == "Shop"
    job = Job.objects.get(pk=job_id)
    assert (job.state, job.attempts) == ("READY", 1)
    assert "late" in job.last_error


def test_run__lease_taken_over_during_the_work__rolls_the_effect_back(kinds):
    project_id = make_project()

    def lose_lease(job, now):
        Project.objects.filter(pk=project_id).update(name="renamed")
        Job.objects.filter(pk=job.id).update(lease_owner="another worker")

    kinds["slow"] = lose_lease
    job_id = add("slow")
    assert not runner.run(job_id=job_id)
    assert Project.objects.get(pk=project_id).name == "Shop"


def test_run__poison_job__is_dead_after_five_attempts_and_others_go_on(kinds):
    kinds["poison"] = lambda job, now: 1 / 0
    kinds["fine"] = lambda job, now: None
    poison, fine = add("poison"), add("fine")
    for _ in range(7):
        Job.objects.filter(pk=poison).update(run_after=Now())
        runner.run(job_id=poison)
    row = Job.objects.get(pk=poison)
    assert (row.state, row.attempts) == ("DEAD", 5)
    assert runner.run(job_id=fine)


def test_run__unknown_kind__says_so(kinds):
    job_id = add("nobody-knows")
    assert not runner.run(job_id=job_id)
    assert "UnknownKind" in Job.objects.get(pk=job_id).last_error


def test_run__long_job__keeps_its_lease_alive(kinds, monkeypatch):
    import time

    monkeypatch.setattr(runner, "HEARTBEAT_SECONDS", 0.1)
    leases = []

    def work(job, now):
        leases.append(Job.objects.get(pk=job.id).lease_until)
        time.sleep(0.5)

    kinds["long"] = work
    job_id = add("long")
    seen = []

    def spy(**arguments):
        result = jobs.extend_lease(**arguments)
        seen.append(result)
        return result

    monkeypatch.setattr(runner, "extend_lease", spy)
    assert runner.run(job_id=job_id)
    assert seen
    assert all(seen)


def test_publish_bundle__run_as_a_job__publishes_the_revision():
    from decisions.models import PublishedBundle

    project_id = make_project()
    job = Job.objects.get(kind="publish_bundle", project_id=project_id)
    assert runner.run(job_id=job.pk)
    bundle = PublishedBundle.objects.get(project_id=project_id)
    assert bundle.version == Project.objects.get(pk=project_id).revision


def test_run__long_job__computes_outside_of_a_transaction_and_writes_inside(kinds, monkeypatch):
    from django.db import connection

    project_id = make_project()
    seen = []

    def compute(job, now):
        seen.append(connection.in_atomic_block)

        def write(at):
            seen.append(connection.in_atomic_block)
            Project.objects.filter(pk=project_id).update(name="trained")

        return write

    monkeypatch.setattr(runner, "LONG_HANDLERS", {"ponder": compute})
    job_id = add("ponder")
    assert runner.run(job_id=job_id)
    assert seen == [False, True]
    assert Project.objects.get(pk=project_id).name == "trained"
    assert Job.objects.get(pk=job_id).state == "DONE"


def test_run__long_job_that_lost_its_lease__writes_nothing(kinds, monkeypatch):
    project_id = make_project()

    def compute(job, now):
        Job.objects.filter(pk=job.id).update(lease_owner="another worker")
        return lambda at: Project.objects.filter(pk=project_id).update(name="trained")

    monkeypatch.setattr(runner, "LONG_HANDLERS", {"ponder": compute})
    assert not runner.run(job_id=add("ponder"))
    assert Project.objects.get(pk=project_id).name == "Shop"

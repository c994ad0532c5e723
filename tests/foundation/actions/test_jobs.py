import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from foundation.actions import jobs
from foundation.models import Job

pytestmark = pytest.mark.django_db


def add(key: str = "k") -> int:
    jobs.enqueue(kind="test", key=key, project_id=None, payload={"a": 1})
    return Job.objects.get(key=key).pk


def expire(job_id: int) -> None:
    Job.objects.filter(pk=job_id).update(lease_until=Now() - timedelta(seconds=1))


def test_enqueue__same_key_twice__is_one_job():
    assert jobs.enqueue(kind="test", key="k", project_id=None, payload={})
    assert not jobs.enqueue(kind="test", key="k", project_id=None, payload={"other": 1})
    assert Job.objects.get().payload == {}


def test_claim__ready_job__counts_the_attempt_before_the_work():
    job_id = add()
    job = jobs.claim(job_id=job_id, owner="a")
    assert job is not None
    assert (job.attempt, job.payload) == (1, {"a": 1})
    assert Job.objects.get().attempts == 1


def test_claim__leased_job__belongs_to_its_worker_until_the_lease_ends():
    job_id = add()
    jobs.claim(job_id=job_id, owner="a")
    assert jobs.claim(job_id=job_id, owner="b") is None
    expire(job_id)
    taken = jobs.claim(job_id=job_id, owner="b")
    assert taken is not None
    assert taken.attempt == 2


def test_finish__lease_taken_over__says_no():
    job_id = add()
    jobs.claim(job_id=job_id, owner="a")
    expire(job_id)
    jobs.claim(job_id=job_id, owner="b")
    assert not jobs.finish(job_id=job_id, owner="a")
    assert not jobs.extend_lease(job_id=job_id, owner="a")
    assert jobs.finish(job_id=job_id, owner="b")
    assert jobs.claim(job_id=job_id, owner="c") is None


def test_fail__five_attempts__rests_as_dead_and_can_be_retried():
    job_id = add()
    for _ in range(5):
        Job.objects.update(run_after=Now())
        job = jobs.claim(job_id=job_id, owner="a")
        assert job is not None
        jobs.fail(job=job, error="boom")
    row = Job.objects.get()
    assert (row.state, row.attempts, row.last_error) == ("DEAD", 5, "boom")
    assert jobs.claim(job_id=job_id, owner="a") is None
    assert jobs.retry(job_id=job_id)
    assert not jobs.retry(job_id=job_id)
    assert jobs.claim(job_id=job_id, owner="a") is not None


def test_fail__first_attempt__waits_before_the_next():
    job_id = add()
    job = jobs.claim(job_id=job_id, owner="a")
    assert job is not None
    jobs.fail(job=job, error="boom")
    assert jobs.claim(job_id=job_id, owner="a") is None
    assert jobs.due_jobs() == []


def test_bury_exhausted__worker_died_on_the_last_attempt__is_dead():
    job_id = add()
    Job.objects.update(attempts=4)
    jobs.claim(job_id=job_id, owner="a")
    expire(job_id)
    assert jobs.due_jobs() == []
    assert jobs.bury_exhausted() == 1
    assert Job.objects.get().state == "DEAD"


@pytest.mark.django_db(transaction=True)
def test_claim__eight_workers_at_once__one_gets_it():
    job_id = add()
    claimed = []
    barrier = threading.Barrier(8)

    def work(name: str) -> None:
        barrier.wait()
        if jobs.claim(job_id=job_id, owner=name) is not None:
            claimed.append(name)
        connection.close()

    threads = [threading.Thread(target=work, args=(f"w{index}",)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == 1
    assert Job.objects.get().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_enqueue__transaction_rolled_back__promises_nothing():
    class Abort(Exception):
        pass

    def promise_and_abort() -> None:
        with transaction.atomic():
            add()
            raise Abort

    with pytest.raises(Abort):
        promise_and_abort()
    assert not Job.objects.exists()


def test_retry_dead__by_its_key__revives_it_and_nothing_else():
    job_id = add()
    assert not jobs.retry_dead(key="k")
    Job.objects.filter(pk=job_id).update(state=Job.State.DEAD, attempts=5)
    assert not jobs.retry_dead(key="other")
    assert jobs.retry_dead(key="k")
    assert (Job.objects.get().state, Job.objects.get().attempts) == (Job.State.READY, 0)


def test_kind_and_wait__job_of_now_of_later_and_none__say_when_it_may_be_claimed():
    for key, after in (("now", None), ("later", timezone.now() + timedelta(hours=1))):
        jobs.enqueue(kind="project_events", key=key, project_id=None, payload={}, run_after=after)
    now, later = (Job.objects.get(key=key).pk for key in ("now", "later"))
    assert jobs.kind_and_wait(job_id=now) == ("project_events", timedelta())
    kind, wait = jobs.kind_and_wait(job_id=later)
    assert kind == "project_events"
    assert timedelta(minutes=50) < wait <= timedelta(hours=1)
    assert jobs.kind_and_wait(job_id=later + 1) is None

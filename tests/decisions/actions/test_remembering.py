"""What units met, in Redis: there before a bundle needs it, whole or not at all, and back after a loss."""

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from django.core.management import call_command
from django.db import connection

from decisions.actions.projection import project_events
from decisions.actions.publishing import publish_bundle
from decisions.actions.remembering import (
    FILL,
    UPDATE,
    StoreLost,
    _marking,
    promise_refills,
    promise_units,
    refill_units,
    remember_units,
)
from decisions.models import ProjectionState
from decisions.queries.live import newest_bundle
from decisions.serving.known import Known, Linked, wants_of
from decisions.serving.unit_keys import filling_key, linked_key, linked_mark, met_key, met_mark
from decisions.serving.unit_store import UnitStore
from experiments.actions.allocation import change_allocation
from experiments.actions.lifecycle import pause
from foundation.models import Job
from tests.fixtures.messages import customer_of, log_alias, log_exposure, minutes, unit_of
from tests.fixtures.records import ACTOR, NOW, make_project, make_running, simulation_clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture
def project() -> int:
    return make_project(clock=simulation_clock())


def expose(project: int, experiment: int, visitor: str, *, variant: str = "treatment", minute: float = 1) -> None:
    name = f"{visitor}-{variant}-{minute}"
    log_exposure(project, experiment, message_id=name, at=NOW + minutes(minute), visitor=visitor, variant=variant)


def project_all(project: int, *, until: float = 60) -> None:
    """Project what is there, as it would have been at so many minutes: what is received later is projected later."""
    project_events(project_id=project)
    ProjectionState.objects.filter(project_id=project).update(watermark=NOW + minutes(until))


def shrink(experiment: int) -> None:
    change_allocation(experiment_id=experiment, acting_user=ACTOR, now=NOW, reason="less", coverage=100_000)


def known_of(project: int, units: dict[str, str]) -> Known:
    bundle = newest_bundle(project)
    store = UnitStore(os.environ["REDIS_URL"], within=5)
    return store.look_up(project, wants_of(bundle, units))


def test_publish__allocation_that_shrank__has_every_unit_before_the_bundle_says_sticky(
    client: redis.Redis, project: int
) -> None:
    experiment = make_running(project)
    expose(project, experiment, "v1")
    expose(project, experiment, "v2", variant="control")
    expose(project, experiment, "v2", minute=9)
    project_all(project)
    publish_bundle(project_id=project)
    assert not newest_bundle(project).snapshot.experiments["button"].is_sticky
    assert client.keys("tiltyard:met:*") == []

    shrink(experiment)
    publish_bundle(project_id=project)

    assert newest_bundle(project).snapshot.experiments["button"].is_sticky
    assert client.hgetall(met_key(project, "visitor", unit_of(project, "v1"))) == {str(experiment): "1 treatment"}
    assert known_of(project, {"visitor": "v1"}).sticky == {experiment: "treatment"}
    assert known_of(project, {"visitor": "v2"}).sticky == {experiment: "control"}, "the first exposure counts"
    assert known_of(project, {"visitor": "v3"}).sticky == {experiment: ""}


def test_publish__coverage_that_grew__keeps_nothing(client: redis.Redis, project: int) -> None:
    experiment = make_running(project, coverage=100_000)
    expose(project, experiment, "v1")
    project_all(project)
    change_allocation(experiment_id=experiment, acting_user=ACTOR, now=NOW, reason="more", coverage=1_000_000)
    publish_bundle(project_id=project)

    assert not newest_bundle(project).snapshot.experiments["button"].is_sticky
    assert client.keys("tiltyard:met:*") == []


def test_publish__redis_is_silent__goes_on_and_leaves_no_mark(
    client: redis.Redis, project: int, settings: object
) -> None:
    experiment = make_running(project)
    shrink(experiment)
    url = settings.REDIS_URL  # type: ignore[attr-defined]
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    version = publish_bundle(project_id=project)
    settings.REDIS_URL = url  # type: ignore[attr-defined]

    assert newest_bundle(project).version == version
    assert known_of(project, {"visitor": "v1"}).sticky == {experiment: None}


def test_remember__units_exposed_later__are_added(client: redis.Redis, project: int) -> None:
    experiment = make_running(project)
    shrink(experiment)
    publish_bundle(project_id=project)
    expose(project, experiment, "late")
    project_all(project)

    payload = Job.objects.get(kind=UPDATE).payload
    written = remember_units(
        project_id=project,
        after=NOW - timedelta(days=1),
        until=NOW + timedelta(days=1),
    )

    assert payload["after"] < payload["until"]
    assert written == 1
    assert known_of(project, {"visitor": "late"}).sticky == {experiment: "treatment"}


def test_remember__earlier_exposure_arriving_later__replaces_what_was_written(
    client: redis.Redis, project: int
) -> None:
    experiment = make_running(project)
    shrink(experiment)
    publish_bundle(project_id=project)
    expose(project, experiment, "v1", minute=9)
    project_all(project, until=15)
    refill_units(project_id=project)
    at, received = NOW + minutes(2), NOW + minutes(20)
    log_exposure(project, experiment, message_id="early", at=at, received_at=received, variant="control")
    project_all(project)

    remember_units(project_id=project, after=NOW + minutes(15), until=NOW + minutes(30))

    assert known_of(project, {"visitor": "v1"}).sticky == {experiment: "control"}


def test_refills__everything_lost__are_promised_once_and_bring_it_back(client: redis.Redis, project: int) -> None:
    experiment = make_running(project)
    expose(project, experiment, "v1")
    project_all(project)
    shrink(experiment)
    publish_bundle(project_id=project)
    client.flushdb()
    assert known_of(project, {"visitor": "v1"}).sticky == {experiment: None}, "lost is not the same as never met"

    assert promise_refills(now=NOW) == 1
    assert promise_refills(now=NOW + minutes(1)) == 0, "one job is open"
    Job.objects.filter(kind=FILL).update(state=Job.State.DONE)
    refill_units(project_id=project)

    assert known_of(project, {"visitor": "v1"}).sticky == {experiment: "treatment"}
    assert promise_refills(now=NOW + minutes(2)) == 0


@pytest.mark.parametrize("damage", ["another run of the server", "little time left"])
def test_refills__mark_that_cannot_be_trusted_for_long__is_renewed(
    client: redis.Redis, project: int, damage: str
) -> None:
    experiment = make_running(project)
    shrink(experiment)
    refill_units(project_id=project)
    assert promise_refills(now=NOW) == 0
    if damage == "little time left":
        client.expire(met_mark(project, experiment), 60)
    else:
        client.set(linked_mark(project), "another", ex=10**7)

    assert promise_refills(now=NOW) == 1


def test_rebuild_sticky__project__writes_everything_again(
    client: redis.Redis, project: int, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = make_running(project)
    expose(project, experiment, "v1")
    project_all(project)
    shrink(experiment)

    call_command("rebuild_sticky", "shop")

    assert "1" in capsys.readouterr().out
    assert client.get(met_mark(project, experiment))


def test_links__customer_of_two_visitors__gets_what_was_met_first(client: redis.Redis, project: int) -> None:
    experiment = make_running(project)
    expose(project, experiment, "phone", variant="control", minute=5)
    expose(project, experiment, "laptop", minute=3)
    log_alias(project, message_id="a1", at=NOW + minutes(10), visitor="phone")
    log_alias(project, message_id="a2", at=NOW + minutes(11), visitor="laptop")
    project_all(project)
    publish_bundle(project_id=project)
    refill_units(project_id=project)

    found = known_of(project, {"customer": "c1"})

    assert found.linked == {experiment: Linked(unit_of(project, "laptop"), "treatment")}
    assert known_of(project, {"customer": "c2"}).linked == {}
    assert "c1" not in str(client.hgetall(linked_key(project, customer_of(project, "c1"))))


def test_links__exposed_after_the_link__are_added(client: redis.Redis, project: int) -> None:
    experiment = make_running(project)
    publish_bundle(project_id=project)
    refill_units(project_id=project)
    log_alias(project, message_id="a1", at=NOW + minutes(1))
    project_all(project, until=20)
    expose(project, experiment, "v1", minute=30)
    project_all(project)

    remember_units(project_id=project, after=NOW + minutes(20), until=NOW + minutes(40))

    assert known_of(project, {"customer": "c1"}).linked == {experiment: Linked(unit_of(project, "v1"), "treatment")}


def test_promise__the_same_stretch__is_one_job(project: int) -> None:
    assert promise_units(project_id=project, after=NOW, until=NOW + minutes(1))
    assert not promise_units(project_id=project, after=NOW, until=NOW + minutes(1))


def test_refills__stretch_that_no_job_will_write__is_filled(client: redis.Redis, project: int) -> None:
    experiment = make_running(project)
    shrink(experiment)
    publish_bundle(project_id=project)
    project_all(project, until=10)
    refill_units(project_id=project)
    expose(project, experiment, "v1", minute=20)
    project_all(project, until=30)
    assert promise_refills(now=NOW) == 0, "a job is waiting"

    Job.objects.filter(kind=UPDATE).update(state=Job.State.DEAD)
    assert promise_refills(now=NOW) == 1
    refill_units(project_id=project)

    assert known_of(project, {"visitor": "v1"}).sticky == {experiment: "treatment"}


def test_remember__stretch_out_of_turn__begins_where_the_writing_has_got_to(client: redis.Redis, project: int) -> None:
    experiment = make_running(project)
    shrink(experiment)
    publish_bundle(project_id=project)
    project_all(project, until=10)
    refill_units(project_id=project)
    expose(project, experiment, "v1", minute=15)
    expose(project, experiment, "v2", minute=25, variant="control")
    project_all(project, until=30)
    Job.objects.all().update(state=Job.State.DONE)

    assert remember_units(project_id=project, after=NOW + minutes(20), until=NOW + minutes(30)) == 2

    assert known_of(project, {"visitor": "v1"}).sticky == {experiment: "treatment"}
    assert promise_refills(now=NOW) == 0, "there is no hole"
    assert remember_units(project_id=project, after=NOW + minutes(10), until=NOW + minutes(20)) == 1
    assert promise_refills(now=NOW) == 0, "the stretch before changes nothing"


def test_remember__after_a_loss__does_not_pass_for_everything(client: redis.Redis, project: int) -> None:
    experiment = make_running(project)
    shrink(experiment)
    publish_bundle(project_id=project)
    project_all(project, until=10)
    client.flushdb()
    Job.objects.all().update(state=Job.State.DONE)

    remember_units(project_id=project, after=NOW + minutes(10), until=NOW + minutes(20))

    assert known_of(project, {"visitor": "v1"}).sticky == {experiment: None}
    assert promise_refills(now=NOW) == 1


def test_fill__store_emptied_meanwhile__sets_no_mark(client: redis.Redis, project: int) -> None:
    mark = met_mark(project, 1)
    with pytest.raises(StoreLost), _marking(client, project, [mark]):
        client.flushdb()
    assert client.get(mark) is None

    with _marking(client, project, [mark]):
        assert client.get(mark) is None, "not before everything is written"
    assert client.get(mark)
    assert client.get(filling_key(project)) is None


def test_publish__others_write_for_long__is_not_kept_waiting(client: redis.Redis, project: int) -> None:
    experiment = make_running(project)
    shrink(experiment)
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('tiltyard.remembering'), %s)", [project])
    try:
        version = publish_bundle(project_id=project)
    finally:
        other.close()

    assert newest_bundle(project).version == version
    assert known_of(project, {"visitor": "v1"}).sticky == {experiment: None}
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


def test_publish__sticky_experiment_that_was_stopped__does_not_wait_for_its_units(
    client: redis.Redis, project: int
) -> None:
    experiment = make_running(project)
    expose(project, experiment, "v1")
    project_all(project)
    shrink(experiment)
    pause(experiment_id=experiment, acting_user=ACTOR, now=NOW, reason="it broke")

    publish_bundle(project_id=project)

    assert not newest_bundle(project).snapshot.experiments["button"].is_running
    assert client.keys("tiltyard:met:*") == []

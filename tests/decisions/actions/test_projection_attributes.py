"""What was known of a unit when it was first exposed, and nothing later."""

import json
from typing import Any

import pytest
from django.db import connection

from decisions.actions.projection import project_events, rebuild
from experiments.models import FirstExposure
from experiments.queries.evidence import evidence_facts
from tests.fixtures.messages import log, minutes, unit_of
from tests.fixtures.records import NOW, make_project, make_running

pytestmark = pytest.mark.django_db


def enrolment(project_id: int, experiment_id: int, **changes: Any) -> dict[str, Any]:
    return {
        "experiment": experiment_id,
        "variant": "treatment",
        "epoch": 1,
        "probability": 0.5,
        "slots": [None, 10, 20],
        "unit": unit_of(project_id, "v1"),
        "unit_kind": "visitor",
        "verification": "TOKEN",
        "reason": None,
        **changes,
    }


def expose(
    project_id: int, experiment_id: int, name: str, at: float, *, received: float | None = None, **sent: Any
) -> None:
    log(
        project_id,
        message_id=name,
        event="Experiment Viewed",
        at=NOW + minutes(at),
        received_at=NOW + minutes(at if received is None else received),
        properties=sent,
        enrolments=[enrolment(project_id, experiment_id)],
    )


def stored() -> list[dict[str, str] | None]:
    return list(FirstExposure.objects.order_by("received_at").values_list("attributes", flat=True))


def test_project_events__attributes_of_the_exposure__are_kept_as_text() -> None:
    project_id = make_project()
    experiment_id = make_running(project_id)
    sent = {"country": "CN", "age": 31, "share": 0.5, "member": True, "gone": None, "list": [1], "deep": {"a": 1}}
    expose(project_id, experiment_id, "e1", 0, attributes=sent)
    project_events(project_id=project_id)
    assert stored() == [{"country": "CN", "age": "31", "share": "0.5", "member": "true"}]


@pytest.mark.parametrize("sent", [{}, {"attributes": {}}, {"attributes": {"deep": {}}}, {"attributes": "CN"}])
def test_project_events__exposure_without_plain_attributes__has_none(sent: dict[str, Any]) -> None:
    project_id = make_project()
    expose(project_id, make_running(project_id), "e1", 0, **sent)
    project_events(project_id=project_id)
    assert stored() == [None]


def test_project_events__attributes_that_came_after_the_first_exposure__are_not_taken_over() -> None:
    project_id = make_project()
    experiment_id = make_running(project_id)
    expose(project_id, experiment_id, "e1", 0)
    expose(project_id, experiment_id, "e2", 5, attributes={"country": "CN"})
    log(project_id, message_id="i", event="Product Viewed", at=NOW, properties={"attributes": {"country": "FR"}})
    project_events(project_id=project_id)
    assert stored() == [None]


def test_project_events__earlier_exposure_that_comes_later__brings_its_own_attributes() -> None:
    project_id = make_project()
    experiment_id = make_running(project_id)
    expose(project_id, experiment_id, "second", 5, received=6, attributes={"country": "CN"})
    expose(project_id, experiment_id, "first", 0, received=7, attributes={"country": "FR"})
    project_events(project_id=project_id)
    assert stored() == [{"country": "CN"}, {"country": "FR"}]


def test_project_events__decision_that_exposed__brings_the_attributes_of_its_request() -> None:
    project_id = make_project()
    experiment_id = make_running(project_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tiltyard_ensure_partition('decisions_eventlog', %s)", [NOW.date()])
        cursor.execute(
            "INSERT INTO decisions_eventlog (project_id, day, message_id, received_at, kind, occurred_at, corrected_at,"
            " visitor, properties, enrolments) VALUES (%s, %s, 'd', %s, 'decision', %s, %s, %s, %s, %s)",
            [
                project_id,
                NOW.date(),
                NOW,
                NOW,
                NOW,
                unit_of(project_id, "v1"),
                json.dumps({"decision_point": "home", "attributes": {"country": "CN"}}),
                json.dumps([enrolment(project_id, experiment_id, verification="DECIDED")]),
            ],
        )
    project_events(project_id=project_id)
    assert stored() == [{"country": "CN"}]


def test_rebuild__exposures_with_attributes__gives_equal_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    project_id = make_project()
    experiment_id = make_running(project_id)
    for index in range(12):
        known = {"country": "CN", "index": index} if index % 3 else {}
        expose(project_id, experiment_id, f"e{index}", 12 - index, received=20 + index // 2, attributes=known)
    project_events(project_id=project_id)
    before, rows = evidence_facts(project_id), stored()
    assert any(rows)
    monkeypatch.setattr("decisions.actions.projection.BATCH", 3)
    rebuild(project_id=project_id)
    assert (evidence_facts(project_id), stored()) == (before, rows)


def test_evidence_facts__attributes_changed__are_another_digest() -> None:
    project_id = make_project()
    expose(project_id, make_running(project_id), "e1", 0, attributes={"country": "CN"})
    project_events(project_id=project_id)
    before = evidence_facts(project_id)
    with connection.cursor() as cursor:
        cursor.execute("""UPDATE experiments_firstexposure SET attributes = '{"country": "FR"}'""")
    assert evidence_facts(project_id).exposures_digest != before.exposures_digest

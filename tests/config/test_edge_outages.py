"""The edge when Postgres is away, when nothing is loaded, when something unforeseen happens: requests go on."""

from pathlib import Path

import pytest

from config.edge import Edge
from config.local.embedded import Postgres, Shutdown
from tests.config.edges import BOTH, call, log_of, start_edge
from tests.decisions.published import message, publish, text_of
from tests.experiments.assignment.builders import experiment, variant


def test_postgres_away__assignments_go_on_with_a_reason_and_events_are_refused_with_retry_after(
    breakable_postgres: Postgres, tmp_path: Path
) -> None:
    publish(breakable_postgres.url, text_of(*BOTH, version=12))
    edge = start_edge(breakable_postgres.url, tmp_path, stale_seconds=0.2)
    try:
        before = call(edge, "/v1/assignments", {"units": {"visitor": "v-1"}}).json
        assert call(edge, "/v1/batch", {"batch": [message(1)]}).status == 202

        breakable_postgres.shut_down(Shutdown.IMMEDIATE)
        refused = [call(edge, "/v1/batch", {"batch": [message(2)]}) for _ in range(3)]
        while not edge.runtime.is_stale():
            pass
        after = call(edge, "/v1/assignments", {"units": {"visitor": "v-1"}})

        assert [(answer.status, answer.json["code"]) for answer in refused] == [(503, "INGEST_UNAVAILABLE")] * 3
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
        assert after.status == 200
        assert after.json["assignments"] == before["assignments"]
        assert after.json["metadata"] == {"degraded": "BUNDLE_STALE"}
        assert call(edge, "/healthz/ready", method="GET").status == 200

        breakable_postgres.start()
        while call(edge, "/v1/batch", {"batch": [message(2)]}).status != 202:
            pass
        assert [found[0] for found in log_of(breakable_postgres)] == ["message-1", "message-2"]
    finally:
        edge.close()


def test_nothing_loaded__assignments_answer_empty_and_events_wait(tmp_path: Path) -> None:
    edge = start_edge("postgresql://nobody@127.0.0.1:1/none", tmp_path)
    try:
        answer = call(edge, "/v1/assignments", {"units": {"visitor": "v-1"}})
        assert (answer.status, answer.json["assignments"]) == (200, [])
        assert answer.json["metadata"] == {"degraded": "BUNDLE_MISSING"}
        assert call(edge, "/v1/assignments", {"units": {}}, key="nonsense").status == 401
        assert call(edge, "/v1/batch", {"batch": []}).status == 503
        ready = call(edge, "/healthz/ready", method="GET")
        assert (ready.status, ready.json["ready"]) == (503, False)
        assert call(edge, "/healthz/live", method="GET").status == 200
    finally:
        edge.close()


def test_assignments__fault_nobody_foresaw__still_answers_the_storefront(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.edge.assignments.answers.render_assignments", lambda *_, **__: 1 / 0)

    answer = call(edge, "/v1/assignments", {"units": {"visitor": "v-1"}})

    assert (answer.status, answer.json["assignments"]) == (200, [])
    assert answer.json["metadata"] == {"degraded": "ENGINE_ERROR"}


def test_fault_nobody_foresaw__elsewhere__answers_500_with_a_reference_and_no_detail(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.edge.events.receive", lambda *_, **__: 1 / 0)

    answer = call(edge, "/v1/batch", {"batch": [message(1)]})

    assert (answer.status, answer.json["code"]) == (500, "INTERNAL_FAULT")
    assert "division" not in answer.body.decode()


def test_kill_switch__paused_experiment__reaches_the_process_within_a_second(
    edge: Edge, breakable_postgres: Postgres
) -> None:
    treated = experiment(1, variants=[variant("control", []), variant("arm-1", [[0, 1_000_000]])])
    publish(breakable_postgres.url, text_of(treated, version=13))
    publish(breakable_postgres.url, text_of(treated | {"status": "PAUSED"}, version=14))
    while (body := call(edge, "/v1/assignments", {"units": {"visitor": "v"}}).json)["bundle_version"] < 14:
        pass

    (answer,) = body["assignments"]
    assert (answer["variant"], answer["enrolled"], answer["reason"]) == ("control", False, "NOT_RUNNING")

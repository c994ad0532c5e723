"""The family of a browser with its exposures, and campaigns whose exposures come from a file."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.edge import Edge
from config.local.embedded import Postgres
from experiments.bulk.columns import Attribute
from experiments.bulk.frames import Layout
from experiments.bulk.run import Request, assign_file
from tests.config.edges import call, start_edge
from tests.decisions.published import CLIENT_KEY, SERVER_KEY, companion, publish, text_of
from tests.experiments.assignment.builders import experiment

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
GERMAN = experiment(1, audience={"attribute": "country", "op": "eq", "value": "DE"})


@pytest.fixture
def edge_of(breakable_postgres: Postgres, tmp_path: Path) -> Iterator[Any]:
    """Return a function that starts an edge of a project that stores these attributes."""
    running: list[Edge] = []

    def start(*attributes: str) -> Edge:
        secrets = companion(attributes=list(attributes))
        publish(breakable_postgres.url, text_of(GERMAN, secrets=secrets))
        running.append(start_edge(breakable_postgres.url, tmp_path))
        return running[-1]

    yield start
    for edge in running:
        edge.close()


def exposure(edge: Edge, name: str, **properties: Any) -> dict[str, Any]:
    asked = {"units": {"visitor": "v-1"}, "attributes": {"country": "DE"}}
    token = call(edge, "/v1/assignments", asked).json["decision_token"]
    return {
        "messageId": name,
        "anonymousId": "v-1",
        "event": "Experiment Viewed",
        "timestamp": datetime.now(UTC).isoformat(),
        "properties": {"decision_token": token, **properties},
    }


def stored(postgres: Postgres) -> dict[str, Any]:
    with psycopg.connect(postgres.url) as connection:
        rows = connection.execute("SELECT message_id, properties, enrolments FROM decisions_eventlog").fetchall()
    return {name: (properties, enrolments) for name, properties, enrolments in rows}


def send(edge: Edge, message: dict[str, Any], *, key: str = CLIENT_KEY, agent: str = FIREFOX) -> None:
    assert call(edge, "/v1/track", message, key=key, HTTP_USER_AGENT=agent).status == 202


def test_exposure__from_a_browser__is_stored_with_its_family_unless_the_shop_says_it(
    edge_of: Any, breakable_postgres: Postgres
) -> None:
    edge = edge_of("country", "browser")
    send(edge, exposure(edge, "alone"))
    send(edge, exposure(edge, "beside", attributes={"country": "DE"}))
    send(edge, exposure(edge, "said", attributes={"browser": "kiosk"}))
    send(edge, exposure(edge, "odd", attributes=[1]))
    send(edge, exposure(edge, "server"), key=SERVER_KEY)
    send(edge, exposure(edge, "view") | {"event": "Product Viewed"})

    attributes = {name: properties.get("attributes") for name, (properties, _) in stored(breakable_postgres).items()}
    assert attributes == {
        "alone": {"browser": "firefox"},
        "beside": {"country": "DE", "browser": "firefox"},
        "said": {"browser": "kiosk"},
        "odd": {"browser": "firefox"},
        "server": None,
        "view": None,
    }


def test_exposure__project_that_stores_no_browser__has_none(edge_of: Any, breakable_postgres: Postgres) -> None:
    edge = edge_of("country")
    send(edge, exposure(edge, "alone", attributes={"country": "DE"}))

    assert stored(breakable_postgres)["alone"][0]["attributes"] == {"country": "DE"}


def test_campaign__exposures_of_a_file__are_computed_again_and_count_once(
    edge_of: Any, breakable_postgres: Postgres, tmp_path: Path
) -> None:
    edge = edge_of("country")
    source, lines = tmp_path / "units.csv", tmp_path / "exposures.jsonl"
    source.write_text("id,country\n" + "".join(f"u-{n},{'DE' if n % 2 else 'CN'}\n" for n in range(1_200)))
    request = Request(
        source=source,
        layout=Layout(unit_kind="visitor", id_column="id", attributes=(Attribute("country"),)),
        at=datetime.now(UTC),
        keys=None,
        output=tmp_path / "out.csv",
        exposures=lines,
    )
    assign_file(request, edge.runtime.live.by_project[1].snapshot, progress=lambda rows: None)

    bodies = lines.read_bytes().splitlines()
    answers = [call(edge, "/v1/batch", body, key=SERVER_KEY).json for body in [*bodies, *bodies]]
    assert [answer["accepted"] for answer in answers] == [500, 100, 0, 0]
    assert [answer["duplicate"] for answer in answers] == [0, 0, 500, 100]
    found = [json.dumps(enrolments[0]["verification"]) for _, enrolments in stored(breakable_postgres).values()]
    assert found == ['"RECOMPUTED"'] * 600
    assert {enrolments[0]["reason"] for _, enrolments in stored(breakable_postgres).values()} == {None}

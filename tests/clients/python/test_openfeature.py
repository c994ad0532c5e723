"""The provider for the OpenFeature SDK: values in process, kept while the server is away."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.track import TrackingEventDetails

from config.edge import Edge
from config.local.embedded import Postgres
from tests.clients.serving import database_edge, file_edge, listening
from tests.config.edges import call, log_of
from tests.decisions.published import SERVER_KEY, companion, published
from tests.experiments.assignment.builders import arms, content, experiment, layer
from tiltyard_client import Client, Settings
from tiltyard_client.openfeature import TiltyardProvider

KINDS = {"boolean": True, "string": "a", "integer": 3, "float": 2.5, "object": {"a": [1]}}
DEFAULTS = {"boolean": False, "string": "", "integer": 0, "float": 1.0, "object": {}}
FLAGS = [
    {"key": f"a-{name}", "kind": name.upper(), "default": default, "layer": 1} for name, default in DEFAULTS.items()
]
HALVES = [
    arm | {"parameters": {f"a-{k}": v for k, v in KINDS.items()} if n else {}} for n, arm in enumerate(arms(1, 999_999))
]
CONTENT = content(
    experiment(1, layer=1, layer_ranges=[[0, 1_000_000]], variants=HALVES), layers=[layer(1)], version=4
) | {"schema": 3, "flags": [*FLAGS, {"key": "alone", "kind": "STRING", "default": "x", "layer": None}]}
TEXT = published(CONTENT, companion())
VISITOR = EvaluationContext("v-1", {"country": "DE"})


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    edge = file_edge(tmp_path, TEXT)
    yield edge
    edge.close()


def sdk(url: str) -> OpenFeatureClient:
    client = Client(Settings(url=url, server_key=SERVER_KEY, flush_seconds=0.05, timeout_seconds=0.5))
    api.set_provider_and_wait(TiltyardProvider(client))
    return api.get_client()


@pytest.fixture(autouse=True)
def _shut_down() -> Iterator[None]:
    yield
    api.shutdown()


def details(client: OpenFeatureClient, name: str, context: EvaluationContext = VISITOR) -> Any:
    return getattr(client, f"get_{name}_details")(f"a-{name}", DEFAULTS[name], context)


def test_values__of_every_type__are_those_of_the_protocol_and_stay_while_the_server_is_away(edge: Edge) -> None:
    with listening(edge) as url:
        client = sdk(url)
        here = {name: details(client, name) for name in KINDS}
        assert not here["boolean"].error_code, here["boolean"]
        for name, found in here.items():
            body = {"context": {"targetingKey": "v-1", "country": "DE"}}
            remote = json.loads(call(edge, f"/ofrep/v1/evaluate/flags/a-{name}", body).body)
            told = (found.value, found.variant, found.reason, found.flag_metadata["reason"])
            assert told == (remote["value"], remote["variant"], remote["reason"], remote["metadata"]["reason"])
            assert found.value == KINDS[name]
    assert {name: details(client, name).value for name in KINDS} == KINDS


def test_values__that_cannot_be__are_the_callers_default_with_the_code(edge: Edge) -> None:
    with listening(edge) as url:
        client = sdk(url)
        assert client.get_string_details("alone", "y", VISITOR).value == "x"
        assert client.get_string_details("gone", "y", VISITOR).error_code == "FLAG_NOT_FOUND"
        mismatch = client.get_string_details("a-integer", "y", VISITOR)
        assert (mismatch.value, mismatch.error_code) == ("y", "TYPE_MISMATCH")
        missing = details(client, "boolean", EvaluationContext(None, {"country": "DE"}))
        assert (missing.value, missing.error_code) == (False, "TARGETING_KEY_MISSING")
        customer = details(client, "boolean", EvaluationContext(None, {"userId": "c-1"}))
        assert (customer.value, customer.flag_metadata["reason"]) == (False, "REMOTE_ONLY")


def test_values__without_any_bundle__are_the_callers_default() -> None:
    client = sdk("http://127.0.0.1:9")
    found = details(client, "integer")
    assert (found.value, found.error_code) == (0, "PROVIDER_NOT_READY")


def test_exposures_and_events__are_reported_and_evaluating_reports_nothing(
    breakable_postgres: Postgres, tmp_path: Path
) -> None:
    edge = database_edge(breakable_postgres.url, tmp_path, TEXT)
    with listening(edge) as url:
        client = sdk(url)
        details(client, "boolean")
        provider = client.provider
        assert isinstance(provider, TiltyardProvider)
        assert provider.client.flush(5)
        assert log_of(breakable_postgres) == []
        assert provider.expose("a-boolean", VISITOR)
        assert provider.expose("a-string", VISITOR)
        client.track("Order Completed", VISITOR, TrackingEventDetails(49.5, {"order_id": "o-1"}))
        assert provider.client.flush(10)
    edge.close()
    rows = {row[2]: row for row in log_of(breakable_postgres)}
    assert len(rows) == 2
    assert rows["Order Completed"][4] == {"order_id": "o-1", "value": 49.5}
    assert rows["Experiment Viewed"][5][0]["verification"] == "RECOMPUTED"

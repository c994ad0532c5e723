"""What units met before, links, previews and explanations at an edge: with its store, without, and after a loss."""

import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from config.edge import Edge
from config.local.embedded import Postgres, Valkey
from decisions.serving.bundle import SigningKey
from decisions.serving.preview import sign_preview
from decisions.serving.unit_keys import linked_key, linked_mark, met_key, met_mark
from foundation.ids import hash_unit
from tests.config.decision_edges import CATALOGUE, MakeEdge, ask, publish_point
from tests.config.edges import call, log_of
from tests.decisions.published import CLIENT_KEY, PEPPER, SECRET, SERVER_KEY, ab_point, policy, publish, text_of
from tests.experiments.assignment.builders import arms, experiment

TREATED = arms(0, 1_000_000)
STICKY = experiment(1, variants=TREATED, sticky=True)
VISITOR, OTHER, CUSTOMER = (
    hash_unit(PEPPER, kind, unit) for kind, unit in [("visitor", "v-1"), ("visitor", "v-2"), ("customer", "c-1")]
)


def remember(client: redis.Redis) -> None:
    """Let v-1 have met the control before the treatment got all traffic, and nobody else anything."""
    client.hset(met_key(1, "visitor", VISITOR), "1", "1 control")
    client.set(met_mark(1, 1), "run")


def link(client: redis.Redis, *, experiment_id: int = 1, visitor: str = VISITOR, variant: str = "control") -> None:
    client.hset(linked_key(1, CUSTOMER), str(experiment_id), f"{visitor} {variant}")
    client.set(linked_mark(1), "run")


def first(edge: Edge, units: dict[str, Any], **parts: Any) -> tuple[str, str, bool]:
    body = call(edge, "/v1/assignments", {"units": units} | parts).json
    found = body["assignments"][0]
    return found["variant"], found["reason"], found["enrolled"]


def test_assignments__sticky_experiment__keeps_what_was_met(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    remember(history)
    publish(postgres.url, text_of(STICKY))
    edge = make_edge(own_valkey.url)

    assert first(edge, {"visitor": "v-1"}) == ("control", "STICKY", True)
    assert first(edge, {"visitor": "v-2"}) == ("arm-1", "SPLIT", True)


def test_assignments__store_flushed_killed_and_back__never_draws_again_meanwhile(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    remember(history)
    publish(postgres.url, text_of(STICKY, experiment(2, variants=TREATED)))
    edge = make_edge(own_valkey.url)
    assert first(edge, {"visitor": "v-1"})[1] == "STICKY"

    history.flushall()
    assert first(edge, {"visitor": "v-1"}) == ("control", "STICKY_UNAVAILABLE", False)
    assert first(edge, {"visitor": "v-2"}) == ("control", "STICKY_UNAVAILABLE", False)
    own_valkey.kill()
    assert first(edge, {"visitor": "v-1"}) == ("control", "STICKY_UNAVAILABLE", False)
    assert first(edge, {"visitor": "v-1"}, experiments=["experiment-2"]) == ("arm-1", "SPLIT", True)
    own_valkey.start()
    remember(history)
    edge.store._rests_until = 0.0
    assert first(edge, {"visitor": "v-1"}) == ("control", "STICKY", True)


def test_assignments__store_that_never_answers__is_waited_for_once(postgres: Postgres, make_edge: MakeEdge) -> None:
    publish(postgres.url, text_of(STICKY))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        edge = make_edge(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        found = {first(edge, {"visitor": "v-1"}) for _ in range(100)}

    assert found == {("control", "STICKY_UNAVAILABLE", False)}


def test_assignments__nothing_sticky__asks_no_store(postgres: Postgres, make_edge: MakeEdge) -> None:
    publish(postgres.url, text_of(experiment(1, variants=TREATED)))
    edge = make_edge("redis://127.0.0.1:1/0")

    assert first(edge, {"visitor": "v-1", "customer": "c-1"}) == ("arm-1", "SPLIT", True)
    assert edge.store._rest == 0.0, "a request to a closed port would have made it rest"


def exposure(token: str, **ids: str) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Experiment Viewed",
        "messageId": f"m-{sorted(ids.values())}",
        "timestamp": datetime.now(UTC).isoformat(),
        "properties": {"decision_token": token, "experiment": "experiment-1"},
    } | ids


def test_assignments__customer_alone__gets_the_visitor_s_variant_and_a_token_that_counts_for_the_visitor(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    link(history)
    publish(postgres.url, text_of(experiment(1, variants=TREATED)))
    edge = make_edge(own_valkey.url)

    assert first(edge, {"customer": "c-1"}) == ("control", "STICKY", True)
    assert first(edge, {"customer": "c-2"}) == ("control", "ALIAS_UNKNOWN", False)
    token = call(edge, "/v1/assignments", {"units": {"customer": "c-1"}}).json["decision_token"]
    sent = [
        exposure(token, userId="c-1"),
        exposure(token, userId="c-2"),
        exposure(token, anonymousId="v-1"),
        exposure(token, anonymousId="v-2", userId="c-1"),
    ]
    assert call(edge, "/v1/batch", {"batch": sent}).json["accepted"] == 4

    reasons = {row[0]: (row[5][0]["reason"], row[5][0]["unit"] == VISITOR) for row in log_of(postgres)}
    assert reasons == {
        "m-['c-1']": (None, True),
        "m-['c-2']": ("TOKEN_WRONG_UNIT", True),
        "m-['v-1']": (None, True),
        "m-['c-1', 'v-2']": ("TOKEN_WRONG_UNIT", True),
    }


def test_assignments__customer_who_was_two_visitors__gets_both_and_a_token_about_one(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    link(history)
    link(history, experiment_id=2, visitor=OTHER, variant="arm-1")
    publish(postgres.url, text_of(experiment(1), experiment(2)))
    edge = make_edge(own_valkey.url)

    body = call(edge, "/v1/assignments", {"units": {"customer": "c-1"}}).json

    assert [(a["variant"], a["reason"]) for a in body["assignments"]] == [("control", "STICKY"), ("arm-1", "STICKY")]
    sent = exposure(body["decision_token"], userId="c-1")
    sent["properties"].pop("experiment")
    call(edge, "/v1/track", sent)
    (row,) = log_of(postgres)
    assert [entry["experiment"] for entry in row[5]] == [1]


def test_assignments__no_store_at_all__leaves_the_customer_with_the_control(
    postgres: Postgres, make_edge: MakeEdge
) -> None:
    publish(postgres.url, text_of(experiment(1, variants=TREATED)))

    assert first(make_edge(), {"customer": "c-1"}) == ("control", "STICKY_UNAVAILABLE", False)


def preview_of(variant: str, **changes: Any) -> str:
    parts: dict[str, Any] = {"expires": datetime.now(UTC) + timedelta(hours=1), "keys": [SigningKey("1", SECRET)]}
    return sign_preview(**({"project_id": 1, "experiment": "experiment-1", "variant": variant} | parts | changes))


def test_assignments__preview__is_shown_and_said(postgres: Postgres, make_edge: MakeEdge) -> None:
    publish(postgres.url, text_of(experiment(1, variants=TREATED)))
    edge = make_edge()
    ask_for = {"units": {"visitor": "v-1"}}

    shown = call(edge, "/v1/assignments", ask_for | {"preview": preview_of("control")}).json
    late = preview_of("control", expires=datetime.now(UTC) - timedelta(hours=1))
    refused = call(edge, "/v1/assignments", ask_for | {"preview": late}).json

    assert (shown["assignments"][0]["variant"], shown["assignments"][0]["reason"]) == ("control", "PREVIEW")
    assert (shown["metadata"]["preview"], shown["decision_token"]) == ("APPLIED", None)
    assert (refused["assignments"][0]["variant"], refused["metadata"]["preview"]) == ("arm-1", "EXPIRED")
    assert call(edge, "/v1/assignments", ask_for | {"preview": 5}).status == 400


def test_decisions__sticky_link_and_preview__choose_the_policy(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    remember(history)
    link(history)
    publish_point(postgres, STICKY, at=ab_point(policy("fixed", actions=["item-07"])))
    edge = make_edge(own_valkey.url)

    kept = ask(edge, {"visitor": "v-1"}).json
    drawn = ask(edge, {"visitor": "v-2"}).json
    linked = ask(edge, {"customer": "c-1"}, expose=True).json
    shown = ask(edge, {"visitor": "v-1"}, preview=preview_of("arm-1")).json

    assert (kept["assignment"]["reason"], kept["policy"]) == ("STICKY", "baseline")
    assert (drawn["assignment"]["reason"], drawn["policy"]) == ("SPLIT", "fixed")
    assert (linked["assignment"]["reason"], linked["exposed"]) == ("STICKY", True)
    assert (shown["assignment"]["reason"], shown["policy"], shown["exposed"]) == ("PREVIEW", "fixed", False)
    assert shown["metadata"]["preview"] == "APPLIED"
    assert len(CATALOGUE) > 0


def test_explain__server_key__gets_the_steps_and_the_answer_of_assignments(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    remember(history)
    publish(postgres.url, text_of(STICKY))
    edge = make_edge(own_valkey.url)
    body = {"units": {"visitor": "v-1"}, "experiments": ["experiment-1"]}

    found = call(edge, "/v1/explain", body, key=SERVER_KEY).json
    (given,) = call(edge, "/v1/assignments", body).json["assignments"]

    assert [step["code"] for step in found["steps"]][-1] == "STICKY"
    assert all(step["text"] for step in found["steps"])
    assert found["answer"] == {name: given[name] for name in found["answer"]}


@pytest.mark.parametrize(
    ("body", "key", "status", "code"),
    [
        ({"units": {}, "experiments": ["experiment-1"]}, CLIENT_KEY, 403, "SERVER_KEY_NEEDED"),
        ({"units": {}}, SERVER_KEY, 400, "EXPERIMENT_NOT_NAMED"),
        ({"units": {}, "experiments": ["a", "b"]}, SERVER_KEY, 400, "EXPERIMENT_NOT_NAMED"),
        (b"{", SERVER_KEY, 400, "REQUEST_MALFORMED"),
        ({"units": {}, "experiments": ["experiment-1"]}, "nonsense", 401, "API_KEY_UNKNOWN"),
    ],
)
def test_explain__request_that_cannot_be_explained__is_refused(
    postgres: Postgres, make_edge: MakeEdge, body: object, key: str, status: int, code: str
) -> None:
    publish(postgres.url, text_of())
    answer = call(make_edge(), "/v1/explain", body, key=key)

    assert (answer.status, answer.json["code"]) == (status, code)

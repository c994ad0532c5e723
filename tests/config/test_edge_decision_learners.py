"""Learning policies, other collections and what was shown lately, on a real Postgres and a real Valkey."""

import json
import time
from collections import Counter
from typing import Any

import numpy as np
import redis

from config.local.embedded import Postgres, Valkey
from decisions.learning.state import BetaSnapshot, write_state
from decisions.serving.feature_keys import showing, shown_key
from decisions.serving.learners import is_held_back
from tests.config.decision_edges import BASIC, CATALOGUE, HASHED, MakeEdge, ask, decisions_of, shown
from tests.decisions.published import (
    ITEMS,
    companion,
    decision_content,
    file_record,
    learner_record,
    point,
    publish,
    publish_files,
    published,
)
from tests.experiments.assignment.builders import experiment

CREATIVES = json.dumps(
    {
        "schema": 2,
        "collection": "creatives",
        "fresh_at": None,
        "items": ["red", "blue", "green"],
        "in_stock": [1, 1, 1],
        "baseline": [0.3, 0.2, 0.1],
        "fields": {"campaign": ["spring", "spring", "summer"], "bid": [1.0, 1.0, 1.0], "slot": ["", "", "top"]},
    }
).encode()
STATE = write_state(
    BetaSnapshot(
        floor=0.2,
        items=ITEMS[:2],
        counts=np.array([[20.0, 3.0], [1.0, 9.0]]),
        best=np.array([0.9495, 0.05]),
        best_unseen=0.0005,
        unseen_rate=0.1,
    )
)


def publish_learner(postgres: Postgres, *, version: int = 1, seal: str | None = None, **changes: Any) -> None:
    """Publish a point whose traffic outside experiments a learning policy serves."""
    record = learner_record(5, STATE, **changes) | ({} if seal is None else {"seal": seal})
    publish_files(postgres.url, CATALOGUE, STATE)
    content = decision_content(
        experiment(1),
        points=[point(learner=5, slate_size=1)],
        learners=[record],
        catalogue=file_record(CATALOGUE),
        version=version,
    )
    publish(postgres.url, published(content, companion()))


def publish_banner(postgres: Postgres) -> None:
    """Publish a point of the ad placement domain."""
    publish_files(postgres.url, CREATIVES)
    banner = point(domain="ad_placement", key="banner", slate_size=2)
    catalogues = [{"collection": "creatives", **file_record(CREATIVES)}]
    content = decision_content(experiment(1), points=[banner], catalogues=catalogues)
    publish(postgres.url, published(content, companion()))


def test_decisions__learner__draws_as_its_propensities_say_holds_back_its_share_and_logs_both(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey
) -> None:
    publish_learner(postgres, holdback=0.25)
    edge = make_edge(own_valkey.url)
    record = edge.runtime.live.by_project[1].points.learners[5]

    answers = {f"v-{n}": ask(edge, {"visitor": f"v-{n}"}, expose=True) for n in range(200)}

    for visitor, answer in answers.items():
        held = is_held_back(record, visitor.encode())
        assert answer.json["reason"] == ("HOLDBACK" if held else "LEARNED")
        assert answer.json["learner"] == {"key": "home-learner", "state": None if held else 3}
        if held:
            assert shown(answer) == BASIC[:1]
    first = Counter(shown(answer)[0] for answer in answers.values() if answer.json["reason"] == "LEARNED")
    assert first["item-00"] > 0.5 * sum(first.values())
    assert len(first) > 1
    rows = [row["properties"] for row in decisions_of(postgres, 200)]
    assert {(row["learner"], row["holdback"], row["state"]) for row in rows} == {(5, False, 3), (5, True, None)}
    assert all(row["displayed"] and not row["exposed"] for row in rows)
    logged = Counter(row["actions"][0][0] for row in rows if not row["holdback"])
    assert logged == first


def test_decisions__forged_state__is_the_baseline_and_the_next_good_one_serves(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey
) -> None:
    publish_learner(postgres, seal="0" * 64)
    edge = make_edge(own_valkey.url)

    assert (ask(edge).json["reason"], shown(ask(edge))) == ("LEARNER_UNAVAILABLE", BASIC[:1])
    assert any("LEARNER_STATE_FORGED" in fault for fault in edge.runtime.status().faults)

    publish_learner(postgres, version=2)
    deadline = time.monotonic() + 20
    while ask(edge).json["reason"] != "LEARNED":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_decisions__creatives_of_another_collection__obey_their_domain_and_what_was_shown_lately(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey
) -> None:
    publish_banner(postgres)
    edge = make_edge(own_valkey.url)
    client = redis.Redis.from_url(own_valkey.url)

    fresh = ask(edge, at="banner", context={"slot": "top"}, expose=True)
    elsewhere = ask(edge, at="banner", context={"slot": "bottom"})
    lately, long_ago = time.time() - 60, time.time() - 2 * 86_400
    client.zadd(shown_key(1, "visitor", HASHED), {showing("red", f"d-{n}"): lately for n in range(5)})
    client.zadd(shown_key(1, "visitor", HASHED), {showing("green", f"d-{n}"): long_ago for n in range(9)})
    capped = ask(edge, at="banner", context={"slot": "top"})
    unknown = ask(edge, at="banner", context={"recent_items": ["red"]})
    client.close()

    assert (fresh.json["reason"], shown(fresh)) == ("BASELINE", ["red", "green"])
    assert shown(elsewhere) == ["red"], "one creative of a campaign, and green is for the top alone"
    assert shown(capped) == ["blue", "green"]
    assert (unknown.status, unknown.json["code"]) == (422, "CONTEXT_UNKNOWN")
    assert "ad_placement knows: slot, " in unknown.json["detail"]
    rows = {row["properties"]["removed"].get("frequency_cap"): row for row in decisions_of(postgres, 3)}
    assert set(rows) == {None, 1}
    assert rows[1]["properties"]["context"] == {"slot": "top"}


def test_decisions__collection_that_was_never_published__has_no_actions(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey
) -> None:
    publish_files(postgres.url, CATALOGUE)
    banner = point(domain="ad_placement", key="banner")
    content = decision_content(experiment(1), points=[point(), banner], catalogue=file_record(CATALOGUE))
    publish(postgres.url, published(content, companion()))
    edge = make_edge(own_valkey.url)

    assert (ask(edge, at="banner").json["reason"], shown(ask(edge, at="banner"))) == ("CATALOGUE_MISSING", [])
    assert shown(ask(edge)) == BASIC

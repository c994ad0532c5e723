"""The JavaScript engine answers bit by bit what the server's engine answers."""

import json
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from xxhash import xxh3_64_hexdigest

from experiments.assignment.engine import assign
from experiments.assignment.snapshot import Assignment
from tests.experiments.assignment.builders import AT, arms, compiled, content, experiment, holdout, layer, variant
from tests.fixtures.node import RunNode
from tests.golden import generate

HERE = Path(__file__).parent
GOLDEN: dict[str, Any] = json.loads(generate.PATH.read_text(encoding="ascii"))
SEED = 20_260_601
IDS = [
    "v-1",
    "v-2",
    "",
    "用户-1",
    "🛒",
    "caf\u00e9",
    "cafe\u0301",
    "x" * 300,
    "x" * 10_240,
    "é" * 5_121,
    "a\0b",
    42,
    None,
]
VALUES = [
    "DE",
    "CN",
    "1.2.3",
    "v1.2",
    "1.2.3-rc.1",
    "1.2.3-rc.10",
    "99999999999999999.0.0",
    "/sale",
    "",
    5,
    5.5,
    0,
    True,
]
BOUNDS = ["1.2.3", "1.2.3-alpha", "1.2.3-rc.2", "2", "99999999999999998.0.0"]


def golden(run_node: RunNode, count: int, seconds: float) -> Any:
    return json.loads(run_node(HERE / "golden.mjs", str(generate.PATH), str(count), timeout=seconds))


def test_golden_vectors__ten_thousand_and_the_special_ones__are_identical_in_node(run_node: RunNode) -> None:
    found = golden(run_node, 0, 120)
    assert found["differing"] == []
    assert found["special"] == []


@pytest.mark.nightly
def test_golden_vectors__a_million__have_the_published_digest_in_node(run_node: RunNode) -> None:
    assert golden(run_node, 1_000_000, 1_200)["sha256"] == GOLDEN["million"]["sha256"]


def test_hash__of_inputs_of_every_length__is_xxh3_64(run_node: RunNode) -> None:
    most = 1_300
    inputs = [bytes((n * n + 7 * n + length) & 255 for n in range(length)) for length in range(most + 1)]
    assert run_node(HERE / "hashes.mjs", str(most)).split() == [xxh3_64_hexdigest(raw) for raw in inputs]


def answered(assignment: Assignment) -> dict[str, Any]:
    """Return an assignment as the client says it."""
    answer = assignment.answer
    found: dict[str, Any] = {
        "experiment": answer.experiment_key,
        "experiment_id": answer.experiment_id,
        "unit_kind": answer.unit_kind,
        "variant": answer.variant,
        "enrolled": answer.enrolled,
        "reason": answer.reason.value,
        "epoch": answer.epoch,
        "probability": answer.probability,
        "parameters": dict(answer.parameters),
        "slots": list(assignment.slots),
    }
    found |= {} if answer.budget is None else {"budget": answer.budget}
    return found | ({} if assignment.period is None else {"period": assignment.period})


def compare(run_node: RunNode, parts: dict[str, Any], calls: list[dict[str, Any]]) -> set[str]:
    """Assert that both engines answer every call alike; return the reasons that were met."""
    bundle = content(*parts.pop("experiments"), **parts)
    snapshot = compiled(*bundle["experiments"], **parts)
    theirs = json.loads(run_node(HERE / "answers.mjs", input=json.dumps({"bundle": bundle, "calls": calls})))
    reasons: set[str] = set()
    for call, there in zip(calls, theirs, strict=True):
        options = call["options"]
        ours = assign(
            call["units"],
            call["attributes"],
            datetime.fromisoformat(call["at"]),
            None,
            snapshot,
            keys=options["experiments"],
            personalised=options["personalised"],
        )
        assert told(there) == told([answered(assignment) for assignment in ours]), call
        reasons |= {assignment.reason.value for assignment in ours}
    return reasons


def told(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return answers without the slots of what does not run: the server draws them or not, as is quicker there."""
    return [answer | ({"slots": None} if answer["reason"] == "NOT_RUNNING" else {}) for answer in answers]


def call(units: Any, attributes: Any = None, at: datetime = AT, **options: Any) -> dict[str, Any]:
    asked = {"experiments": None, "personalised": True} | options
    return {"units": units, "attributes": attributes or {}, "at": at.isoformat(), "options": asked}


def conditions(dice: random.Random, depth: int = 0) -> dict[str, Any]:
    """Return a random audience without regular expressions."""
    if depth < 3 and dice.random() < 0.5:
        word = dice.choice(["all", "any", "not"])
        if word == "not":
            return {"not": conditions(dice, depth + 1)}
        return {word: [conditions(dice, depth + 1) for _ in range(dice.randint(1, 3))]}
    op = dice.choice(["eq", "ne", "in", "not_in", "gt", "gte", "lt", "lte", "prefix", "semver_gte", "semver_lt"])
    plain = [value for value in VALUES if value != ""]
    value: Any = dice.choice(plain)
    if op in ("in", "not_in"):
        value = dice.sample(plain, 3)
    elif op in ("gt", "gte", "lt", "lte"):
        value = dice.choice([0, 5, 5.5, -1])
    elif op == "prefix":
        value = dice.choice(["D", "/", "1."])
    elif op.startswith("semver"):
        value = dice.choice(BOUNDS)
    return {"attribute": dice.choice("abc"), "op": op, "value": value}


def random_parts(dice: random.Random) -> dict[str, Any]:
    """Return layers, holdouts and experiments in which every step of assignment occurs."""
    shares = iter([[0, 250_000], [250_000, 700_000], [700_000, 1_000_000]] * 2)
    made = []
    for number in range(1, 25):
        changes: dict[str, Any] = {
            "unit_kind": dice.choice(["visitor", "visitor", "customer", "session"]),
            "audience": dice.choice([None, conditions(dice)]),
            "coverage": dice.choice([1_000_000, 300_000, 0]),
            "holdout": dice.choice([None, 1, 2]),
            "personalised": dice.random() < 0.3,
            "status": "PAUSED" if dice.random() < 0.1 else "RUNNING",
            "epoch": dice.randint(1, 3),
            "epoch_opened_at": dice.choice(["2026-01-01T00:00:00Z", "2026-06-02T00:00:00.5+02:00"]),
            "overrides": {"v-2": "arm-1"} if dice.random() < 0.2 else {},
            "variants": dice.choice([arms(500_000, 500_000), arms(333_334, 333_333, 333_333), arms(0, 1_000_000)]),
        }
        if number <= 6:
            changes |= {"layer": 1 + (number > 3), "layer_ranges": [next(shares)], "unit_kind": "visitor"}
        made.append(experiment(number, **changes))
    closed = [variant("control", [[0, 400_000]]), variant("arm-1", [[400_000, 1_000_000]], state="CLOSED", budget=5)]
    made.append(experiment(25, variants=closed))
    made.append(experiment(26, variants=[variant("control", [[0, 500_000]], budget=7), *arms(500_000, 500_000)[1:]]))
    holdouts = [holdout(1, share=200_000), holdout(2, share=100_000, unit_kind="customer")]
    return {"experiments": made, "layers": [layer(1), layer(2)], "holdouts": holdouts}


def random_calls(dice: random.Random, keys: Iterable[str], how_many: int) -> list[dict[str, Any]]:
    calls = []
    for number in range(how_many):
        units = {"visitor": dice.choice([f"v-{number}", dice.choice(IDS)])}
        if dice.random() < 0.6 and units["visitor"]:  # A customer alone is for the server: see the clients' tests.
            units |= {"customer": dice.choice([f"c-{number}", dice.choice(IDS)]), "session": dice.choice(IDS)}
        attributes = {name: dice.choice(VALUES) for name in "abc" if dice.random() < 0.8}
        named = dice.choice([None, dice.sample([*keys, "unheard-of"], 8)])
        at = AT + timedelta(days=dice.choice([-400, 0, 2]))
        calls.append(call(units, attributes, at, experiments=named, personalised=dice.random() < 0.8))
    return calls


def test_answers__to_random_calls_of_random_bundles__are_those_of_the_server(run_node: RunNode) -> None:
    dice = random.Random(SEED)
    reasons: set[str] = set()
    for _ in range(4):
        parts = random_parts(dice)
        calls = random_calls(dice, [entry["key"] for entry in parts["experiments"]], 400)
        reasons |= compare(run_node, parts, calls)
    assert reasons >= {
        "SPLIT",
        "OVERRIDE",
        "NOT_RUNNING",
        "NOT_STARTED",
        "UNIT_MISSING",
        "UNIT_INVALID",
        "HOLDOUT",
        "LAYER_TAKEN",
        "AUDIENCE",
        "COVERAGE",
        "ARM_CLOSED",
        "PERSONALISATION_OFF",
        "UNKNOWN_EXPERIMENT",
    }


def test_versions__of_every_order__compare_as_on_the_server(run_node: RunNode) -> None:
    versions = ["1", "v1.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11"]
    versions += [
        "1.0.0-rc.1",
        "1.0.0+build",
        "01.0.0",
        "1.0.0-007",
        "1.0.0-7",
        "1.0.0-",
        "1.0.0.0",
        " 1.0.0",
        "1.0.0\n",
    ]
    versions += ["123456789012345678.0.0", "123456789012345679.0.0", "1234567890123456789.0.0", "１.0.0"]
    rules = [
        experiment(2 * n + wanted, audience={"attribute": "a", "op": op, "value": bound})
        for n, bound in enumerate(["1.0.0-alpha.beta", "1.0.0", "1.0.0-7", "123456789012345679", "1.0.0-rc.1"], start=1)
        for wanted, op in enumerate(["semver_gte", "semver_lt"])
    ]
    compare(run_node, {"experiments": rules}, [call({"visitor": "v"}, {"a": version}) for version in versions])


@pytest.mark.parametrize(
    "period",
    [
        {"minutes": 60, "anchor": "2026-05-31T22:00:00+00:00", "design": "INDEPENDENT", "burn_in": 10},
        {"minutes": 1_440, "anchor": "2026-05-31T22:00:00+00:00", "design": "BALANCED", "burn_in": 0, "block": 4},
        {
            "minutes": 360,
            "anchor": "2026-05-31T22:00:00+00:00",
            "design": "BALANCED",
            "burn_in": 30,
            "block": 2,
            "blackouts": [[2, 3], [7, 10], [400, 500]],
        },
    ],
)
def test_periods__of_stores_and_items__are_drawn_as_on_the_server(run_node: RunNode, period: dict[str, Any]) -> None:
    rules = [
        experiment(1, unit_kind="store", period=period),
        experiment(2, unit_kind="store-item", period=period, coverage=500_000),
    ]
    calls = [
        call({"store": f"s-{number % 7}", "item": "i-1"}, at=AT + timedelta(minutes=37 * number - 300))
        for number in range(300)
    ]
    reasons = compare_with_store_items(run_node, rules, calls)
    assert {"SPLIT", "NOT_STARTED", "COVERAGE"} <= reasons
    assert ("BLACKOUT" in reasons) == ("blackouts" in period)


def compare_with_store_items(run_node: RunNode, rules: list[Any], calls: list[dict[str, Any]]) -> set[str]:
    """Compare, the item in the store being put together by the client itself in half of the calls."""
    for number, asked in enumerate(calls):
        if number % 2:
            asked["units"]["store-item"] = f"{asked['units']['store']}|{asked['units']['item']}"
        else:
            del asked["units"]["item"]
    return compare(run_node, {"experiments": rules}, calls)


def test_what_only_the_server_knows__is_remote_only(run_node: RunNode) -> None:
    pattern = {"attribute": "page", "op": "matches", "value": "^/sale"}
    german = {"attribute": "country", "op": "eq", "value": "DE"}
    period = {"minutes": 60, "anchor": "2026-05-31T22:00:00+00:00", "design": "INDEPENDENT", "burn_in": 0}
    rules = [
        experiment(1, audience=pattern),
        experiment(2, audience={"all": [german, pattern]}),
        experiment(3, audience={"any": [german, pattern]}),
        experiment(4, sticky=True),
        experiment(5, member_of_a_later_schema={"x": 1}),
        experiment(6, audience={"attribute": "n", "op": "eq", "value": 2**53 + 1}),
        experiment(7, audience={"not": pattern}),
        experiment(8, unit_kind="item", period=period | {"member_of_a_later_schema": 1}),
    ]
    keys = [rule["key"] for rule in rules]
    asked = [
        call({"visitor": "v", "item": "i"}, {"page": "/sale", "country": country}, experiments=keys)
        for country in ("DE", "CN")
    ] + [call({"customer": "c"}, experiments=keys[:1])]
    bundle = content(*rules) | {"flags": [{"key": "f"}], "member_of_a_later_schema": []}
    german_call, chinese, alone = json.loads(
        run_node(HERE / "answers.mjs", input=json.dumps({"bundle": bundle, "calls": asked}))
    )
    remote = "REMOTE_ONLY"
    assert [a["reason"] for a in german_call] == [remote, remote, "SPLIT", *[remote] * 5]
    assert [a["reason"] for a in chinese] == [remote, "AUDIENCE", *[remote] * 6]
    assert {(a["variant"], a["enrolled"]) for a in german_call if a["reason"] == remote} == {("control", False)}
    assert [a["reason"] for a in alone] == [remote]

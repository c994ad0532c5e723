import json
from typing import Any

import pytest

from decisions.serving.decision_requests import (
    MOST_CANDIDATES,
    MOST_EXCLUDED,
    MOST_RECENT,
    DecisionMalformed,
    read_decision_request,
)
from decisions.serving.points import DecisionPoint, compile_points
from tests.decisions.published import decision_content, point
from tests.experiments.assignment.builders import compiled

HOME: DecisionPoint = compile_points(decision_content(points=[point()]), compiled()).by_key["home"]


def read(body: object) -> Any:
    return read_decision_request(body if isinstance(body, bytes) else json.dumps(body).encode(), HOME)


def test_read_decision_request__units_alone__takes_the_defaults() -> None:
    request = read({"units": {"visitor": 5}})

    assert (request.units, request.attributes, request.candidates, request.size) == ({"visitor": 5}, {}, None, None)
    assert (request.context.recent_items, request.context.exclude) == ([], [])
    assert (request.expose, request.personalised) == (False, True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"units":{"visitor":"\\ud800"}}',
        b"[" * 100_000,
        {},
        {"units": []},
        {"units": {}, "surprise": 1},
        {"units": {}, "context": {"surprise": 1}},
        {"units": {}, "context": {"exclude": [5]}},
        {"units": {}, "candidates": "item"},
        {"units": {}, "size": "5"},
        {"units": {}, "size": 2.5},
        {"units": {}, "expose": "yes"},
        {"units": {}, "personalised": None},
    ],
)
def test_read_decision_request__what_cannot_be_read__is_refused(body: object) -> None:
    with pytest.raises(DecisionMalformed, match="cannot be read"):
        read(body)


@pytest.mark.parametrize("size", [0, -1, 21, 10**30])
def test_read_decision_request__size_out_of_bounds__names_the_bound(size: int) -> None:
    with pytest.raises(DecisionMalformed, match=r"cannot be read|home gives 1 to 20 actions"):
        read({"units": {}, "size": size})


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"candidates": ["x"] * (MOST_CANDIDATES + 1)}, "candidates"),
        ({"context": {"recent_items": ["x"] * (MOST_RECENT + 1)}}, "context.recent_items"),
        ({"context": {"exclude": ["x"] * (MOST_EXCLUDED + 1)}}, "context.exclude"),
    ],
)
def test_read_decision_request__too_many_items__names_the_bound(body: dict[str, Any], name: str) -> None:
    with pytest.raises(DecisionMalformed, match=f"{name} names .* at most"):
        read({"units": {}} | body)

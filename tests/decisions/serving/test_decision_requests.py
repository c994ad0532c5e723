import json
from dataclasses import replace
from typing import Any

import pytest

from decisions.serving.decision_requests import (
    LONGEST_TEXT,
    MOST_CANDIDATES,
    MOST_EXCLUDED,
    MOST_RECENT,
    MOST_TEXTS,
    ContextUnknown,
    DecidedInBatches,
    DecisionMalformed,
    read_decision_request,
)
from decisions.serving.point_reading import compile_points
from decisions.serving.points import DecisionPoint
from tests.decisions.published import decision_content, point
from tests.experiments.assignment.builders import compiled

HOME: DecisionPoint = compile_points(decision_content(points=[point()]), compiled()).by_key["home"]


def read(body: object) -> Any:
    return read_decision_request(body if isinstance(body, bytes) else json.dumps(body).encode(), HOME)


def test_read_decision_request__units_alone__takes_the_defaults() -> None:
    request = read({"units": {"visitor": 5}})

    assert (request.units, request.attributes, request.candidates, request.size) == ({"visitor": 5}, {}, None, None)
    assert request.context == {}
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


def test_read_decision_request__point_that_decides_in_batches__says_where_these_are() -> None:
    prices = compile_points(
        decision_content(points=[point(key="prices", domain="pricing", personal=False)]), compiled()
    )
    with pytest.raises(DecidedInBatches, match=r"GET /api/v1/batches\?point=prices"):
        read_decision_request(b"no matter what", prices.by_key["prices"])


BANNERS: DecisionPoint = replace(
    HOME, domain=replace(HOME.domain, key="banners", context={"slot": "Where.", "slots": "All.", "exclude": "Not."})
)


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"slot": "top"},
        {"slot": 3},
        {"slot": 2.5},
        {"slot": True},
        {"slots": ["top", "底"], "exclude": ["a"]},
        {"slot": "x" * LONGEST_TEXT, "slots": ["y"] * MOST_TEXTS},
    ],
)
def test_read_decision_request__context_that_the_domain_declares__is_read(context: dict[str, Any]) -> None:
    body = json.dumps({"units": {}, "context": context}).encode()

    assert read_decision_request(body, BANNERS).context == context


@pytest.mark.parametrize(
    ("context", "fault"),
    [
        ({"slot": None}, "context.slot must be a text, a number, true, false or a list of texts"),
        ({"slot": {"deep": 1}}, "context.slot must be a text"),
        ({"slots": ["top", 5]}, "context.slots must be a text"),
        ({"slots": [["top"]]}, "context.slots must be a text"),
        ({"exclude": "a"}, "context.exclude must be a list of texts"),
        ({"slot": "x" * (LONGEST_TEXT + 1)}, "context.slot has more than 500 characters"),
        ({"slots": ["x" * (LONGEST_TEXT + 1)]}, "context.slots has a text of more than 500 characters"),
        ({"slots": ["x"] * (MOST_TEXTS + 1)}, "context.slots names 101 items; at most 100 are read"),
    ],
)
def test_read_decision_request__context_at_fault__is_refused(context: dict[str, Any], fault: str) -> None:
    with pytest.raises(DecisionMalformed, match=fault):
        read_decision_request(json.dumps({"units": {}, "context": context}).encode(), BANNERS)


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


@pytest.mark.parametrize("context", [{"recent_items": []}, {"slot": "top", "slott": "top"}, {"": 1}])
def test_read_decision_request__context_that_the_domain_does_not_know__is_refused_with_what_it_knows(
    context: dict[str, Any],
) -> None:
    with pytest.raises(ContextUnknown, match=r"The context has no '.*'; banners knows: slot, slots, exclude"):
        read_decision_request(json.dumps({"units": {}, "context": context}).encode(), BANNERS)

import json
from typing import Any

import pytest

from decisions.serving.answers import MOST_KEYS, RequestMalformed, read_request, render_assignments, render_nothing
from decisions.serving.assigning import Given
from decisions.serving.bundle import LiveBundle
from decisions.serving.token import verify_token
from experiments.assignment.engine import assign
from foundation.ids import hash_unit
from tests.decisions.published import PEPPER, live
from tests.experiments.assignment.builders import AT, experiment, layer, variant


def answer(bundle: LiveBundle, units: dict[str, Any], **call: Any) -> Any:
    found = assign(units, {}, AT, None, bundle.snapshot, **call)
    return json.loads(render_assignments(Given(found), units, bundle, at=AT, decision_id="d-1", metadata={}))


def test_render_assignments__awkward_texts__are_valid_json() -> None:
    parameters = {'quo"te': ["\\", "\n", "用户", {"deep": [None, True, 1.0, 1]}], "</script>": ""}
    arm = variant("control", [[0, 1_000_000]], parameters=parameters)
    bundle = live(experiment(1, key='ex"1', variants=[arm]))

    (first,) = answer(bundle, {"visitor": "v"}, keys=['ex"1'])["assignments"]
    (unknown,) = answer(bundle, {"visitor": "v"}, keys=['no"ne\n'])["assignments"]

    assert (first["experiment"], first["parameters"]) == ('ex"1', parameters)
    assert (unknown["experiment"], unknown["parameters"], unknown["slots"]) == ('no"ne\n', {}, [None, None, None])


def test_render_assignments__again__gives_the_same_and_keeps_only_answers_of_the_bundle() -> None:
    bundle = live(experiment(1, layer=1, layer_ranges=[[0, 1_000_000]], coverage=999_999), layers=[layer(1)])

    first = answer(bundle, {"visitor": "v"})
    for number in range(50):
        answer(bundle, {"visitor": "v"}, keys=[f"unknown-{number}"])

    assert answer(bundle, {"visitor": "v"}) == first
    assert None not in first["assignments"][0]["slots"]
    assert len(bundle.rendered) == 1


def test_render_assignments__item_and_visitor__are_in_the_token_plain_and_hashed() -> None:
    bundle = live(experiment(1), experiment(2, unit_kind="item"), experiment(3, unit_kind="store"))

    body = answer(bundle, {"visitor": "v", "item": "p-1"})
    token = verify_token(
        body["decision_token"], project_id=1, keys=bundle.signing_keys, now=AT, age=AT - AT.replace(year=2025)
    )

    assert token.units == {"visitor": hash_unit(PEPPER, "visitor", "v"), "item": "p-1"}
    assert {token.unit_of(entry)[0] for entry in token.entries} == {"visitor", "item"}
    assert [(e.experiment_id, e.experiment_key, e.probability) for e in token.entries] == [
        (1, "experiment-1", 0.5),
        (2, "experiment-2", 0.5),
    ]


def test_render_assignments__nobody_enrolled__has_no_token() -> None:
    assert answer(live(experiment(1, coverage=0)), {"visitor": "v"})["decision_token"] is None


def test_render_nothing__reason__is_in_the_metadata() -> None:
    body = json.loads(render_nothing(decision_id="d", reason="BUNDLE_MISSING"))

    assert (body["assignments"], body["decision_token"], body["metadata"]) == ([], None, {"degraded": "BUNDLE_MISSING"})


def test_read_request__defaults__are_everything_for_a_personalised_shopper() -> None:
    request = read_request(b'{"units":{"visitor":5}}')

    assert (request.units, request.attributes, request.experiments, request.personalised) == (
        {"visitor": 5},
        {},
        None,
        True,
    )


def test_read_request__too_many_names__is_refused() -> None:
    body = json.dumps({"units": {}, "experiments": ["x"] * (MOST_KEYS + 1)}).encode()

    with pytest.raises(RequestMalformed, match="1000"):
        read_request(body)

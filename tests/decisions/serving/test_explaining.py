"""What an explanation is made from: bundles of any schema, and whatever a request sends."""

import json

import pytest

from decisions.serving.answers import read_request
from decisions.serving.bundle import open_bundle
from decisions.serving.explaining import case_of, encode_explanation, render_explanation
from decisions.serving.known import Known
from decisions.vocabulary import BundleSource
from experiments.assignment.explain import explain
from tests.decisions.published import companion, published
from tests.experiments.assignment.builders import AT, content, experiment


@pytest.mark.parametrize("held", [10**400, "\u0000", [[{"a": 1}]], None])
@pytest.mark.parametrize("schema", [1, 3])
def test_explanation__old_bundle_and_strange_values__can_be_written(schema: int, held: object) -> None:
    entry = experiment(1)
    entry.pop("audience")
    bundle = open_bundle(published(content(entry) | {"schema": schema}, companion()), source=BundleSource.POSTGRES)
    body = {"units": {"visitor": "v", "customer": held}, "attributes": {"a": held}, "experiments": ["experiment-1"]}
    found = explain(case_of(bundle, read_request(json.dumps(body).encode()), AT, Known()))

    written = json.loads(encode_explanation(render_explanation(found)))

    assert written["steps"][-1]["reason"] == written["answer"]["reason"] == "SPLIT"

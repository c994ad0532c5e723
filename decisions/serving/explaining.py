"""What an explanation is made from, and its JSON."""

import json
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec

from decisions.serving.answers import AssignmentRequest
from decisions.serving.bundle import LiveBundle
from decisions.serving.known import Known
from experiments.assignment.explain import Case, Explanation


def case_of(bundle: LiveBundle, request: AssignmentRequest, at: datetime, known: Known) -> Case:
    """Return what is to be explained; the audience is read from the text of the bundle."""
    key = (request.experiments or [""])[0]
    entries = json.loads(bundle.text.content)["experiments"]
    linked = known.linked
    return Case(
        units=request.units,
        attributes=request.attributes,
        at=at,
        bundle=bundle.snapshot,
        key=key,
        audience=next((entry.get("audience") for entry in entries if entry["key"] == key), None),
        sticky=known.sticky,
        linked=None if linked is None else {number: met.variant for number, met in linked.items()},
        personalised=request.personalised,
    )


def render_explanation(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON writes it."""
    given = explanation.assignment
    return {
        "experiment": given.experiment_key,
        "steps": explanation.steps,
        "answer": {
            "variant": given.variant,
            "enrolled": given.enrolled,
            "reason": given.reason,
            "epoch": given.epoch,
            "probability": given.probability,
            "parameters": given.parameters,
            "slots": given.slots,
        },
    }


def _plain(value: object) -> object:
    if isinstance(value, MappingProxyType):
        return dict(value)
    raise NotImplementedError


encode_explanation = msgspec.json.Encoder(enc_hook=_plain).encode
"""Writes what `render_explanation` returns, and what is added to it, as JSON."""

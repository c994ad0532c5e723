"""Evaluating flags on a bundle made for a test, one by one and all at once."""

import json
from datetime import timedelta
from typing import Any

from decisions.serving.bundle import LiveBundle, open_bundle
from decisions.serving.flag_texts import FlagBook
from decisions.serving.ofrep import (
    Occasion,
    Stamp,
    asked_keys,
    evaluate_all,
    evaluate_one,
)
from decisions.serving.ofrep_requests import FlagContext, read_context
from decisions.serving.preview import read_preview
from decisions.serving.token import DecisionToken, verify_token
from decisions.vocabulary import BundleSource
from tests.decisions.published import companion, published
from tests.experiments.assignment.builders import AT, content

GERMANS = {"attribute": "country", "op": "eq", "value": "DE"}
REASONS = {"STATIC", "TARGETING_MATCH", "SPLIT", "DISABLED", "UNKNOWN"}


def bundle_of(*experiments: Any, flags: Any, version: int = 7, **parts: Any) -> LiveBundle:
    whole = content(*experiments, version=version, **parts) | {"flags": list(flags)}
    return open_bundle(published(whole, companion()), source=BundleSource.POSTGRES)


def context_of(**members: object) -> FlagContext:
    return read_context(json.dumps({"context": members}).encode())


STAMP = Stamp("d-1")
DOUBTED = Stamp("d-1", "BUNDLE_STALE")


def occasion(bundle: LiveBundle, context: FlagContext, **changes: Any) -> Occasion:
    preview = read_preview(context.preview, bundle, now=AT)
    return Occasion(bundle, FlagBook(bundle), **{"at": AT, "preview": preview, **changes})


def one(bundle: LiveBundle, key: str, context: FlagContext, stamp: Stamp = STAMP, **changes: Any) -> dict[str, Any]:
    circumstances = occasion(bundle, context, **changes)
    found = bundle.snapshot.flags[key]
    evaluation = evaluate_one(found, asked_keys(found, context, circumstances.preview), context, circumstances, stamp)
    body: dict[str, Any] = json.loads(evaluation.body)
    assert evaluation.is_success == ("errorCode" not in body)
    return body


def every(bundle: LiveBundle, context: FlagContext, stamp: Stamp = STAMP, **changes: Any) -> dict[str, dict[str, Any]]:
    body = json.loads(evaluate_all(context, occasion(bundle, context, **changes), stamp))
    keys = [found["key"] for found in body["flags"]]
    assert sorted(keys) == sorted(bundle.snapshot.flags), "every flag once"
    return {found["key"]: found for found in body["flags"]}


def token_of(found: dict[str, Any], bundle: LiveBundle) -> DecisionToken:
    return verify_token(
        found["metadata"]["decision_token"], project_id=1, keys=bundle.signing_keys, now=AT, age=timedelta(days=1)
    )

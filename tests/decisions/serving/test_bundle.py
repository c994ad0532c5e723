import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from decisions.serving.bundle import PublishedText, open_bundle
from decisions.vocabulary import BundleSource, KeyKind
from experiments.assignment.reading import BundleInvalid
from foundation.clock import ClockKind
from foundation.ids import digest_api_key
from tests.decisions.published import CLIENT_KEY, PEPPER, SECRET, SERVER_KEY, companion, live, published, text_of
from tests.experiments.assignment.builders import content, experiment


def test_open_bundle__published_text__unpacks_everything() -> None:
    bundle = live(experiment(1), version=12)

    assert (bundle.project_id, bundle.version, bundle.source) == (1, 12, BundleSource.POSTGRES)
    assert bundle.pepper == PEPPER
    assert [(key.kid, key.secret) for key in bundle.signing_keys] == [("1", SECRET)]
    assert {digest: key.kind for digest, key in bundle.api_keys.items()} == {
        digest_api_key(CLIENT_KEY): KeyKind.CLIENT,
        digest_api_key(SERVER_KEY): KeyKind.SERVER,
    }
    assert bundle.clock.kind == ClockKind.REAL
    assert (bundle.attributes, bundle.currency) == (frozenset({"country"}), "USD")
    assert list(bundle.snapshot.experiments) == ["experiment-1"]


def test_open_bundle__simulation_clock__runs_at_its_speed() -> None:
    clock = {
        "kind": "SIMULATION",
        "origin": "2025-01-01T00:00:00+00:00",
        "speed": 3600.0,
        "started_at": "2026-01-01T00:00:00+00:00",
    }
    bundle = live(secrets=companion(clock=clock))

    assert bundle.clock.at(datetime(2026, 1, 1, 0, 0, 24, tzinfo=UTC)) == datetime(2025, 1, 2, tzinfo=UTC)


def test_open_bundle__one_changed_character__is_refused() -> None:
    text = text_of(experiment(1))

    with pytest.raises(BundleInvalid, match="digest"):
        open_bundle(replace(text, content=text.content.replace("shop", "shoq")), source=BundleSource.FILE)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"schema": 2}, "companion.schema"),
        ({"project_id": 2}, "different projects"),
        ({"pepper": "no base64!"}, "companion.pepper"),
        ({"pepper": "YQ=="}, "companion.pepper: is shorter"),
        ({"signing_keys": []}, "companion.signing_keys"),
        ({"signing_keys": [{"kid": "1"}]}, r"companion.signing_keys\[0\].secret"),
        ({"api_keys": [{"id": 1, "kind": "admin", "sha256": "x"}]}, r"companion.api_keys\[0\].kind"),
        ({"api_keys": {}}, "companion.api_keys"),
        ({"clock": None}, "companion.clock"),
        ({"clock": {"kind": "SIMULATION", "origin": None, "speed": 1, "started_at": None}}, "companion.clock"),
        ({"clock": {"kind": "LUNAR"}}, "companion.clock"),
        ({"currency": None}, "companion.currency"),
        ({"attributes": None}, "companion.attributes"),
    ],
)
def test_open_bundle__companion_at_fault__is_refused_by_path(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(BundleInvalid, match=fault):
        live(secrets=companion(**changes))


@pytest.mark.parametrize("broken", ["", "{", "[]", "null", "[" * 100_000])
def test_open_bundle__texts_that_are_no_object__are_refused(broken: str) -> None:
    text = text_of(experiment(1))

    with pytest.raises(BundleInvalid):
        open_bundle(replace(text, companion=broken), source=BundleSource.FILE)


def test_open_bundle__record_of_another_version__is_refused() -> None:
    text = published(content(version=3), companion())

    with pytest.raises(BundleInvalid, match="different"):
        open_bundle(PublishedText(1, 4, text.sha256, text.content, text.companion), source=BundleSource.FILE)
    assert json.loads(text.content)["version"] == 3

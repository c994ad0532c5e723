"""A bundle is tried before it is published: what is wrong with it is refused with its path, and nothing else is."""

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from decisions.serving.bundle import PublishedText
from decisions.serving.selftest import examine, write_content
from experiments.assignment.reading import BundleInvalid
from tests.decisions.mutations import mutations, whole_content
from tests.decisions.published import companion, decision_content
from tests.experiments.assignment.builders import arms, experiment, layer

BROKEN = dict(enumerate(mutations()))


def content(*experiments: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Return the content of a bundle without flags and decision points."""
    return decision_content(*experiments, **parts) | {"schema": 3, "flags": []}


def written(bundle: dict[str, Any], **secrets: Any) -> PublishedText:
    """Return the text that a publisher would write."""
    text = write_content(bundle)
    return PublishedText(
        1, bundle["version"], sha256(text.encode()).hexdigest(), text, json.dumps(companion(**secrets))
    )


def refusal(bundle: dict[str, Any]) -> str | None:
    """Return why a content is refused, None where it is not."""
    try:
        examine(written(bundle))
    except BundleInvalid as refused:
        return refused.message
    return None


def test_examine__content_with_a_bit_of_everything__passes() -> None:
    bundle = examine(written(whole_content()))

    assert sorted(bundle.snapshot.flags) == ["arm", "colour", "size"]
    assert list(bundle.points.by_key) == ["home", "cart"]


def test_examine__nothing_at_all__passes() -> None:
    assert examine(written(content())).snapshot.experiments == {}


def test_examine__every_broken_content__is_refused_and_the_message_names_a_path() -> None:
    assert len(BROKEN) >= 500
    met = {f"{number}: {name}": refusal(broken) for number, (name, broken) in BROKEN.items()}

    assert [name for name, message in met.items() if message is None] == []
    unclear = {name: text for name, text in met.items() if text and (not text.startswith("bundle") or "Error" in text)}
    assert unclear == {}


@pytest.mark.parametrize("more", ['"version":1,', '"experiments":[],'])
def test_examine__member_twice__is_refused(more: str) -> None:
    text = written(whole_content())
    twice = "{" + more + text.content[1:]

    with pytest.raises(BundleInvalid, match="twice"):
        examine(replace(text, content=twice, sha256=sha256(twice.encode()).hexdigest()))


def test_examine__number_that_json_does_not_know__is_refused() -> None:
    raw = json.dumps(whole_content() | {"more": float("nan")})

    with pytest.raises(BundleInvalid, match="NaN"):
        examine(PublishedText(1, 1, sha256(raw.encode()).hexdigest(), raw, json.dumps(companion())))


@pytest.mark.parametrize(
    "value", [float("inf"), 10**5000, "\udfff", {1, 2}], ids=["infinite", "endless", "surrogate", "set"]
)
def test_write_content__what_json_cannot_say__is_refused_with_its_path(value: Any) -> None:
    broken = whole_content()
    broken["experiments"][0]["variants"][1]["parameters"] = {"price": value}

    with pytest.raises(BundleInvalid) as caught:
        write_content(broken)

    assert caught.value.message.startswith("bundle.experiments[0].variants[1].parameters.price:")


@pytest.mark.parametrize(
    "secrets",
    [
        {"pepper": "c2hvcnQ="},
        {"signing_keys": []},
        {"api_keys": [{"id": 1, "kind": "master", "sha256": "0"}]},
        {"clock": {"kind": "SIMULATION"}},
        {"project_id": 2},
        {"schema": 99},
    ],
)
def test_examine__companion_that_no_edge_could_read__is_refused(secrets: dict[str, Any]) -> None:
    with pytest.raises(BundleInvalid):
        examine(written(whole_content(), **secrets))


def test_examine__arms_of_every_state_and_small_shares__pass() -> None:
    many = arms(*[100_000] * 10)
    many[3]["state"], many[4]["state"] = "CLOSED", "EMPTY"
    narrow = experiment(2, coverage=1, variants=arms(999_999, 1), layer=1, layer_ranges=[[5, 6]])
    waiting = experiment(3, coverage=0, epoch_opened_at="2030-01-01T00:00:00Z")
    closed = experiment(4, variants=arms(0, 1_000_000), status="PAUSED")

    examine(written(content(experiment(1, variants=many), narrow, waiting, closed, layers=[layer(1)])))


def test_examine__two_hundred_random_salts__are_never_taken_for_a_fault() -> None:
    salted = [experiment(n, salt=f"some-salt-{n}", variants=arms(330_000, 670_000)) for n in range(200)]

    examine(written(content(*salted)))

"""Preview tokens: they show a variant, enrol nobody, and whatever is wrong with one is said and ignored."""

from datetime import timedelta
from typing import Any

import pytest

from decisions.serving.assigning import Asked, give
from decisions.serving.bundle import SigningKey
from decisions.serving.known import NOTHING_KNOWN
from decisions.serving.preview import Preview, read_preview, sign_preview
from decisions.serving.token import sign_token
from decisions.vocabulary import PreviewState
from experiments.vocabulary import Reason
from tests.decisions.published import SECRET, live
from tests.experiments.assignment.builders import AT, arms, experiment

KEY = SigningKey("1", SECRET)


def token(**changes: Any) -> str:
    parts: dict[str, Any] = {
        "project_id": 1,
        "experiment": "experiment-1",
        "variant": "arm-1",
        "expires": AT + timedelta(hours=1),
        "keys": [KEY],
    }
    return sign_preview(**(parts | changes))


def test_read__genuine_token__shows_its_variant() -> None:
    bundle = live(experiment(1, variants=arms(1_000_000, 0)))

    found = read_preview(token(), bundle, now=AT)

    assert found == Preview(PreviewState.APPLIED, bundle.snapshot.experiments["experiment-1"].variants["arm-1"])


GENUINE = token()
DECISION_TOKEN = sign_token(("1", 2, 1, {}, 0, "d", 1, []), KEY)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (token(expires=AT - timedelta(seconds=1)), PreviewState.EXPIRED),
        (token(project_id=2), PreviewState.WRONG_PROJECT),
        (token(keys=[SigningKey("9", SECRET)]), PreviewState.UNKNOWN_KEY),
        (token(keys=[SigningKey("1", b"x" * 32)]), PreviewState.FORGED),
        (GENUINE.partition(".")[0] + "." + token(variant="control").partition(".")[2], PreviewState.FORGED),
        (GENUINE[:-1], PreviewState.FORGED),
        (GENUINE + "\ud800", PreviewState.FORGED),
        (GENUINE.partition(".")[0], PreviewState.FORGED),
        (token(experiment="gone"), PreviewState.NOT_IN_BUNDLE),
        (token(variant="gone"), PreviewState.NOT_IN_BUNDLE),
        (DECISION_TOKEN, PreviewState.MALFORMED),
        ("x", PreviewState.MALFORMED),
        (".", PreviewState.MALFORMED),
        ("é" * 50, PreviewState.MALFORMED),
        ("A" * 5_000, PreviewState.MALFORMED),
        (5, PreviewState.MALFORMED),
    ],
)
def test_read__token_that_proves_nothing__says_why(text: object, state: PreviewState) -> None:
    assert read_preview(text, live(), now=AT) == Preview(state)


@pytest.mark.parametrize("text", [None, ""])
def test_read__no_token__is_nothing(text: object) -> None:
    assert read_preview(text, live(), now=AT) is None


@pytest.mark.parametrize("changes", [{}, {"status": "PAUSED"}, {"coverage": 0}, {"layer": 1, "layer_ranges": []}])
@pytest.mark.parametrize("keys", [None, ["experiment-1"]])
def test_give__previewed__shows_the_variant_and_enrols_nobody(changes: dict[str, Any], keys: list[str] | None) -> None:
    bundle = live(
        experiment(1, variants=arms(1_000_000, 0), **changes),
        experiment(2),
        layers=[{"id": 1, "key": "l", "salt": "salt"}],
    )
    asked = Asked({"visitor": "v-1"}, {}, keys, preview=read_preview(token(), bundle, now=AT))

    found = {answer.experiment_key: answer for answer in give(asked, AT, bundle, NOTHING_KNOWN).assignments}

    shown = found["experiment-1"]
    assert (shown.variant, shown.enrolled, shown.reason) == ("arm-1", False, Reason.PREVIEW)
    assert (shown.probability, shown.parameters) == (0.0, {"arm": "arm-1"})
    if keys is None:
        assert found["experiment-2"].enrolled, "the others are as they are without a preview"


def test_give__refused_token__changes_nothing() -> None:
    bundle = live()
    plain = give(Asked({"visitor": "v-1"}, {}), AT, bundle, NOTHING_KNOWN)

    refused = read_preview(token(expires=AT - timedelta(days=1)), bundle, now=AT)

    assert give(Asked({"visitor": "v-1"}, {}, preview=refused), AT, bundle, NOTHING_KNOWN) == plain

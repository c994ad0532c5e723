import json
from datetime import timedelta
from typing import Any

import pytest

from decisions.ingest.envelopes import Message, read_message
from decisions.ingest.exposure import EXPOSURE_EVENT, Intake, enrolments_of, stored_units
from decisions.ingest.validation import ValidMessage, validate
from decisions.serving.answers import render_assignments
from decisions.serving.assigning import Given
from decisions.serving.bundle import LiveBundle
from decisions.vocabulary import ExposureFault, KeyKind, TokenFault, Verification
from experiments.assignment.engine import assign
from foundation.ids import hash_unit
from tests.decisions.published import PEPPER, companion, intake, live, message, raws
from tests.experiments.assignment.builders import AT, arms, experiment, variant

TREATED = [variant("control", []), variant("treatment", [[0, 1_000_000]])]
GERMAN = {"attribute": "country", "op": "eq", "value": "DE"}
BUNDLE = live(
    experiment(1, variants=TREATED, epoch=3),
    experiment(2, variants=arms(1_000_000), unit_kind="customer"),
    experiment(3, audience=GERMAN, variants=TREATED),
    experiment(4, coverage=0),
)
HASHED = hash_unit(PEPPER, "visitor", "v-1")


def token(bundle: LiveBundle = BUNDLE, *, at: Any = AT, **units: str) -> str:
    ids = units or {"visitor": "v-1", "customer": "c-1"}
    found = assign(ids, {"country": "DE"}, at, None, bundle.snapshot)
    body = json.loads(render_assignments(Given(found), ids, bundle, at=at, decision_id="d", metadata={}))
    return str(body["decision_token"])


def exposed(properties: dict[str, Any], given: Intake | None = None, **changes: Any) -> list[dict[str, Any]]:
    """Return the enrolments of an exposure of visitor v-1 who is customer c-1."""
    given = given or intake(BUNDLE, key=KeyKind.CLIENT)
    (raw,) = raws(message(**({"event": EXPOSURE_EVENT, "userId": "c-1", "properties": properties} | changes)))
    read = read_message(raw)
    assert isinstance(read, Message)
    valid = validate(read, raw, attributes=given.bundle.attributes)
    assert isinstance(valid, ValidMessage)
    return enrolments_of(valid, stored_units(given.bundle, valid.units), AT, given)


def reasons(found: list[dict[str, Any]]) -> list[Any]:
    return [entry["reason"] for entry in found]


def test_exposure__token_and_experiment__is_proved() -> None:
    (entry,) = exposed({"decision_token": token(), "experiment": "experiment-1"})

    slots = entry.pop("slots")
    assert slots[:2] == (None, None)
    assert 0 <= slots[2] < 1_000_000
    assert entry == {
        "experiment": 1,
        "variant": "treatment",
        "epoch": 3,
        "probability": 1.0,
        "unit": HASHED,
        "unit_kind": "visitor",
        "verification": Verification.TOKEN,
        "reason": None,
    }


@pytest.mark.parametrize("named", [{"experiment": "experiment-2"}, {"experiment_id": 2}, {"experiment_id": "2"}])
def test_exposure__experiment_by_key_or_id__is_found_in_the_token(named: dict[str, Any]) -> None:
    (entry,) = exposed({"decision_token": token()} | named)

    assert (entry["experiment"], entry["unit_kind"], entry["reason"]) == (2, "customer", None)
    assert entry["unit"] == hash_unit(PEPPER, "customer", "c-1")


def test_exposure__token_alone__enrols_in_all_that_it_says() -> None:
    found = exposed({"decision_token": token()})

    assert sorted(entry["experiment"] for entry in found) == [1, 2, 3]
    assert reasons(found) == [None] * 3


def test_exposure__token_of_another_visitor__earns_nothing() -> None:
    found = exposed({"decision_token": token(visitor="v-2", customer="c-1")})

    by_kind = {entry["unit_kind"]: entry["reason"] for entry in found}
    assert by_kind == {"visitor": ExposureFault.TOKEN_WRONG_UNIT, "customer": None}


def test_exposure__message_without_the_unit_of_the_token__earns_nothing() -> None:
    (entry,) = exposed({"decision_token": token(visitor="v-1")}, anonymousId=None)[:1]

    assert entry["reason"] == ExposureFault.TOKEN_WRONG_UNIT


def test_exposure__variant_shown_is_not_the_one_assigned__earns_nothing() -> None:
    shown = {"decision_token": token(), "experiment": "experiment-1"}

    assert reasons(exposed(shown | {"variant": "control"})) == [ExposureFault.VARIANT_MISMATCH]
    assert reasons(exposed(shown | {"variation_id": "treatment"})) == [None]


def test_exposure__experiment_that_the_token_does_not_enrol_in__earns_nothing() -> None:
    found = exposed({"decision_token": token(), "experiment": "experiment-4"})

    assert reasons(found) == [ExposureFault.NOT_ENROLLED]
    assert found[0]["experiment"] == 4


def test_exposure__experiment_that_left_the_bundle__is_proved_by_its_token() -> None:
    later = live(experiment(2), version=2)

    (entry,) = exposed({"decision_token": token(), "experiment": "experiment-1"}, intake(later, key=KeyKind.CLIENT))

    assert (entry["experiment"], entry["variant"], entry["reason"]) == (1, "treatment", None)


@pytest.mark.parametrize(
    ("text", "given", "fault"),
    [
        ("nonsense", None, TokenFault.MALFORMED),
        (token()[:-3] + "AAA", None, TokenFault.FORGED),
        (token(live(experiment(1), secrets=companion(pepper="A" * 44)))[:-3] + "AAA", None, TokenFault.FORGED),
        (
            token(),
            intake(BUNDLE, now=AT + timedelta(days=3), age=timedelta(days=2)),
            TokenFault.EXPIRED,
        ),
    ],
)
def test_exposure__token_that_proves_nothing__says_why_even_with_a_server_key(
    text: str, given: Intake | None, fault: TokenFault
) -> None:
    found = exposed(
        {"decision_token": text, "experiment": "experiment-1", "variant": "treatment"}, given or intake(BUNDLE)
    )

    assert reasons(found) == [fault]
    assert (found[0]["experiment"], found[0]["unit"]) == (1, None)


def test_exposure__client_key_without_a_token__earns_nothing() -> None:
    claim = {"experiment": "experiment-1", "variant": "treatment", "attributes": {}}

    assert reasons(exposed(claim)) == [ExposureFault.TOKEN_MISSING]


def test_exposure__server_key_with_attributes__is_computed_again() -> None:
    (entry,) = exposed(
        {"experiment": "experiment-3", "variant": "treatment", "attributes": {"country": "DE"}}, intake(BUNDLE)
    )

    assert (entry["verification"], entry["reason"]) == (Verification.RECOMPUTED, None)
    assert (entry["variant"], entry["probability"], entry["unit"]) == ("treatment", 1.0, HASHED)
    assert entry["slots"][2] is not None


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ({"experiment": "experiment-3", "attributes": {"country": "AT"}}, ExposureFault.NOT_ENROLLED),
        ({"experiment": "experiment-4", "attributes": {}}, ExposureFault.NOT_ENROLLED),
        ({"experiment": "experiment-1", "attributes": {}, "variant": "control"}, ExposureFault.VARIANT_MISMATCH),
        ({"experiment": "experiment-9", "attributes": {}}, ExposureFault.EXPERIMENT_UNKNOWN),
        ({"experiment_id": 99}, ExposureFault.EXPERIMENT_UNKNOWN),
        ({"experiment_id": "9" * 5_000}, ExposureFault.EXPERIMENT_MISSING),
        ({"experiment": "", "experiment_id": True}, ExposureFault.EXPERIMENT_MISSING),
        ({}, ExposureFault.EXPERIMENT_MISSING),
        ({"experiment": "experiment-1"}, ExposureFault.VARIANT_MISSING),
        ({"experiment": "experiment-1", "variant": "gold"}, ExposureFault.VARIANT_MISMATCH),
    ],
)
def test_exposure__server_claim_that_does_not_hold__earns_nothing(claim: dict[str, Any], reason: ExposureFault) -> None:
    assert reasons(exposed(claim, intake(BUNDLE))) == [reason]


def test_exposure__server_claim_without_attributes__is_kept_as_unverified() -> None:
    (entry,) = exposed({"experiment": "experiment-1", "variant": "control"}, intake(BUNDLE))

    assert (entry["verification"], entry["reason"]) == (Verification.UNVERIFIED, None)
    assert (entry["variant"], entry["probability"], entry["epoch"], entry["unit"]) == ("control", 0.0, 3, HASHED)
    assert entry["slots"] == (None, None, None)


@pytest.mark.parametrize(
    ("blackouts", "reason"), [([], None), ([[0, 9_999]], ExposureFault.NOT_ENROLLED), ([[9_998, 9_999]], None)]
)
def test_exposure__server_claim_in_a_period_that_is_kept_out__earns_nothing(blackouts: Any, reason: Any) -> None:
    calendar = {"minutes": 1440, "anchor": "2026-01-01T00:00:00Z", "design": "INDEPENDENT", "burn_in": 0}
    bundle = live(experiment(1, unit_kind="item", period=calendar | {"blackouts": blackouts}))
    claim = {"experiment": "experiment-1", "variant": "control", "product_id": "mug"}

    (entry,) = exposed(claim, intake(bundle))

    assert (entry["verification"], entry["reason"]) == (Verification.UNVERIFIED, reason)


def test_exposure__server_claim_without_the_unit__says_so() -> None:
    found = exposed({"experiment": "experiment-1", "variant": "treatment"}, intake(BUNDLE), anonymousId=None)

    assert reasons(found) == [ExposureFault.UNIT_MISSING]


def test_stored_units__items_and_stores__stay_as_they_are() -> None:
    stored = stored_units(BUNDLE, {"visitor": "v-1", "item": "p-1", "store": "s-1"})

    assert stored == {"visitor": HASHED, "item": "p-1", "store": "s-1"}

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.serving.bundle import SigningKey
from decisions.serving.token import (
    SCHEMA,
    UNIT_KINDS,
    DecisionToken,
    TokenEntry,
    TokenRefused,
    milliseconds,
    sign_token,
    token_head,
    verify_token,
)
from decisions.vocabulary import TokenFault
from experiments.assignment.snapshot import Answer
from experiments.vocabulary import Reason, UnitKind
from tests.experiments.assignment.builders import AT

KEY = SigningKey("1", b"k" * 32)
YEAR = timedelta(days=400)
ENTRY = TokenEntry(7, "free-shipping", "treatment", 2, 333_333, 0, None, 5, 999_999)
TOKEN = DecisionToken("1", SCHEMA, 1, {"visitor": "x" * 22}, milliseconds(AT), "decision", 12, [ENTRY])


def check(text: str, **changes: object) -> DecisionToken:
    call: dict[str, object] = {"project_id": 1, "keys": (KEY,), "now": AT, "age": YEAR} | changes
    return verify_token(text, **call)  # type: ignore[arg-type]


def fault_of(text: str, **changes: object) -> TokenFault:
    with pytest.raises(TokenRefused) as caught:
        check(text, **changes)
    return caught.value.fault


def test_token__signed_and_verified__says_what_was_signed() -> None:
    token = check(sign_token(TOKEN, KEY))

    assert token == TOKEN
    assert token.unit_of(token.entries[0]) == ("visitor", "x" * 22)
    assert token.entries[0].probability == 0.333333
    assert token.entries[0].slots == (None, 5, 999_999)


def test_token_head__every_unit_kind_of_the_vocabulary__has_its_number() -> None:
    assert set(UNIT_KINDS) == {kind.value for kind in UnitKind}
    assert UNIT_KINDS[:5] == ("visitor", "customer", "session", "item", "store"), "numbers in signed tokens never move"


def test_token_head__refused_answer__is_none() -> None:
    answer = Answer(1, "key", "visitor", "control", False, Reason.COVERAGE, 1, 0.0, {})

    assert token_head(answer) is None
    assert token_head(replace(answer, enrolled=True, probability=0.1)) == (1, "key", "control", 1, 100_000, 0)


def test_token__twenty_entries__stays_below_two_kilobytes() -> None:
    entries = [msgspec.structs.replace(ENTRY, experiment_id=n, layer_slot=500_000) for n in range(100, 120)]
    text = sign_token(msgspec.structs.replace(TOKEN, entries=entries), KEY)

    assert len(text) < 2_000
    assert text.isascii()
    assert not set(text) & set('+/="\\ ')


@given(
    entries=st.lists(
        st.builds(
            TokenEntry,
            st.integers(0, 2**63 - 1),
            st.text(max_size=64),
            st.text(max_size=64),
            st.integers(0, 2**31),
            st.integers(0, 1_000_000),
            st.just(0),
            *[st.none() | st.integers(0, 999_999)] * 3,
        ),
        max_size=5,
    ),
    unit=st.text(max_size=30),
    decision=st.text(max_size=30),
)
def test_token__anything_that_can_be_said__comes_back(entries: list[TokenEntry], unit: str, decision: str) -> None:
    token = msgspec.structs.replace(TOKEN, entries=entries, units={"visitor": unit}, decision_id=decision)

    assert check(sign_token(token, KEY)) == token


def test_verify_token__schema_1_without_a_model_version__is_still_read() -> None:
    entry = (7, "free-shipping", "treatment", 2, 333_333, 0, None, 5, 999_999)
    old = ("1", 1, 1, {"visitor": "x" * 22}, milliseconds(AT), "decision", 12, [entry])

    token = check(sign_token(old, KEY))

    assert (token.schema, token.entries) == (1, [ENTRY])
    assert token.entries[0].model_version is None


def test_token__entry_of_a_decision__carries_the_model_version() -> None:
    entry = msgspec.structs.replace(ENTRY, model_version=12)
    token = check(sign_token(msgspec.structs.replace(TOKEN, entries=[entry]), KEY))

    assert token.entries[0].model_version == 12


def test_verify_token__any_changed_character__is_never_believed() -> None:
    text = sign_token(TOKEN, KEY)

    for position, character in enumerate(text):
        other = "A" if character != "A" else "B"
        fault = fault_of(text[:position] + other + text[position + 1 :])
        assert fault in (
            TokenFault.FORGED,
            TokenFault.MALFORMED,
            TokenFault.WRONG_PROJECT,
            TokenFault.UNKNOWN_KEY,
        )


def test_verify_token__signature_of_another_key_or_none__is_forged() -> None:
    text = sign_token(TOKEN, KEY)
    other = sign_token(TOKEN, SigningKey("1", b"o" * 32))

    assert fault_of(other) == TokenFault.FORGED
    assert fault_of(text.partition(".")[0]) == TokenFault.FORGED
    assert fault_of(text.partition(".")[0] + ".") == TokenFault.FORGED
    assert fault_of(text + "A") == TokenFault.FORGED
    assert fault_of(text[:-4]) == TokenFault.FORGED
    assert fault_of(text.partition(".")[0] + ".é\ud800") == TokenFault.FORGED


def test_verify_token__payload_edited_and_signature_kept__is_forged() -> None:
    payload, _, signature = sign_token(TOKEN, KEY).partition(".")
    raw = urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).replace(b"treatment", b"treatmenu")
    edited = urlsafe_b64encode(raw).rstrip(b"=").decode()

    assert fault_of(f"{edited}.{signature}") == TokenFault.FORGED


def test_verify_token__other_project__says_so() -> None:
    assert fault_of(sign_token(TOKEN, KEY), project_id=2) == TokenFault.WRONG_PROJECT


def test_verify_token__rotated_keys__verify_while_they_are_kept() -> None:
    old, new = KEY, SigningKey("2", b"n" * 32)
    text = sign_token(TOKEN, old)

    assert check(text, keys=(new, old)) == TOKEN
    assert fault_of(text, keys=(new,)) == TokenFault.UNKNOWN_KEY


def test_verify_token__age__is_counted_on_the_clock_of_the_project() -> None:
    text = sign_token(TOKEN, KEY)

    assert check(text, now=AT + YEAR) == TOKEN
    assert fault_of(text, now=AT + YEAR + timedelta(milliseconds=1)) == TokenFault.EXPIRED
    assert fault_of(text, now=AT + timedelta(days=2), age=timedelta(days=1)) == TokenFault.EXPIRED


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a.b",
        "é.é",
        "AAAA.AAAA",
        "gA.x",
        "\ud800.",
        "x" * 40_000,
        urlsafe_b64encode(b"\x91" * 9_000).decode() + ".x",
    ],
)
def test_verify_token__not_a_token__is_malformed(text: str) -> None:
    assert fault_of(text) == TokenFault.MALFORMED


def test_verify_token__later_schema_or_missing_unit__is_malformed() -> None:
    later = msgspec.structs.replace(TOKEN, schema=SCHEMA + 1)
    dangling = msgspec.structs.replace(TOKEN, entries=[msgspec.structs.replace(ENTRY, unit_number=1)])

    assert fault_of(sign_token(later, KEY)) == TokenFault.MALFORMED
    assert fault_of(sign_token(dangling, KEY)) == TokenFault.MALFORMED

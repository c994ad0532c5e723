import hashlib
import hmac
from base64 import urlsafe_b64decode

import pytest

from foundation.ids import (
    RandomBytesInvalid,
    UnitIdInvalid,
    digest_api_key,
    format_api_key,
    hash_unit,
    is_api_key,
    salt_from,
    sought,
)

PEPPER = bytes(range(32))


def test_hash_unit__known_id__is_the_truncated_hmac() -> None:
    text = hash_unit(PEPPER, "visitor", "v-1")

    expected = hmac.new(PEPPER, b"visitor\0v-1", hashlib.sha256).digest()[:16]
    assert urlsafe_b64decode(text + "==") == expected
    assert len(text) == 22


def test_hash_unit__pinned_vector__never_changes() -> None:
    assert hash_unit(b"pepper", "customer", "顾客-42") == "lX9T_ikbzPSsJPiseSuyEg"


def test_hash_unit__same_id_of_another_kind_or_pepper__differs() -> None:
    hashes = {
        hash_unit(PEPPER, "visitor", "x"),
        hash_unit(PEPPER, "customer", "x"),
        hash_unit(b"other", "visitor", "x"),
    }
    assert len(hashes) == 3


def test_hash_unit__composed_and_decomposed_letters__are_different_units() -> None:
    assert hash_unit(PEPPER, "visitor", "caf\u00e9") != hash_unit(PEPPER, "visitor", "cafe\u0301")


def test_hash_unit__lone_surrogate__is_refused() -> None:
    with pytest.raises(UnitIdInvalid):
        hash_unit(PEPPER, "visitor", "a\ud800")


def test_salt_from__sixteen_bytes__is_url_safe_and_injective() -> None:
    assert salt_from(bytes(16)) == "A" * 22
    assert salt_from(b"\xff" * 16) == "_____________________w"


@pytest.mark.parametrize("length", [0, 15, 17])
def test_salt_from__other_length__is_refused(length: int) -> None:
    with pytest.raises(RandomBytesInvalid):
        salt_from(bytes(length))


@pytest.mark.parametrize("kind", ["client", "server"])
def test_format_api_key__each_kind__has_the_documented_form(kind: str) -> None:
    key = format_api_key(kind, bytes(range(32)))

    assert key == f"ty_{kind}_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert is_api_key(key)


def test_format_api_key__short_secret_or_unknown_kind__is_refused() -> None:
    with pytest.raises(RandomBytesInvalid):
        format_api_key("client", bytes(31))
    with pytest.raises(ValueError, match="kind"):
        format_api_key("admin", bytes(32))


def test_digest_api_key__any_text__is_its_sha256() -> None:
    assert digest_api_key("ty_client_x") == hashlib.sha256(b"ty_client_x").hexdigest()
    assert len(digest_api_key("\ud800")) == 64


@pytest.mark.parametrize("text", ["", "ty_admin_" + "a" * 43, "ty_client_" + "a" * 42, "ty_client_" + "é" * 43])
def test_is_api_key__other_forms__are_not(text: str) -> None:
    assert not is_api_key(text)


def test_sought__text_with_nul__is_one_that_the_database_takes() -> None:
    assert sought("sh\0p") == "sh\ufffdp"
    assert sought("shop 中") == "shop 中"

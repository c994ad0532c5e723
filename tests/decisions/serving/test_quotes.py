"""Quotes: one price for everybody, signed, and honoured until it expires."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisions.serving.bundle import LiveBundle, SigningKey, open_bundle
from decisions.serving.catalogues import read_catalogue
from decisions.serving.equipment import Equipment
from decisions.serving.offers import microseconds, read_prices, write_prices
from decisions.serving.preview import sign_preview
from decisions.serving.quotes import (
    CurrencyMismatch,
    PersonalDataRefused,
    Quote,
    QuoteFault,
    QuoteRefused,
    QuoteRequestMalformed,
    quoted_for,
    read_quote_request,
    read_verification,
    render_quotes,
    render_verification,
    sign_quote,
    verify_quote,
)
from decisions.serving.token import signature_of
from decisions.vocabulary import BundleSource
from tests.decisions.published import catalogue_bytes, companion, decision_content, live, point, published
from tests.experiments.assignment.builders import AT

HOUR = timedelta(hours=1)
FALL = AT + HOUR
ROWS = [
    ("jug", 5_000_000, microseconds(AT - HOUR), microseconds(AT)),
    ("mug", 19_990_000, microseconds(AT - HOUR), microseconds(FALL)),
    ("mug", 17_500_000, microseconds(FALL), None),
]


def bundle_with(rows: list[tuple[str, int, int, int | None]] = ROWS, **parts: Any) -> LiveBundle:
    """Return a bundle with prices; its catalogue has the items of tests."""
    equipment = Equipment({"items": read_catalogue(catalogue_bytes())}, prices=read_prices(write_prices(rows)))
    return replace(live(**parts), equipment=equipment)


def quoted(*items: str, at=AT, bundle: LiveBundle | None = None) -> list[dict[str, Any]]:
    used = bundle_with() if bundle is None else bundle
    return json.loads(render_quotes(items, used, at=at, metadata={}))["quotes"]


def verified(text: str, *, at=AT, bundle: LiveBundle | None = None) -> dict[str, Any]:
    return json.loads(render_verification(text, bundle_with() if bundle is None else bundle, now=at))


def test_quotes__of_an_offered_item__have_its_price_until_when_and_a_quote():
    (told,) = quoted("mug")
    assert told | {"quote": ""} == {
        "item": "mug",
        "price": 19.99,
        "currency": "USD",
        "offered_since": (AT - HOUR).isoformat(timespec="milliseconds"),
        "valid_until": (AT + timedelta(minutes=30)).isoformat(timespec="milliseconds"),
        "quote": "",
    }


def test_quotes__of_others__say_why_not():
    assert quoted("jug", "item-00", "cup") == [
        {"item": "jug", "reason": "NO_PRICE"},
        {"item": "item-00", "reason": "NO_PRICE"},
        {"item": "cup", "reason": "UNKNOWN_ITEM"},
    ]


def test_quotes__price_changes__switch_at_its_very_moment():
    before, after = FALL - timedelta(microseconds=1), FALL
    assert (quoted("mug", at=before)[0]["price"], quoted("mug", at=after)[0]["price"]) == (19.99, 17.5)


def test_quotes__without_published_prices__have_none():
    assert quoted("mug", bundle=live()) == [{"item": "mug", "reason": "UNKNOWN_ITEM"}]


def test_quotes__amount_to_the_millionth__is_exact():
    rows = [("mug", 9_007_199_254_740_993, 0, None)]
    body = render_quotes(["mug"], bundle_with(rows), at=AT, metadata={}).decode()
    assert '"price":9007199254.740993' in body


def test_verify__quote_of_then__is_honoured_though_the_price_rose_since():
    rise = microseconds(AT + timedelta(minutes=1))
    rows = [("mug", 10_000_000, 0, rise), ("mug", 12_000_000, rise, None)]
    bundle = bundle_with(rows)
    (told,) = quoted("mug", bundle=bundle)
    later = verified(told["quote"], at=AT + timedelta(minutes=29), bundle=bundle)
    assert (later["honoured"], later["price"], later["price_now"], later["item"]) == (True, 10.0, 12.0, "mug")


def test_verify__until_its_expiry_and_no_longer__is_honoured():
    (told,) = quoted("mug")
    assert verified(told["quote"], at=AT + timedelta(minutes=30))["honoured"]
    assert verified(told["quote"], at=AT + timedelta(minutes=30, milliseconds=1)) == {
        "honoured": False,
        "reason": "EXPIRED",
    }


def test_verify__item_that_is_not_offered_any_more__is_honoured():
    (told,) = quoted("mug")
    assert verified(told["quote"], bundle=bundle_with([])) | {"offered_since": "", "valid_until": ""} == {
        "honoured": True,
        "item": "mug",
        "price": 19.99,
        "currency": "USD",
        "offered_since": "",
        "valid_until": "",
        "price_now": None,
    }


def forged(text: str, **changes: Any) -> str:
    """Return the quote with other values and the signature that it had."""
    payload, _, signature = text.partition(".")
    values = msgspec.msgpack.decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=Quote)
    other = msgspec.structs.replace(values, **changes)
    return f"{urlsafe_b64encode(msgspec.msgpack.encode(other)).rstrip(b'=').decode()}.{signature}"


@pytest.mark.parametrize(
    "changes",
    [{"price": 1}, {"item": "jug"}, {"expires_ms": 2**50}, {"currency": "JPY"}, {"kid": "2"}, {"starts": 0}],
)
def test_verify__anything_changed__is_forged(changes):
    assert verified(forged(quoted("mug")[0]["quote"], **changes))["reason"] == "FORGED"


def test_verify__another_project__is_not_ours():
    assert verified(forged(quoted("mug")[0]["quote"], project_id=2))["reason"] == "WRONG_PROJECT"


def test_verify__signed_for_something_else__is_forged_or_malformed():
    bundle = bundle_with()
    preview = sign_preview(project_id=1, experiment="e", variant="v", expires=AT + HOUR, keys=bundle.signing_keys)
    assert verified(preview)["reason"] == "MALFORMED"
    payload = quoted("mug")[0]["quote"].partition(".")[0]
    other = signature_of(payload.encode(), bundle.signing_keys[0], b"tiltyard.decision-token.")
    assert verified(f"{payload}.{other}")["reason"] == "FORGED"


@given(st.one_of(st.text(max_size=200), st.binary(max_size=120).map(lambda raw: urlsafe_b64encode(raw).decode())))
@settings(max_examples=200, deadline=None)
def test_verify__any_text__is_refused_and_never_raises(text):
    assert verified(text) == {"honoured": False, "reason": "MALFORMED"}


def test_verify__very_long_text__is_malformed():
    assert verified("A" * 100_000)["reason"] == "MALFORMED"


def test_verify_quote__signed_with_an_older_key_that_is_still_known__is_honoured():
    old, new = SigningKey("1", b"o" * 32), SigningKey("2", b"n" * 32)
    quote = Quote("1", 1, 1, "mug", 5, "USD", 0, 0, 2**50)
    text = sign_quote(quote, old)
    assert verify_quote(text, project_id=1, keys=(new, old), now=AT) == quote
    with pytest.raises(QuoteRefused) as refused:
        verify_quote(text, project_id=1, keys=(new,), now=AT)
    assert refused.value.fault is QuoteFault.FORGED


def test_quoted_for__without_a_point_on_prices__is_half_an_hour():
    assert quoted_for(live()) == timedelta(minutes=30)


def test_quoted_for__points_on_prices__is_the_longest_that_one_says():
    def prices(key: str, number: int, minutes: float) -> dict[str, Any]:
        own = {"slate_size": 1, "largest_slate": 1, "personal": False, "settings": {"quote_minutes": minutes}}
        return point(id=number, key=key, domain="pricing", **own)

    points = [prices("a", 7, 10.0), prices("b", 8, 45.0), point(id=9)]
    text = published(decision_content(points=points), companion())
    assert quoted_for(open_bundle(text, source=BundleSource.POSTGRES)) == timedelta(minutes=45)


def test_read_request__items__are_those_of_the_body():
    body = json.dumps({"items": ["mug", "jug", "mug"], "currency": "USD"}).encode()
    assert read_quote_request(body, currency="USD") == ["mug", "jug", "mug"]
    assert read_quote_request(b'{"items": ["mug"]}', currency=None) == ["mug"]


@pytest.mark.parametrize(
    "name", ["visitor", "customer", "units", "attributes", "context", "anonymousId", "userId", "email", "age", ""]
)
def test_read_request__anything_of_the_shopper__is_refused(name):
    with pytest.raises(PersonalDataRefused):
        read_quote_request(json.dumps({"items": ["mug"], name: "x"}).encode(), currency="USD")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"{}",
        b'{"items": []}',
        b'{"items": "mug"}',
        b'{"items": [1]}',
        b'{"items": [""]}',
        b'{"items": [null]}',
        b'{"items": ["mug"], "currency": 1}',
        b"[" * 100_000,
        json.dumps({"items": ["m"] * 101}).encode(),
    ],
)
def test_read_request__bad_body__is_malformed(body):
    with pytest.raises(QuoteRequestMalformed):
        read_quote_request(body, currency="USD")


@pytest.mark.parametrize("currency", ["EUR", "usd", ""])
def test_read_request__other_currency__is_refused(currency):
    with pytest.raises(CurrencyMismatch):
        read_quote_request(json.dumps({"items": ["mug"], "currency": currency}).encode(), currency="USD")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"quote": 1}', b'{"quote": "a", "visitor": "v"}', b"\xff"])
def test_read_verification__bad_body__is_malformed(body):
    with pytest.raises(QuoteRequestMalformed):
        read_verification(body)

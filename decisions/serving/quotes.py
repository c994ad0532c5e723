"""Price quotes: what everybody is offered now, with a signed statement that it is honoured for a stated time.

Form as a decision token's: base64url(MessagePack array) + "." + base64url(HMAC-SHA256, first 16 bytes). The array is
[kid, schema, project, item, price in millionths, currency, since when it is offered (microseconds), issued and expiry
(milliseconds)], all times in project time. Signed under a context of its own. Who asks is not in it and is not asked:
a price is the same for everybody at one moment.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from decisions.serving.bundle import LiveBundle, SigningKey
from decisions.serving.offers import Offer, microseconds, moment_of
from decisions.serving.token import milliseconds, signature_of
from experiments.assignment.bucketing import encode_unit
from experiments.vocabulary import Payable
from foundation.errors import DomainError
from foundation.money import format_micros

SCHEMA: Final = 1
MOST_ITEMS: Final = 100
LONGEST_QUOTE: Final = 16_384
DEFAULT_MINUTES: Final = 30.0
"""For which a quote is honoured where no decision point says so."""
QUOTE_MINUTES: Final = "quote_minutes"
"""The setting of decision points on prices that says it."""

_MEMBERS: Final = frozenset({"items", "currency"})
_CONTEXT: Final = b"tiltyard.price-quote."
_MILLISECONDS: Final = 1_000


class QuoteFault(StrEnum):
    """Why a quote is not honoured."""

    EXPIRED = "EXPIRED"
    FORGED = "FORGED"
    WRONG_PROJECT = "WRONG_PROJECT"
    MALFORMED = "MALFORMED"


class Unquoted(StrEnum):
    """Why an item has no quote."""

    UNKNOWN_ITEM = "UNKNOWN_ITEM"
    NO_PRICE = "NO_PRICE"
    BUNDLE_MISSING = "BUNDLE_MISSING"
    BUNDLE_STALE = "BUNDLE_STALE"
    """For longer than a quote is honoured, nobody has heard what anything costs."""
    ENGINE_ERROR = "ENGINE_ERROR"


class QuoteRequestMalformed(DomainError):
    """The body of a request for quotes, or for their verification, cannot be read."""

    code = "QUOTE_REQUEST_MALFORMED"
    hint = f'Send {{"items": ["id"]}} with 1 to {MOST_ITEMS} ids, or to verify {{"quote": "..."}}.'


class PersonalDataRefused(DomainError):
    """A request for quotes says something of who asks."""

    code = "PERSONAL_DATA_REFUSED"
    hint = 'Send "items", and "currency" where you want it checked, and nothing of the shopper.'


class CurrencyMismatch(DomainError):
    """Quotes are asked for in another currency than the shop's."""

    code = "CURRENCY_MISMATCH"
    hint = "Ask for the currency of the project; prices are not converted."


class QuoteRefused(DomainError):
    """A quote is not honoured; `fault` says why."""

    code = "QUOTE_REFUSED"
    hint = "Ask for a new quote."

    def __init__(self, fault: QuoteFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class Quote(msgspec.Struct, array_like=True, frozen=True):
    """What a quote says; see the module for units."""

    kid: str
    schema: int
    project_id: int
    item: str
    price: int
    currency: str
    starts: int
    issued_ms: int
    expires_ms: int


class _Verification(msgspec.Struct, forbid_unknown_fields=True):
    quote: str


_encode = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Quote).decode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_verification = msgspec.json.Decoder(_Verification).decode


def read_quote_request(body: bytes, *, currency: str | None) -> list[str]:
    """Return the items that are asked about; `currency` is the project's, None where it is not known yet.

    Raises:
        QuoteRequestMalformed, PersonalDataRefused, CurrencyMismatch: nothing is quoted.
    """
    try:
        said = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise QuoteRequestMalformed(f"The body cannot be read: {str(error).rstrip('.')}.") from error
    strange = sorted(said.keys() - _MEMBERS)
    if strange:
        raise PersonalDataRefused(f"A price is the same for everybody; {strange[0][:64]!r} is not asked about.")
    items = said.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= MOST_ITEMS:
        raise QuoteRequestMalformed(f"items must be a list of 1 to {MOST_ITEMS} ids.")
    if any(encode_unit(item) is None for item in items):
        raise QuoteRequestMalformed("An item's id is a text that can be stored.")
    wanted = said.get("currency")
    if "currency" in said and not isinstance(wanted, str):
        raise QuoteRequestMalformed("currency must be a text.")
    if wanted is not None and currency is not None and wanted != currency:
        raise CurrencyMismatch(f"Prices are in {currency}.")
    return items


def read_verification(body: bytes) -> str:
    """Return the quote that is to be verified. Raises QuoteRequestMalformed."""
    try:
        return _decode_verification(body).quote
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise QuoteRequestMalformed(f"The body cannot be read: {str(error).rstrip('.')}.") from error


def render_quotes(items: Sequence[str], bundle: LiveBundle, *, at: datetime, metadata: Mapping[str, str]) -> bytes:
    """Return the response body of `POST /v1/quotes`; `at` is project time."""
    moment, expires = microseconds(at), at + quoted_for(bundle)
    quotes = [_quoted(item, bundle, moment, at, expires) for item in items]
    return _encode(
        {"quotes": quotes, "at": _text(at), "bundle_version": bundle.version, "metadata": dict(metadata)},
    )


def render_no_quotes(items: Sequence[str], reason: Unquoted) -> bytes:
    """Return the response body where nothing can be quoted: the storefront shows the price that it knows."""
    quotes = [{"item": item, "reason": reason.value} for item in items]
    return _encode({"quotes": quotes, "at": None, "bundle_version": None, "metadata": {"degraded": reason.value}})


def render_verification(text: str, bundle: LiveBundle, *, now: datetime) -> bytes:
    """Return the response body of `POST /v1/quotes/verify`; `now` is project time."""
    try:
        quote = verify_quote(text, project_id=bundle.project_id, keys=bundle.signing_keys, now=now)
    except QuoteRefused as refused:
        return _encode({"honoured": False, "reason": refused.fault.value})
    current = offer_of(quote.item, bundle, microseconds(now))
    return _encode(
        {
            "honoured": True,
            "item": quote.item,
            "price": _amount(quote.price),
            "currency": quote.currency,
            "offered_since": _text(moment_of(quote.starts)),
            "valid_until": _text(moment_of(quote.expires_ms * _MILLISECONDS)),
            "price_now": None if current is None else _amount(current.price),
        }
    )


def offer_of(item: str, bundle: LiveBundle, at: int) -> Offer | None:
    """Return what everybody is offered an item for at a time, microseconds of project time since 1970."""
    prices = bundle.equipment.prices
    return None if prices is None else prices.offer(item, at)


def quoted_for(bundle: LiveBundle) -> timedelta:
    """Return for how long (project time) quotes are honoured: the longest that a point on prices says."""
    said = (
        float(point.settings[QUOTE_MINUTES])
        for point in bundle.points.by_key.values()
        if point.domain.payable is Payable.PRICE and QUOTE_MINUTES in point.settings
    )
    return timedelta(minutes=max(said, default=DEFAULT_MINUTES))


def sign_quote(quote: Quote, key: SigningKey) -> str:
    """Return the quote as text, signed; its `kid` must be the key's."""
    payload = urlsafe_b64encode(_pack(quote)).rstrip(b"=")
    return f"{payload.decode()}.{signature_of(payload, key, _CONTEXT)}"


def verify_quote(text: str, *, project_id: int, keys: Sequence[SigningKey], now: datetime) -> Quote:
    """Return what a quote says, whatever the item costs by now. `now` is project time.

    Raises:
        QuoteRefused: malformed, of another project, not signed by us, or expired.
    """
    payload, _, signature = text.partition(".")
    quote = _parse(payload) if len(text) <= LONGEST_QUOTE else None
    if quote is None or quote.schema != SCHEMA:
        raise QuoteRefused(QuoteFault.MALFORMED)
    if quote.project_id != project_id:
        raise QuoteRefused(QuoteFault.WRONG_PROJECT)
    key = next((key for key in keys if key.kid == quote.kid), None)
    expected = None if key is None else signature_of(payload.encode(), key, _CONTEXT)
    if expected is None or not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise QuoteRefused(QuoteFault.FORGED)
    if milliseconds(now) > quote.expires_ms:
        raise QuoteRefused(QuoteFault.EXPIRED)
    return quote


def _quoted(item: str, bundle: LiveBundle, moment: int, at: datetime, expires: datetime) -> dict[str, Any]:
    offer = offer_of(item, bundle, moment)
    if offer is None:
        return {"item": item, "reason": _why_not(item, bundle).value}
    key = bundle.signing_keys[0]
    quote = Quote(
        kid=key.kid,
        schema=SCHEMA,
        project_id=bundle.project_id,
        item=item,
        price=offer.price,
        currency=bundle.currency,
        starts=offer.starts,
        issued_ms=milliseconds(at),
        expires_ms=milliseconds(expires),
    )
    return {
        "item": item,
        "price": _amount(offer.price),
        "currency": bundle.currency,
        "offered_since": _text(moment_of(offer.starts)),
        "valid_until": _text(expires),
        "quote": sign_quote(quote, key),
    }


def _why_not(item: str, bundle: LiveBundle) -> Unquoted:
    catalogue, prices = bundle.equipment.catalogue, bundle.equipment.prices
    is_known = catalogue is not None and item in catalogue.places
    is_priced = prices is not None and item in prices.places
    return Unquoted.NO_PRICE if is_known or is_priced else Unquoted.UNKNOWN_ITEM


def _amount(micros: int) -> msgspec.Raw:
    """Return an amount as the exact JSON number."""
    return msgspec.Raw(format_micros(micros).encode())


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _parse(payload: str) -> Quote | None:
    try:
        return _unpack(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return None

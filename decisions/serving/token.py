"""The decision token: a compact signed statement of what a unit was assigned, sent back with the exposure.

Form: base64url(MessagePack array) + "." + base64url(HMAC-SHA256, first 16 bytes), both without padding. The
array is [kid, schema, project, {unit kind: stored id}, time in ms, decision id, bundle version, entries]; an
entry is [experiment, its key, variant, epoch, weight in slots, number of its unit kind, layer slot, coverage slot,
variant slot], then, in a decision's token, the version of the model that the variant pins, and the number of the
period where units are randomised by period. Only enrolled assignments
are in it. The key is there for the exposure that arrives when the experiment has already left the bundle.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from decisions.serving.bundle import SigningKey
from decisions.vocabulary import TokenFault
from experiments.assignment.snapshot import Answer, Assignment
from foundation.errors import DomainError
from foundation.ids import keyed_digest

SCHEMA = 2
READABLE_SCHEMAS = (2, 1)
LONGEST_TOKEN = 32_768
SIGNATURE_BYTES = 16
WEIGHTS = 1_000_000
UNIT_KINDS = ("visitor", "customer", "session", "item", "store", "cluster", "store-item")
"""By the number that entries use: more may be added at the end, none may move."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_CONTEXT = b"tiltyard.decision-token."
"""Keeps a signature made for anything else from passing for a token's."""


class TokenEntry(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One enrolled assignment. `weight` is the probability in slots of a million.

    `model_version` is known of decisions alone, and only where the variant pins a version. `period` is that of the
    assignment, however much later the unit meets it.
    """

    experiment_id: int
    experiment_key: str
    variant: str
    epoch: int
    weight: int
    unit_number: int
    layer_slot: int | None
    coverage_slot: int | None
    variant_slot: int | None
    model_version: int | None = None
    period: int | None = None

    @property
    def probability(self) -> float:
        return self.weight / WEIGHTS

    @property
    def slots(self) -> tuple[int | None, int | None, int | None]:
        return self.layer_slot, self.coverage_slot, self.variant_slot


class DecisionToken(msgspec.Struct, array_like=True, frozen=True):
    """What a token says. `units` are stored ids (hashed where personal) by kind, `time_ms` is project time."""

    kid: str
    schema: int
    project_id: int
    units: dict[str, str]
    time_ms: int
    decision_id: str
    bundle_version: int
    entries: list[TokenEntry]

    def unit_of(self, entry: TokenEntry) -> tuple[str, str]:
        """Return the kind and the stored id of the unit that an entry is about."""
        kind = UNIT_KINDS[entry.unit_number]
        return kind, self.units[kind]

    def is_whole(self) -> bool:
        """Return whether every entry is about a unit that the token names."""
        known = {number for number, kind in enumerate(UNIT_KINDS) if kind in self.units}
        return all(entry.unit_number in known for entry in self.entries)


Statement = tuple[str, int, int, dict[str, str], int, str, int, list[tuple[object, ...]]]
"""A decision token as plain tuples, which are quicker to make."""


class TokenRefused(DomainError):
    """The token proves nothing; `fault` says why."""

    code = "TOKEN_REFUSED"
    hint = "Send back the decision_token of the same project and unit, unchanged."

    def __init__(self, fault: TokenFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(DecisionToken).decode


def milliseconds(moment: datetime) -> int:
    """Return whole milliseconds since 1970 UTC."""
    return (moment - _EPOCH) // _MILLISECOND


def sign_token(token: DecisionToken | Statement, key: SigningKey) -> str:
    """Return the token as text, signed; its `kid` must be the key's."""
    payload = urlsafe_b64encode(_encode(token)).rstrip(b"=")
    return f"{payload.decode()}.{signature_of(payload, key, _CONTEXT)}"


def token_head(answer: Answer) -> tuple[object, ...] | None:
    """Return the part of an entry that does not depend on the unit, None where the answer enrols nobody."""
    if not answer.enrolled or answer.unit_kind not in UNIT_KINDS:
        return None
    weight = round(answer.probability * WEIGHTS)
    number = UNIT_KINDS.index(answer.unit_kind)
    return answer.experiment_id, answer.experiment_key, answer.variant, answer.epoch, weight, number


def token_entry(
    head: tuple[object, ...], assignment: Assignment, model_version: int | None = None
) -> tuple[object, ...]:
    """Return the entry of an assignment that enrols; members at its end that say nothing are left out."""
    entry = (*head, assignment.layer_slot, assignment.coverage_slot, assignment.variant_slot)
    if assignment.period is not None:
        return (*entry, model_version, assignment.period)
    return entry if model_version is None else (*entry, model_version)


def verify_token(
    text: str, *, project_id: int, keys: Sequence[SigningKey], now: datetime, age: timedelta
) -> DecisionToken:
    """Return what a token says. `now` is project time, `age` how old the token may be on that clock.

    Raises:
        TokenRefused: malformed, of another project, signed with an unknown key, forged or expired.
    """
    payload, _, signature = text.partition(".")
    token = _parse(payload) if len(text) <= LONGEST_TOKEN else None
    if token is None or token.schema not in READABLE_SCHEMAS:
        raise TokenRefused(TokenFault.MALFORMED)
    if token.project_id != project_id:
        raise TokenRefused(TokenFault.WRONG_PROJECT)
    key = next((key for key in keys if key.kid == token.kid), None)
    if key is None:
        raise TokenRefused(TokenFault.UNKNOWN_KEY)
    expected = signature_of(payload.encode(), key, _CONTEXT)
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise TokenRefused(TokenFault.FORGED)
    if not token.is_whole():
        raise TokenRefused(TokenFault.MALFORMED)
    if milliseconds(now) - token.time_ms > age // _MILLISECOND:
        raise TokenRefused(TokenFault.EXPIRED)
    return token


def _parse(payload: str) -> DecisionToken | None:
    try:
        return _decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return None


def signature_of(payload: bytes, key: SigningKey, context: bytes) -> str:
    """Return the signature of a payload as text; one made in another context never equals it."""
    digest = keyed_digest(key.secret, context + payload)[:SIGNATURE_BYTES]
    return urlsafe_b64encode(digest).rstrip(b"=").decode()

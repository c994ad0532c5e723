"""Preview tokens: a signed permission to look at one variant for a while, without being enrolled.

Form as a decision token's: base64url(MessagePack array) + "." + base64url(HMAC-SHA256, first 16 bytes). The array is
[kid, schema, project, experiment key, variant key, expiry in ms of project time]. Signed under a context of its own, so
that neither kind of token passes for the other.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from decisions.serving.bundle import LiveBundle, SigningKey
from decisions.serving.token import milliseconds, signature_of
from decisions.vocabulary import PreviewState
from experiments.assignment.snapshot import Assignment, Variant

SCHEMA = 1
LONGEST_PREVIEW = 2_048
_CONTEXT = b"tiltyard.preview-token."


class PreviewToken(msgspec.Struct, array_like=True, frozen=True):
    """What a preview token says; `expires_ms` is project time."""

    kid: str
    schema: int
    project_id: int
    experiment: str
    variant: str
    expires_ms: int


class Preview(NamedTuple):
    """What a request's preview token came to: the variant to show where it is APPLIED."""

    state: PreviewState
    variant: Variant | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(PreviewToken).decode


def sign_preview(
    *, project_id: int, experiment: str, variant: str, expires: datetime, keys: Sequence[SigningKey]
) -> str:
    """Return the token that shows a variant until `expires`, signed with the first key."""
    token = PreviewToken(keys[0].kid, SCHEMA, project_id, experiment, variant, milliseconds(expires))
    payload = urlsafe_b64encode(_encode(token)).rstrip(b"=")
    return f"{payload.decode()}.{signature_of(payload, keys[0], _CONTEXT)}"


def read_preview(text: object, bundle: LiveBundle, *, now: datetime) -> Preview | None:
    """Return what a request's preview token comes to; None without one. `now` is project time. Never raises."""
    if text is None or text == "":
        return None
    token = _parse(text)
    fault = PreviewState.MALFORMED if token is None else _fault(token, str(text), bundle, now)
    if token is None or fault is not None:
        return Preview(fault or PreviewState.MALFORMED)
    experiment = bundle.snapshot.experiments.get(token.experiment)
    variant = None if experiment is None else experiment.variants.get(token.variant)
    return Preview(PreviewState.NOT_IN_BUNDLE if variant is None else PreviewState.APPLIED, variant)


def with_preview(
    assignments: Sequence[Assignment], preview: Preview | None, keys: Sequence[str] | None
) -> tuple[Assignment, ...]:
    """Return the assignments with the previewed experiment's replaced; added where no keys say what is asked for."""
    if preview is None or preview.variant is None:
        return tuple(assignments)
    shown = Assignment(preview.variant.previewed)
    found = tuple(shown if a.experiment_key == shown.experiment_key else a for a in assignments)
    return found if keys is not None or shown in found else (*found, shown)


def _fault(token: PreviewToken, text: str, bundle: LiveBundle, now: datetime) -> PreviewState | None:
    """Return why a token that can be read is ignored; None where it is genuine and in time."""
    if token.project_id != bundle.project_id:
        return PreviewState.WRONG_PROJECT
    key = next((key for key in bundle.signing_keys if key.kid == token.kid), None)
    if key is None:
        return PreviewState.UNKNOWN_KEY
    payload, _, signature = text.partition(".")
    expected = signature_of(payload.encode(), key, _CONTEXT)
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        return PreviewState.FORGED
    return PreviewState.EXPIRED if milliseconds(now) > token.expires_ms else None


def _parse(text: object) -> PreviewToken | None:
    if not isinstance(text, str) or len(text) > LONGEST_PREVIEW:
        return None
    payload = text.partition(".")[0]
    try:
        token = _decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return None
    return token if token.schema == SCHEMA else None

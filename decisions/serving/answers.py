"""The JSON of assignments: parts that do not depend on the unit are rendered once and kept with the bundle."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec

from decisions.serving.bundle import LiveBundle, Rendered
from decisions.serving.token import SCHEMA, milliseconds, sign_token, token_head
from experiments.assignment.snapshot import Answer, Assignment
from experiments.vocabulary import PERSONAL_UNITS
from foundation.errors import DomainError
from foundation.ids import hash_unit

MOST_KEYS = 1_000

_PERSONAL = frozenset(kind.value for kind in PERSONAL_UNITS)


class RequestMalformed(DomainError):
    """The body of an assignment request cannot be read."""

    code = "REQUEST_MALFORMED"
    hint = 'Send {"units": {"visitor": "id"}, "attributes": {}, "experiments": ["key"], "personalised": true}.'


class AssignmentRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What a client asks. Ids are of any type here: what is not a valid id is answered with UNIT_INVALID."""

    units: dict[str, Any]
    attributes: dict[str, Any] = {}
    experiments: list[str] | None = None
    personalised: bool = True


def _plain(value: object) -> object:
    """Return what msgspec can encode for the read-only mappings of a snapshot."""
    if isinstance(value, MappingProxyType):
        return dict(value)
    raise NotImplementedError


_encoder = msgspec.json.Encoder(enc_hook=_plain)
_decode = msgspec.json.Decoder(AssignmentRequest).decode


def read_request(body: bytes) -> AssignmentRequest:
    """Return what a body asks. Raises RequestMalformed."""
    try:
        request = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RequestMalformed(f"The body cannot be read: {str(error).rstrip('.')}.") from error
    if request.experiments is not None and len(request.experiments) > MOST_KEYS:
        raise RequestMalformed(f"More than {MOST_KEYS} experiments are named.")
    return request


def render_assignments(
    assignments: Sequence[Assignment],
    units: Mapping[str, str],
    bundle: LiveBundle,
    *,
    at: datetime,
    decision_id: str,
    degraded: str | None,
) -> bytes:
    """Return the response body of `POST /v1/assignments`, with a token of what was enrolled. `at` is project time."""
    rendered = bundle.rendered
    parts: list[str] = []
    entries: list[tuple[object, ...]] = []
    kinds: set[str] = set()
    for assignment in assignments:
        answer = assignment.answer
        json, head = rendered.get(answer) or _render(answer, rendered)
        layer, coverage, variant = assignment.layer_slot, assignment.coverage_slot, assignment.variant_slot
        parts.append(
            f"{json}[{'null' if layer is None else layer},{'null' if coverage is None else coverage},"
            f"{'null' if variant is None else variant}]}}"
        )
        if head is not None:
            entries.append((*head, layer, coverage, variant))
            kinds.add(answer.unit_kind or "")
    stored = {kind: hash_unit(bundle.pepper, kind, units[kind]) if kind in _PERSONAL else units[kind] for kind in kinds}
    proof = f'"{token_of(entries, stored, bundle, at, decision_id)}"' if entries else "null"
    metadata = "{}" if degraded is None else f'{{"degraded":"{degraded}"}}'
    return (
        f'{{"assignments":[{",".join(parts)}],"decision_id":"{decision_id}","decision_token":{proof},'
        f'"bundle_version":{bundle.version},"source":"{bundle.source.value}","metadata":{metadata}}}'
    ).encode()


def render_nothing(*, decision_id: str, reason: str) -> bytes:
    """Return the response body where there is no bundle to assign from: the storefront uses its defaults."""
    return (
        f'{{"assignments":[],"decision_id":"{decision_id}","decision_token":null,"bundle_version":null,'
        f'"source":null,"metadata":{{"degraded":"{reason}"}}}}'
    ).encode()


def token_of(
    entries: list[tuple[object, ...]], stored: dict[str, str], bundle: LiveBundle, at: datetime, decision_id: str
) -> str:
    """Return the signed token with these entries; `stored` are the stored ids of the units that they are about."""
    key = bundle.signing_keys[0]
    statement = (
        key.kid,
        SCHEMA,
        bundle.project_id,
        stored,
        milliseconds(at),
        decision_id,
        bundle.version,
        entries,
    )
    return sign_token(statement, key)


def _render(answer: Answer, rendered: dict[Answer, Rendered]) -> Rendered:
    members = {
        "experiment": answer.experiment_key,
        "experiment_id": answer.experiment_id,
        "unit_kind": answer.unit_kind,
        "variant": answer.variant,
        "enrolled": answer.enrolled,
        "reason": answer.reason.value,
        "epoch": answer.epoch,
        "probability": answer.probability,
        "parameters": answer.parameters,
    }
    made = Rendered(_encoder.encode(members).decode()[:-1] + ',"slots":', token_head(answer))
    if answer.experiment_id is not None:  # Answers about unknown experiments are made anew each time: not kept.
        rendered[answer] = made
    return made

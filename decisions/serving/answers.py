"""The JSON of assignments: parts that do not depend on the unit are rendered once and kept with the bundle."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec

from decisions.serving.assigning import Given
from decisions.serving.bundle import LiveBundle, Rendered
from decisions.serving.known import CUSTOMER, VISITOR, stored_unit
from decisions.serving.token import SCHEMA, milliseconds, sign_token, token_entry, token_head
from experiments.assignment.snapshot import Answer
from experiments.assignment.unit_ids import with_store_item
from foundation.errors import DomainError

MOST_KEYS = 1_000


class RequestMalformed(DomainError):
    """The body of an assignment request cannot be read."""

    code = "REQUEST_MALFORMED"
    hint = (
        'Send {"units": {"visitor": "id"}, "attributes": {}, "experiments": ["key"], "personalised": true, '
        '"preview": "token"}; all but units may be left out.'
    )


class AssignmentRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What a client asks. Ids are of any type here: what is not a valid id is answered with UNIT_INVALID."""

    units: Mapping[str, Any]
    attributes: dict[str, Any] = {}
    experiments: list[str] | None = None
    personalised: bool = True
    preview: str | None = None


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
        request.units = with_store_item(request.units)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RequestMalformed(f"The body cannot be read: {str(error).rstrip('.')}.") from error
    if request.experiments is not None and len(request.experiments) > MOST_KEYS:
        raise RequestMalformed(f"More than {MOST_KEYS} experiments are named.")
    return request


def render_assignments(
    given: Given,
    units: Mapping[str, str],
    bundle: LiveBundle,
    *,
    at: datetime,
    decision_id: str,
    metadata: Mapping[str, str],
) -> bytes:
    """Return the response body of `POST /v1/assignments`, with a token of what was enrolled. `at` is project time."""
    rendered = bundle.rendered
    parts: list[str] = []
    entries: list[tuple[object, ...]] = []
    kinds: set[str] = set()
    visitors, visitor = given.visitors, given.visitor
    for assignment in given.assignments:
        answer = assignment.answer
        json, head = rendered.get(answer) or _render(answer, rendered)
        layer, coverage, variant = assignment.layer_slot, assignment.coverage_slot, assignment.variant_slot
        parts.append(
            f"{json}[{'null' if layer is None else layer},{'null' if coverage is None else coverage},"
            f"{'null' if variant is None else variant}]"
            + ("}" if assignment.period is None else f',"period":{assignment.period}}}')
        )
        if head is not None and (not visitors or visitors.get(answer.experiment_id or 0, visitor) == visitor):
            entries.append(token_entry(head, assignment))
            kinds.add(answer.unit_kind or "")
    stored = stored_for_token(kinds, units, bundle, given.visitor)
    said = _encoder.encode(metadata).decode() if metadata else "{}"
    proof = f'"{token_of(entries, stored, bundle, at, decision_id)}"' if entries else "null"
    return (
        f'{{"assignments":[{",".join(parts)}],"decision_id":"{decision_id}","decision_token":{proof},'
        f'"bundle_version":{bundle.version},"source":"{bundle.source.value}","metadata":{said}}}'
    ).encode()


def stored_for_token(
    kinds: Iterable[str], units: Mapping[str, str], bundle: LiveBundle, visitor: str | None
) -> dict[str, str]:
    """Return the stored ids that a token names; beside a `visitor` who stands in for a customer the customer too.

    That is the proof with which an exposure of the customer counts for the visitor.
    """
    stored = {kind: stored_unit(bundle, kind, units[kind]) for kind in kinds if visitor is None or kind != VISITOR}
    if visitor is not None:
        stored |= {VISITOR: visitor, CUSTOMER: stored_unit(bundle, CUSTOMER, units[CUSTOMER])}
    return stored


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
    if answer.budget is not None:
        members["budget"] = answer.budget
    made = Rendered(_encoder.encode(members).decode()[:-1] + ',"slots":', token_head(answer))
    if answer.experiment_id is not None:  # Answers about unknown experiments are made anew each time: not kept.
        rendered[answer] = made
    return made

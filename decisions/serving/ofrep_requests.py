"""Requests of the OpenFeature Remote Evaluation Protocol: from a body to units, attributes and the rest of a context.

The whole context is what audiences see as attributes. Some of its members moreover name units: `targetingKey` the
visitor, `userId` the customer, and a member with the name of another unit kind that kind.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from decisions.serving.known import CUSTOMER, VISITOR
from experiments.assignment.bucketing import LONGEST_UNIT_ID, encode_unit
from experiments.assignment.unit_ids import with_store_item
from experiments.vocabulary import UnitKind
from foundation.errors import DomainError

TARGETING_KEY = "targetingKey"
PERSONALISED = "personalised"
PREVIEW = "preview"

USER_ID = "userId"

UNIT_MEMBERS: Mapping[str, str] = {
    TARGETING_KEY: UnitKind.VISITOR.value,
    USER_ID: UnitKind.CUSTOMER.value,
    **{kind.value: kind.value for kind in UnitKind if kind is not UnitKind.VISITOR},
}
"""The unit kind that a member of the context names; where two name one kind, that of the kind's own name counts."""

_MEMBERS = frozenset(UNIT_MEMBERS)


class BodyUnreadable(DomainError):
    """The body is not JSON."""

    code = "PARSE_ERROR"
    hint = 'Send {"context": {"targetingKey": "visitor id"}} as JSON.'


class ContextInvalid(DomainError):
    """The context is missing, or a member that the server reads has the wrong type."""

    code = "INVALID_CONTEXT"
    hint = (
        'Send {"context": {"targetingKey": "visitor id"}}; targetingKey is a text, personalised true or false, preview '
        "a text."
    )


class FlagContext(NamedTuple):
    """What a request says of the units. Ids other than the visitor's are of any type here, as in assignments."""

    units: Mapping[str, Any]
    attributes: Mapping[str, Any]
    personalised: bool
    preview: str | None


class _Body(msgspec.Struct):
    context: dict[str, Any] | None = None


_decode = msgspec.json.Decoder(_Body).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


def read_context(body: bytes) -> FlagContext:
    """Return the context of a request.

    Raises:
        BodyUnreadable: the body is not JSON, or nested too deep.
        ContextInvalid: there is no context, or it cannot be.
    """
    try:
        context = _decode(body).context
    except msgspec.ValidationError as error:
        raise ContextInvalid(f"{str(error).rstrip('.')}.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BodyUnreadable(f"The body cannot be read: {str(error).rstrip('.')}.") from error
    if context is None:
        raise ContextInvalid("There is no context.")
    units = _units(context)
    if VISITOR in units and encode_unit(units[VISITOR]) is None:
        raise ContextInvalid(f"targetingKey is no text of at most {LONGEST_UNIT_ID} bytes without NUL.")
    personalised, preview = context.get(PERSONALISED, True), context.get(PREVIEW)
    if not isinstance(personalised, bool):
        raise ContextInvalid("personalised is neither true nor false.")
    if preview is not None and not isinstance(preview, str):
        raise ContextInvalid("preview is no text.")
    return FlagContext(units, context, personalised, preview)


def _units(context: Mapping[str, Any]) -> Mapping[str, Any]:
    named = context.keys() & _MEMBERS
    units = {UNIT_MEMBERS[name]: context[name] for name in named if context[name] not in (None, "")}
    if USER_ID in named and context.get(CUSTOMER) not in (None, ""):
        units[CUSTOMER] = context[CUSTOMER]
    return with_store_item(units)


def canonical(context: FlagContext) -> bytes:
    """Return the one text of a context, whatever the order of its members."""
    return _encode(context.attributes)

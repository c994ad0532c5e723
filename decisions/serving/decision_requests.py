"""What a storefront asks of a decision point, read from JSON and held against the point's bounds."""

from collections.abc import Mapping
from typing import Any

import msgspec

from decisions.serving.points import DecisionPoint
from experiments.assignment.unit_ids import with_store_item
from foundation.errors import DomainError

MOST_CANDIDATES = 10_000
MOST_RECENT = 200
MOST_EXCLUDED = 1_000


class DecisionPointUnknown(DomainError):
    """The project has no decision point of this key."""

    code = "DECISION_POINT_UNKNOWN"
    hint = "Use the key of a decision point that the admin lists; a new one is known a few seconds after it is saved."


class DecisionMalformed(DomainError):
    """The body of a request for a decision cannot be used."""

    code = "REQUEST_MALFORMED"
    hint = (
        'Send {"units": {"visitor": "id"}, "attributes": {}, "context": {"recent_items": [], "exclude": []}, '
        '"candidates": ["item"], "size": 20, "expose": false, "personalised": true, "preview": "token"}; '
        "all but units may be left out."
    )


class DecisionContext(msgspec.Struct, forbid_unknown_fields=True):
    """What the storefront knows of the moment: items just looked at, the newest first, and items not to show."""

    recent_items: list[str] = []
    exclude: list[str] = []


class DecisionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What a storefront asks. Unit ids are of any type here: one that is not valid earns the reason UNIT_INVALID.

    `size` is a whole number or None once it was read: in JSON 20.0 is one too.
    """

    units: Mapping[str, Any]
    attributes: dict[str, Any] = {}
    context: DecisionContext = msgspec.field(default_factory=DecisionContext)
    candidates: list[str] | None = None
    size: Any = None
    expose: bool = False
    personalised: bool = True
    preview: str | None = None


_decode = msgspec.json.Decoder(DecisionRequest).decode


def read_decision_request(body: bytes, point: DecisionPoint) -> DecisionRequest:
    """Return what a body asks of a decision point.

    Raises:
        DecisionMalformed: it cannot be read, asks for more than the largest slate, or names too many items.
    """
    try:
        request = _decode(body)
        request.units = with_store_item(request.units)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DecisionMalformed(f"The body cannot be read: {str(error).rstrip('.')}.") from error
    request.size = _size(request.size, point)
    for name, items, most in (
        ("candidates", request.candidates or (), MOST_CANDIDATES),
        ("context.recent_items", request.context.recent_items, MOST_RECENT),
        ("context.exclude", request.context.exclude, MOST_EXCLUDED),
    ):
        if len(items) > most:
            raise DecisionMalformed(f"{name} names {len(items)} items; at most {most} are read.")
    return request


def _size(asked: object, point: DecisionPoint) -> int | None:
    if asked is None:
        return None
    whole = int(asked) if isinstance(asked, float) and asked.is_integer() else asked
    if type(whole) is not int:
        raise DecisionMalformed("The body cannot be read: size must be a whole number.")
    if not 1 <= whole <= point.largest_slate:
        raise DecisionMalformed(f"size is {str(whole)[:40]}; {point.key} gives 1 to {point.largest_slate} actions.")
    return whole

"""What a storefront asks of a decision point, read from JSON and held against the point's bounds."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from decisions.domain import Domain, Mode
from decisions.serving.points import DecisionPoint
from experiments.assignment.unit_ids import with_store_item
from foundation.errors import DomainError

MOST_CANDIDATES = 10_000
MOST_RECENT = 200
MOST_EXCLUDED = 1_000
MOST_TEXTS = 100
LONGEST_TEXT = 500
"""Of what else a domain declares as context: texts in a list, and characters of a text."""

RECENT_ITEMS: Final = "recent_items"
EXCLUDE: Final = "exclude"
ITEM_LISTS: Final[Mapping[str, int]] = {RECENT_ITEMS: MOST_RECENT, EXCLUDE: MOST_EXCLUDED}
"""Names of context that hold ids of items in every domain that declares them, and how many are read."""


class DecisionPointUnknown(DomainError):
    """The project has no decision point of this key."""

    code = "DECISION_POINT_UNKNOWN"
    hint = "Use the key of a decision point that the admin lists; a new one is known a few seconds after it is saved."


class DecidedInBatches(DomainError):
    """The domain of the decision point decides for all its subjects together, not at requests."""

    code = "DECIDED_IN_BATCHES"
    hint = "Fetch its batches: GET /api/v1/batches?point=<key> with a server key; prices of now: POST /v1/quotes."


class DecisionMalformed(DomainError):
    """The body of a request for a decision cannot be used."""

    code = "REQUEST_MALFORMED"
    hint = (
        'Send {"units": {"visitor": "id"}, "attributes": {}, "context": {"recent_items": [], "exclude": []}, '
        '"candidates": ["item"], "size": 20, "expose": false, "personalised": true, "preview": "token"}; '
        "all but units may be left out."
    )


class ContextUnknown(DomainError):
    """The context of a request has a name that the domain of the decision point does not declare."""

    code = "CONTEXT_UNKNOWN"
    hint = "Send only the names that the message lists; spell them as it does."


class DecisionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What a storefront asks. Unit ids are of any type here: one that is not valid earns the reason UNIT_INVALID.

    `size` is a whole number or None once it was read: in JSON 20.0 is one too. `context` then has nothing but what the
    point's domain declares: texts, numbers, truth values, and lists of texts.
    """

    units: Mapping[str, Any]
    attributes: dict[str, Any] = {}
    context: dict[str, Any] = {}
    candidates: list[str] | None = None
    size: Any = None
    expose: bool = False
    personalised: bool = True
    preview: str | None = None


_decode = msgspec.json.Decoder(DecisionRequest).decode


def read_decision_request(body: bytes, point: DecisionPoint) -> DecisionRequest:
    """Return what a body asks of a decision point.

    Raises:
        DecidedInBatches: the point does not decide at requests.
        DecisionMalformed: it cannot be read, asks for more than the largest slate, or names too many items.
        ContextUnknown: it says something of the moment that the domain does not know.
    """
    if point.domain.mode is Mode.BATCH:
        raise DecidedInBatches(f"{point.key} decides in batches: GET /api/v1/batches?point={point.key} lists them.")
    try:
        request = _decode(body)
        request.units = with_store_item(request.units)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DecisionMalformed(f"The body cannot be read: {str(error).rstrip('.')}.") from error
    request.size = _size(request.size, point)
    if len(request.candidates or ()) > MOST_CANDIDATES:
        raise _too_many("candidates", request.candidates or (), MOST_CANDIDATES)
    for name, value in request.context.items():
        _ensure_context(name, value, point.domain)
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


def _ensure_context(name: str, value: object, domain: Domain) -> None:
    """Let pass what the domain declares. Raises DecisionMalformed, ContextUnknown."""
    if name not in domain.context:
        known = ", ".join(domain.context) or "none"
        raise ContextUnknown(f"The context has no {name[:64]!r}; {domain.key} knows: {known}.")
    most = ITEM_LISTS.get(name)
    if isinstance(value, list) and all(isinstance(text, str) for text in value):
        if len(value) > (most or MOST_TEXTS):
            raise _too_many(f"context.{name}", value, most or MOST_TEXTS)
        if most is None and any(len(text) > LONGEST_TEXT for text in value):
            raise DecisionMalformed(f"context.{name} has a text of more than {LONGEST_TEXT} characters.")
    elif most is not None or not _is_scalar(value):
        wanted = "a list of texts" if most is not None else "a text, a number, true, false or a list of texts"
        raise DecisionMalformed(f"The body cannot be read: context.{name} must be {wanted}.")
    elif isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise DecisionMalformed(f"context.{name} has more than {LONGEST_TEXT} characters.")


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | bool | int | float)


def _too_many(name: str, items: Sequence[str], most: int) -> DecisionMalformed:
    return DecisionMalformed(f"{name} names {len(items)} items; at most {most} are read.")

"""Answers of the OpenFeature Remote Evaluation Protocol: one flag, or all of a project. Nothing here enrols anybody.

Every success carries key, value, variant, reason and flat metadata, since the strictest clients fall back to the
caller's default where one of them is missing. Only the metadata of flags that an enrolled unit gets has the token.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from decisions.serving.answers import stored_for_token, token_of
from decisions.serving.assigning import Asked, Given, give
from decisions.serving.bundle import LiveBundle
from decisions.serving.etags import weak_tag
from decisions.serving.flag_texts import FlagBook, Gift, is_failure
from decisions.serving.known import NOTHING_KNOWN, Known
from decisions.serving.ofrep_requests import FlagContext, canonical
from decisions.serving.preview import Preview
from decisions.serving.token import token_entry
from experiments.assignment.flags import contenders, deciding, serves_variant
from experiments.assignment.snapshot import Assignment, Flag
from foundation.errors import DomainError

NOBODY_ASKED = Given(())

_encode = msgspec.json.Encoder().encode


class FlagNotFound(DomainError):
    """The project has no such flag."""

    code = "FLAG_NOT_FOUND"
    hint = "Make it in the console, or correct the key."


class Occasion(NamedTuple):
    """Under what circumstances flags are evaluated. `at` is project time."""

    bundle: LiveBundle
    book: FlagBook
    at: datetime
    known: Known = NOTHING_KNOWN
    preview: Preview | None = None


class Stamp(NamedTuple):
    """What is particular to one answer: its decision, and why to doubt the bundle, if there is a reason."""

    decision_id: str
    degraded: str | None = None


class Evaluation(NamedTuple):
    """A flag as JSON, and whether it has a value."""

    body: bytes
    is_success: bool


def tag_of(context: FlagContext, occasion: Occasion) -> str:
    """Return the tag of all flags: of bundle, context, what the unit met, the preview, and what the clock decides."""
    known, preview = occasion.known, occasion.preview
    was_asked = known.sticky is not None or known.linked is not None
    met = _encode([_pairs(known.sticky), _pairs(known.linked)]) if was_asked else b""
    state = b"" if preview is None else preview.state.value.encode()
    return weak_tag(occasion.book.tag_part, canonical(context), met, state, occasion.book.clock_part(occasion.at))


def _pairs(found: Mapping[int, object] | None) -> Sequence[tuple[int, object]] | None:
    return None if found is None else sorted(found.items(), key=lambda pair: pair[0])


def asked_keys(flag: Flag, context: FlagContext, preview: Preview | None) -> Sequence[str]:
    """Return the experiments that have to be asked about one flag."""
    keys = contenders(flag, context.units)
    shown = None if preview is None or preview.variant is None else preview.variant.previewed.experiment_key
    return (*keys, shown) if shown in flag.setter_keys and shown not in keys else keys


def evaluate_one(flag: Flag, keys: Sequence[str], context: FlagContext, occasion: Occasion, stamp: Stamp) -> Evaluation:
    """Return one flag; `keys` are the experiments that can give it to these units."""
    book, chosen, given = occasion.book, None, NOBODY_ASKED
    if keys:
        given = give(_asked(context, occasion, keys), occasion.at, occasion.bundle, occasion.known)
        chosen = deciding(given.assignments)
    if chosen is None:
        return Evaluation(f"{book.head(flag, None)}{_ending(occasion, stamp)}}}}}".encode(), is_success=True)
    head, ending = book.head(flag, chosen.answer), _ending(occasion, stamp)
    entry = _entry(chosen, book.gift(chosen.answer).token_head, given)
    if entry is not None:
        token = _signed([entry], [chosen.answer.unit_kind or ""], given, context, occasion, stamp)
        return Evaluation(f'{head}{ending},"decision_token":"{token}"}}}}'.encode(), is_success=True)
    return Evaluation(f"{head}{ending}}}}}".encode(), is_success=not is_failure(head))


def evaluate_all(context: FlagContext, occasion: Occasion, stamp: Stamp) -> bytes:
    """Return all flags of the project with one token; a flag that has no value leaves the others theirs."""
    given = give(_asked(context, occasion, None), occasion.at, occasion.bundle, occasion.known)
    page = _Page(occasion.book, given)
    page.take(given.assignments)
    unasked = page.unasked(context)
    if unasked:
        page.take(give(_asked(context, occasion, unasked), occasion.at, occasion.bundle, occasion.known).assignments)
    page.settle()
    token = _signed(page.entries, page.kinds, given, context, occasion, stamp) if page.entries else ""
    return _rendered(page.plain_heads, page.enrolled_heads, token, occasion, stamp)


def all_failed(occasion: Occasion, stamp: Stamp) -> bytes:
    """Return all flags with their defaults, where evaluating them failed as a whole."""
    return _rendered([occasion.book.failed(flag) for flag in occasion.book.flags.values()], [], "", occasion, stamp)


def one_failed(flag: Flag, occasion: Occasion, stamp: Stamp) -> Evaluation:
    """Return a flag with its default, where evaluating it failed."""
    body = f"{occasion.book.failed(flag)}{_ending(occasion, stamp)}}}}}"
    return Evaluation(body.encode(), is_success=True)


def _rendered(
    plain_heads: Sequence[str], enrolled_heads: Sequence[str], token: str, occasion: Occasion, stamp: Stamp
) -> bytes:
    ending = _ending(occasion, stamp)
    plain, enrolled = f"{ending}}}}}", f'{ending},"decision_token":"{token}"}}}}'
    groups = ((enrolled_heads, enrolled), (plain_heads, plain))
    flags = ",".join(f"{end},".join(heads) + end for heads, end in groups if heads)
    return f'{{"flags":[{flags}],"metadata":{{"bundle_version":{occasion.book.version}{ending}}}}}'.encode()


def _ending(occasion: Occasion, stamp: Stamp) -> str:
    """Return what every metadata of an answer says of the decision, without the brace that ends it."""
    ending = f',"decision_id":"{stamp.decision_id}"'
    if stamp.degraded is not None:
        ending += f',"degraded":"{stamp.degraded}"'
    if occasion.preview is not None:
        ending += f',"preview":"{occasion.preview.state.value}"'
    return ending


def _entry(assignment: Assignment, token_head: tuple[object, ...] | None, given: Given) -> tuple[object, ...] | None:
    """Return the entry of a token; None where nobody is enrolled, or the token cannot name the unit."""
    if token_head is None:
        return None
    visitors = given.visitors
    if visitors and visitors.get(assignment.answer.experiment_id or 0, given.visitor) != given.visitor:
        return None
    return token_entry(token_head, assignment)


def _signed(
    entries: list[tuple[object, ...]],
    kinds: Iterable[str],
    given: Given,
    context: FlagContext,
    occasion: Occasion,
    stamp: Stamp,
) -> str:
    stored = stored_for_token(kinds, context.units, occasion.bundle, given.visitor)
    return token_of(entries, stored, occasion.bundle, occasion.at, stamp.decision_id)


def _asked(context: FlagContext, occasion: Occasion, keys: Sequence[str] | None) -> Asked:
    return Asked(context.units, context.attributes, keys, context.personalised, occasion.preview)


class _Page:
    """Collects a response: the heads of flags that enrol nobody, of those that do, and what a token is to say."""

    def __init__(self, book: FlagBook, given: Given) -> None:
        self.plain_heads = list(book.static)
        self.enrolled_heads: list[str] = []
        self.entries: list[tuple[object, ...]] = []
        self.kinds: set[str] = set()
        self._book = book
        self._given = given
        self._seen: set[int] = set()
        self._told: set[int] = set()
        self._shared: dict[str, list[Assignment]] = {}

    def take(self, assignments: Sequence[Assignment]) -> None:
        """Add the flags that one experiment alone can set; keep what has a say in the others."""
        for assignment in assignments:
            gift = self._book.gift(assignment.answer)
            if gift.heads:
                (self.enrolled_heads if self._add(assignment, gift) else self.plain_heads).extend(gift.heads)
            self._seen.add(assignment.answer.experiment_id or 0)
            for flag in gift.shared:
                self._shared.setdefault(flag.key, []).append(assignment)

    def unasked(self, context: FlagContext) -> list[str]:
        """Return the experiments that can yet say why flags keep their defaults; add the flags that none can set."""
        keys: list[str] = []
        for flag in self._book.sole:
            if flag.setters[0].id not in self._seen:
                found = contenders(flag, context.units)
                keys.extend(found)
                if not found:
                    self.plain_heads.append(self._book.head(flag, None))
        for flag in self._book.shared:
            if not any(serves_variant(assignment.answer) for assignment in self._shared.get(flag.key, ())):
                keys.extend(contenders(flag, context.units))
        known = self._book.snapshot.experiments
        return [key for key in dict.fromkeys(keys) if known[key].id not in self._seen]

    def settle(self) -> None:
        """Add the flags that several experiments can set."""
        for flag in self._book.shared:
            chosen = deciding(self._shared.get(flag.key, ()))
            is_enrolled = chosen is not None and self._add(chosen, self._book.gift(chosen.answer))
            head = self._book.head(flag, None if chosen is None else chosen.answer)
            (self.enrolled_heads if is_enrolled else self.plain_heads).append(head)

    def _add(self, assignment: Assignment, gift: Gift) -> bool:
        """Tell the token of an assignment, once; return whether it enrols and the token can name its unit."""
        entry = _entry(assignment, gift.token_head, self._given)
        if entry is None:
            return False
        number = assignment.answer.experiment_id or 0
        if number not in self._told:
            self._told.add(number)
            self.entries.append(entry)
            self.kinds.add(assignment.answer.unit_kind or "")
        return True

"""Acknowledging: what the shop says has become of each decision of a batch; a later word replaces an earlier one."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from decisions.actions.ledger_lock import lock_ledger
from decisions.actions.price_ledger import grace_of, write_offers
from decisions.domain import FieldKind
from decisions.ingest.fields import is_storable
from decisions.models import BatchDecision, DecisionBatch
from decisions.queries.batches import BatchFacts, batch_by_id
from decisions.registry import all_domains
from decisions.vocabulary import AppliedState
from experiments.vocabulary import Payable
from foundation.actions.journal import write_journal
from foundation.money import MICROS, AmountInvalid, to_micros
from foundation.queries import project_facts

LONGEST_SUBJECT: Final = 401
LONGEST_NOTE: Final = 500
STATUSES: Final[Mapping[str, AppliedState]] = {
    state.value.lower(): state for state in (AppliedState.APPLIED, AppliedState.OVERRIDDEN, AppliedState.FAILED)
}

_REPLACE: Final = """
INSERT INTO decisions_replacedword (batch_id, subject, state, told_at, replaced_at)
SELECT known.batch_id, known.subject, known.state, known.acknowledged_at, %(at)s
FROM decisions_batchdecision known JOIN jsonb_to_recordset(%(rows)s::jsonb) AS told(subject text) USING (subject)
WHERE known.batch_id = %(batch)s AND known.acknowledged_at < %(at)s
"""
_UPDATE: Final = """
UPDATE decisions_batchdecision known
SET state = told.state, applied = told.applied, note = told.note, acknowledged_at = %(at)s
FROM jsonb_to_recordset(%(rows)s::jsonb) AS told(subject text, state text, applied bigint, note text)
WHERE known.batch_id = %(batch)s AND known.subject = told.subject
"""


@dataclass(frozen=True, slots=True)
class RefusedWord:
    """Why a word was not taken; index: its place among those sent."""

    index: int
    subject: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What became of the words of a request: how many are noted by state, said nothing new, or were refused."""

    taken: Mapping[AppliedState, int]
    unchanged: int
    refused: tuple[RefusedWord, ...]


@dataclass(frozen=True, slots=True)
class _Word:
    """What was said of one decision. value: what was done instead, in millionths; only where it was overridden."""

    subject: str
    state: AppliedState
    value: int | None
    note: str


class _Unreadable(Exception):
    """A word is not in the documented form; the message says what to mend."""


@transaction.atomic
def acknowledge(*, batch_id: int, project_id: int, items: Sequence[Any], actor: str, now: datetime) -> Acknowledged:
    """Note what the shop says of decisions of a batch, each word by itself; of several about one the last counts.

    The same words again change nothing. `now` is wall time. Where prices are decided, the ledger of offers follows as
    long as the batch is the newest of its point and the shop has set no price of its own since. Raises BatchUnknown.
    """
    batch = batch_by_id(batch_id, project_id=project_id)
    waited = lock_ledger(project_id) if _decides_prices(batch) else timedelta()
    words, refused = _read(items, batch)
    known = {row.subject: row for row in _locked(batch_id, sorted({word.subject for word, _ in words}))}
    refused += [
        RefusedWord(index, word.subject, "The batch has no such subject.")
        for word, index in words
        if word.subject not in known
    ]
    last = {word.subject: word for word, _ in words if word.subject in known}
    changed = [(word, known[word.subject]) for word in last.values() if _differs(word, known[word.subject])]
    if changed:
        _note(batch, changed, actor, now, waited)
    return Acknowledged(
        taken=Counter(word.state for word, _ in changed),
        unchanged=len(last) - len(changed),
        refused=tuple(sorted(refused, key=lambda fault: fault.index)),
    )


def _note(
    batch: BatchFacts, changed: Sequence[tuple[_Word, BatchDecision]], actor: str, now: datetime, waited: timedelta
) -> None:
    """Write words that are new, what prices follow from them, and the journal's entry."""
    facts = project_facts(batch.project_id)
    rows = [
        {"subject": word.subject, "state": word.state.value, "applied": _done(word, row), "note": word.note}
        for word, row in changed
    ]
    with connection.cursor() as cursor:
        said: dict[str, Any] = {"batch": batch.id, "at": now, "rows": json.dumps(rows, ensure_ascii=False)}
        cursor.execute(_REPLACE, said)
        cursor.execute(_UPDATE, said)
    if _decides_prices(batch):
        _follow(batch, changed, facts.clock.at(now + waited + grace_of(facts)))
    replaced = sum(row.state != AppliedState.PENDING for _, row in changed)
    counts = Counter(word.state.value.lower() for word, _ in changed)
    write_journal(
        project_id=batch.project_id,
        at=facts.clock.at(now),
        actor=actor,
        action="batch.acknowledge",
        subject=f"batch:{batch.id}",
        before=dict(Counter(row.state.lower() for _, row in changed)),
        after={**counts, "replaced": replaced},
    )


def _follow(batch: BatchFacts, changed: Sequence[tuple[_Word, BatchDecision]], at: datetime) -> None:
    """Let the ledger of prices, which is locked, say what is really asked for, unless a later batch has decided."""
    if DecisionBatch.objects.filter(point_id=batch.point_id, due_at__gt=batch.due_at).exists():
        return
    asked = [
        (word.subject, row.before if word.state is AppliedState.FAILED else _done(word, row)) for word, row in changed
    ]
    offers = [(subject, price) for subject, price in asked if price is not None]
    write_offers(batch_id=batch.id, offers=offers, takes_effect_at=max(at, batch.takes_effect_at))


def _decides_prices(batch: BatchFacts) -> bool:
    domain = all_domains().get(batch.domain)
    return domain is not None and domain.payable is Payable.PRICE


def _done(word: _Word, row: BatchDecision) -> int | None:
    """Return what the shop did, in millionths; None where it did nothing."""
    if word.state is AppliedState.FAILED:
        return None
    return word.value if word.state is AppliedState.OVERRIDDEN else row.value


def _differs(word: _Word, row: BatchDecision) -> bool:
    return (row.state, row.applied, row.note) != (word.state, _done(word, row), word.note)


def _locked(batch_id: int, subjects: Sequence[str]) -> Sequence[BatchDecision]:
    """Return the decisions about subjects, locked in the order of these, so that two requests wait for each other."""
    rows = BatchDecision.objects.select_for_update(of=("self",)).filter(batch_id=batch_id, subject__in=subjects)
    return list(rows.order_by("subject"))


def _read(items: Sequence[Any], batch: BatchFacts) -> tuple[list[tuple[_Word, int]], list[RefusedWord]]:
    words: list[tuple[_Word, int]] = []
    refused: list[RefusedWord] = []
    domain = all_domains().get(batch.domain)
    is_money = domain is not None and domain.actions_are is FieldKind.MONEY
    for index, item in enumerate(items):
        try:
            words.append((_word(item, is_money=is_money), index))
        except _Unreadable as fault:
            subject = item.get("subject") if isinstance(item, Mapping) else None
            told = subject[:LONGEST_SUBJECT] if isinstance(subject, str) else None
            refused.append(RefusedWord(index, told, str(fault)))
    return words, refused


def _word(item: Any, *, is_money: bool) -> _Word:
    """Return what one entry says. Raises _Unreadable."""
    if not isinstance(item, Mapping):
        raise _Unreadable('Each item must be an object such as {"subject": "p-17", "status": "applied"}.')
    unknown = sorted(str(name) for name in set(item) - {"subject", "status", "value", "note"})
    if unknown:
        raise _Unreadable(f"{unknown[0][:64]!r} is not known; say subject, status, value and note.")
    subject, note = item.get("subject"), item.get("note", "")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not is_storable(subject):
        raise _Unreadable(f"subject must be a text of 1 to {LONGEST_SUBJECT} characters.")
    if not isinstance(note, str) or len(note) > LONGEST_NOTE or not is_storable(note):
        raise _Unreadable(f"note must be a text of at most {LONGEST_NOTE} characters.")
    status = item.get("status")
    state = STATUSES.get(status) if isinstance(status, str) else None
    if state is None:
        raise _Unreadable(f"status must be one of: {', '.join(STATUSES)}.")
    if state is not AppliedState.OVERRIDDEN:
        if item.get("value") is not None:
            raise _Unreadable(f"value belongs to overridden; {status} has none.")
        return _Word(subject, state, None, note)
    return _Word(subject, state, _value(item.get("value"), is_money=is_money), note)


def _value(said: Any, *, is_money: bool) -> int:
    """Return what was done instead, in millionths. Raises _Unreadable."""
    if said is None:
        raise _Unreadable("value is missing: say what was done instead.")
    try:
        micros = to_micros(said)
    except AmountInvalid as error:
        raise _Unreadable("value must be a plain decimal number.") from error
    if micros < 0 or (not is_money and micros % MICROS):
        raise _Unreadable("value must not be negative." if is_money else "value must be a whole number of pieces.")
    return micros

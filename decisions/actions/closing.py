"""Closing periods of restock experiments: their books become events of the log, once, in the transaction of the job.

A period is closed some hours after its end, so that counts of its last day have come. What is booked lies a minute
before the end, inside the period. A cell in which a count is too old when it is needed books nothing but notes of it,
and counts for no variant; an item without a cost when the first period began, or without a count when this one
did, is left out with a note, and the rest of its cell counts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import msgspec

from decisions.actions.batch_rows import ensure_day, stage_events, store_events
from decisions.domains.restock.books import HOLDING_BOOKED, NOT_VALUED, PURCHASE_BOOKED, STOCK_OUT_BOOKED, VALUED
from decisions.domains.restock.closing import Books, Ledger, Missing, Span, Terms, close, missing_before
from decisions.ingest.rows import EventRow, copy_line
from decisions.models import PeriodClosing
from decisions.queries.closings import (
    ClosingRun,
    OpenCell,
    closing_run,
    closing_runs,
    cluster_of,
    is_settled,
    ledgers,
    open_cells,
)
from decisions.vocabulary import MessageKind
from experiments.assignment.unit_ids import store_and_item
from foundation.actions.jobs import enqueue
from foundation.money import format_micros
from foundation.queries import ProjectFacts, open_jobs, project_facts

CLOSE: Final = "close_periods"
"""The kind of the job that closes the periods of an experiment."""
GRACE: Final = timedelta(hours=6)
"""Project time after the end of a period in which counts may still come; in a simulation at least a second of ours."""
SUBJECTS_AT_ONCE: Final = 10_000
BOOKED_BEFORE_END: Final = timedelta(minutes=1)

Effect = Callable[[datetime], object]

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Closed:
    """What was found out about a cell: the books of its items, and what was left out or kept the cell from having any.

    reason: why the cell has no figure, None where it has one.
    """

    cell: OpenCell
    books: Mapping[str, Books]
    left_out: Mapping[str, Missing]
    reason: Missing | None

    @property
    def change(self) -> int | None:
        """What the stock of the cell was worth more at the end, millionths of the currency."""
        return None if self.reason else sum(book.change for book in self.books.values())


def promise_closings(*, facts: ProjectFacts, now: datetime) -> int:
    """Promise to close the periods of a project that have been over for long enough; return how many were promised."""
    at = facts.clock.at(now) - _grace(facts)
    promised = 0
    for run in closing_runs(facts.id):
        last = run.last_over(at)
        if last >= 0:
            promised += _enqueue(run, last, f"{_prefix(run)}{last}")
    return promised


def held_looks(
    *, facts: ProjectFacts, window_end: datetime, projected_until: datetime, now: datetime
) -> frozenset[int]:
    """Return the experiments whose periods up to `window_end` (project time) are still to be closed or projected.

    A look at them waits for that: it would lack the newest cells, and be restated an hour later. `projected_until` is
    the receipt time (wall) up to which the log has become outcomes.
    """
    return frozenset(
        run.facts.id
        for run in closing_runs(facts.id)
        if run.last_over(window_end) >= 0
        and (
            run.last_over(window_end) > run.last_over(facts.clock.at(now) - _grace(facts))
            or open_jobs(key_prefix=_prefix(run))
            or not is_settled(run, facts=facts, projected_until=projected_until)
        )
    )


def close_periods(*, experiment_id: int, last: int, now: datetime) -> Effect:
    """Work out the books of an experiment's cells up to a period, and return what writes them.

    Cells that are closed already are left alone. Of many subjects only the first are done; the rest is promised.
    """
    run = closing_run(experiment_id)
    if run is None:
        return _nothing
    at = project_facts(run.facts.project_id).clock.at(now)
    cells, is_complete = _taken(open_cells(run, first=run.first_open(at), last=last))
    closed = [found for period in sorted({cell.period for cell in cells}) for found in _closed(run, cells, period)]
    if not closed:
        return _nothing
    for day in sorted({_booked_at(run, found.cell).astimezone(UTC).date() for found in closed}):
        ensure_day(datetime(day.year, day.month, day.day, tzinfo=UTC))
    return partial(_write, run, closed, None if is_complete else last)


def _write(run: ClosingRun, closed: Sequence[Closed], further: int | None, now: datetime) -> None:
    """Write closings and books; `further` is the period up to which cells are left, None where none are."""
    facts = project_facts(run.facts.project_id)
    at = facts.clock.at(now)
    PeriodClosing.objects.bulk_create(
        PeriodClosing(
            experiment_id=run.facts.id,
            cell=found.cell.cell,
            closed_at=at,
            change=found.change,
            reason=found.reason or "",
        )
        for found in closed
    )
    if further is not None:
        _enqueue(run, further, f"{_prefix(run)}{further}:{closed[-1].cell.cell}")
    rows = [row for found in closed for row in _events(run, facts, found)]
    stage_events(map(copy_line, rows))
    store_events(len(rows), is_simulated=facts.simulated)


def _taken(cells: Iterator[OpenCell]) -> tuple[list[OpenCell], bool]:
    """Return as many cells as are closed at once, at least one, and whether these are all."""
    taken: list[OpenCell] = []
    subjects = 0
    for cell in cells:
        if taken and subjects + len(cell.subjects) > SUBJECTS_AT_ONCE:
            return taken, False
        taken.append(cell)
        subjects += len(cell.subjects)
    return taken, True


def _closed(run: ClosingRun, cells: Sequence[OpenCell], period: int) -> Iterator[Closed]:
    """Yield what becomes of the cells of one period."""
    own, span = [cell for cell in cells if cell.period == period], run.span(period)
    found = ledgers(run, span, sorted({subject for cell in own for subject in cell.subjects}))
    for cell in own:
        yield closed_cell(cell, {subject: found[subject] for subject in cell.subjects}, span, run.terms)


def closed_cell(cell: OpenCell, known: Mapping[str, Ledger], span: Span, terms: Terms) -> Closed:
    """Return the books of a cell: all of its items', or none where one of them cannot be valued."""
    out = {subject: fault for subject, ledger in known.items() if (fault := missing_before(ledger, span, terms))}
    books: dict[str, Books] = {}
    failed: dict[str, Missing] = {}
    for subject in sorted(known.keys() - out.keys()):
        match close(known[subject], span, terms):
            case Books() as found:
                books[subject] = found
            case Missing() as fault:
                failed[subject] = fault
    if failed:
        return Closed(cell, {}, out | failed, Missing.STALE_STOCK)
    if books:
        return Closed(cell, books, out, None)
    reason = Missing.STALE_STOCK if Missing.STALE_STOCK in out.values() else Missing.COST_MISSING
    return Closed(cell, {}, out, reason)


def _events(run: ClosingRun, facts: ProjectFacts, found: Closed) -> Iterator[EventRow]:
    """Yield the books and notes of a cell as rows of the event log."""
    for subject, book in found.books.items():
        for event, value, quantity in _lines(book):
            amount = {"value": format_micros(value), "quantity": quantity, "currency": facts.currency}
            yield _row(run, found.cell, subject, event, amount)
    for subject, reason in found.left_out.items():
        yield _row(run, found.cell, subject, NOT_VALUED, {"quantity": 1, "reason": reason})


def _lines(book: Books) -> Iterator[tuple[str, int, int]]:
    """Yield event, value (millionths) and quantity of the figures that are not nothing; the valuation in any case."""
    yield VALUED, book.change, book.counted_days
    if book.purchases or book.ordered:
        yield PURCHASE_BOOKED, book.purchases, book.ordered
    if book.holding or book.piece_days:
        yield HOLDING_BOOKED, book.holding, book.piece_days
    if book.empty_days:
        yield STOCK_OUT_BOOKED, 0, book.empty_days


def _row(run: ClosingRun, cell: OpenCell, subject: str, event: str, said: Mapping[str, object]) -> EventRow:
    store, item = store_and_item(subject)
    at = _booked_at(run, cell)
    cluster = cluster_of(run, cell)
    about = {"product_id": item, "store_id": store, **({} if cluster is None else {"cluster_id": cluster})}
    what = event.lower().replace(" ", "-")
    return EventRow(
        project_id=run.facts.project_id,
        day=at.astimezone(UTC).date(),
        message_id=f"closing:{run.facts.id}:{cell.cell}:{subject}:{what}",
        kind=MessageKind.TRACK.value,
        event=event,
        occurred_at=at,
        corrected_at=at,
        visitor=None,
        customer=None,
        session=None,
        item=item,
        store=store,
        properties=_encode({**about, **said}).decode(),
        enrolments=None,
    )


def _booked_at(run: ClosingRun, cell: OpenCell) -> datetime:
    return run.span(cell.period).ends - BOOKED_BEFORE_END


def _enqueue(run: ClosingRun, last: int, key: str) -> bool:
    payload = {"experiment_id": run.facts.id, "last": last}
    return enqueue(kind=CLOSE, key=key, project_id=run.facts.project_id, payload=payload)


def _prefix(run: ClosingRun) -> str:
    return f"{CLOSE}:{run.facts.id}:"


def _grace(facts: ProjectFacts) -> timedelta:
    """Return how long after its end a period waits, project time."""
    second = timedelta(seconds=1) * facts.clock.speed if facts.simulated else timedelta()
    return max(GRACE, second)


def _nothing(_now: datetime) -> None:
    """Write nothing: there is nothing left to close."""

"""Cells whose books are closed: those for which it was booked what their stock was worth more at the end."""

from ibis import Table

from experiments.analysis.metrics import STOCK_VALUED
from experiments.warehouse import tables
from experiments.warehouse.question import CLOCK_SKEW, Question, moment
from experiments.warehouse.values import in_period, unit_of


def with_books(exposed: Table, question: Question) -> Table:
    """Return the exposed cells with `booked`, whether their stock was valued; as they are where no metric needs that.

    The same rule holds for every variant, and a valuation that came later than the question asks for is none yet.
    """
    if not question.awaits_books:
        return exposed
    valued = tables.outcomes()
    valued = valued.filter(
        valued.project_id == question.project_id,
        valued.day >= (question.window_start - CLOCK_SKEW).date(),
        valued.day <= (question.window_end + CLOCK_SKEW).date(),
        valued.event == STOCK_VALUED,
        valued.occurred_at < moment(question.window_end),
        valued.received_at < moment(question.received_before),
    )
    cells = in_period(valued.mutate(doer=unit_of(valued, question), counts_at=valued.occurred_at), question)
    books = cells.select(booked_cell="doer").distinct()
    found = exposed.left_join(books, exposed.unit == books.booked_cell)
    return found.mutate(booked=found.booked_cell.notnull()).drop("booked_cell")

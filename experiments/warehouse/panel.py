"""What units did by period in the past, whether or not anything was tried on them."""

import ibis
from ibis import Table

from experiments.analysis.metrics import variables
from experiments.warehouse import tables
from experiments.warehouse.cells import in_cells
from experiments.warehouse.question import CLOCK_SKEW, Question, moment
from experiments.warehouse.values import in_period, totals, unit_of


def panel(question: Question) -> Table:
    """Return one row per (plain_unit, period) in which anything happened, with the totals t<index>_<variable> as text.

    Totals are over what counts of a period, after its burn-in, as they would be in an experiment with this calendar.
    Raises ValueError where a question has no calendar.
    """
    if question.calendar is None:
        raise ValueError("question: a panel needs a calendar")
    acted = totals(_cells(question), question, "plain_unit", "period")
    names = [f"v{index}_{part.name}" for index, spec in enumerate(question.metrics) for part in variables(spec)]
    return acted.select("plain_unit", "period", **{f"t{name[1:]}": acted[name].cast("string") for name in names})


def _cells(question: Question) -> Table:
    """Return the cells with an event of the metrics, in the columns of units that met one variant."""
    parts = [part for spec in question.metrics for part in (spec.numerator, spec.denominator) if part is not None]
    events = {event for part in parts for event in part.events}
    done = tables.outcomes()
    done = done.filter(
        done.project_id == question.project_id,
        done.day >= (question.window_start - CLOCK_SKEW).date(),
        done.day <= (question.window_end + CLOCK_SKEW).date(),
        done.occurred_at >= moment(question.window_start),
        done.occurred_at < moment(question.window_end),
        done.received_at < moment(question.received_before),
        done.event.isin(sorted(events)),
    )
    met = in_period(done.mutate(doer=unit_of(done, question), counts_at=done.occurred_at), question)
    cells = met.filter(met.doer.notnull()).select(unit="doer").distinct()
    assert question.calendar is not None
    found = in_cells(cells.mutate(first_at=moment(question.calendar.anchor)), question.calendar)
    return found.mutate(number=ibis.row_number(), epoch=0, variant_id=0)

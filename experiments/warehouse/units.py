"""Who counts in an experiment of our own: units by their first exposure, with what was known of them then."""

import ibis
from ibis import Table

from experiments.warehouse import tables
from experiments.warehouse.cells import in_cells
from experiments.warehouse.dimensions import level, names
from experiments.warehouse.filters import attribute_columns, marked
from experiments.warehouse.question import Question, moment


def units(question: Question) -> Table:
    """Return one row per exposed unit: its first variant and epoch, when, and whether it met several variants.

    Columns number (of the unit within this query; grouping by it is cheaper than by its id), unit, variant_id, epoch,
    first_at, crossed, unverified; d<position> for the level in each dimension; with filters f<position> for whether
    each leaves the unit out, and `filtered` for whether any does. Where units are randomised by period `unit` is a
    cell, made of `plain_unit` and `period`, and first_at is when it begins to count.
    """
    known = dict(zip(names(len(question.dimensions)), question.dimensions, strict=True)) | attribute_columns(question)
    first = _first(question, known)
    if question.calendar is not None:
        return in_cells(first, question.calendar)
    return marked(first, question) if question.filters else first


def _first(question: Question, known: dict[str, str]) -> Table:
    """Return the units with the attributes that are asked for, each in a column of its own."""
    seen = tables.exposures()
    seen = seen.filter(
        seen.experiment_id == question.experiment_id,
        seen.received_at < moment(question.received_before),
        seen.exposed_at < moment(question.exposed_before),
    )
    seen = seen.mutate(**{column: level(seen.attributes, name) for column, name in known.items()}).drop("attributes")
    by_unit = ibis.window(group_by=seen.unit)
    earliest = ibis.window(
        group_by=seen.unit, order_by=[seen.exposed_at, seen.received_at, seen.message_id, seen.variant_id]
    )
    ranked = seen.mutate(
        number=ibis.row_number(),
        place=ibis.row_number().over(earliest),
        crossed=seen.variant_id.min().over(by_unit) != seen.variant_id.max().over(by_unit),
    )
    return ranked.filter(ranked.place == 0).select(
        "number",
        "unit",
        "variant_id",
        "epoch",
        "crossed",
        *known,
        first_at=ranked.exposed_at,
        unverified=ranked.verification == "UNVERIFIED",
    )

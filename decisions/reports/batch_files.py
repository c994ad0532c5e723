"""A batch as a file that people and platforms read: one line for each decision."""

from collections.abc import Callable
from typing import Final

from decisions.queries.batches import BatchFacts, BatchLine, lines_of, written_value
from experiments.reports.tables import Cell, written

COLUMNS: Final = ("subject", "item", "store", "value", "before", "reason", "experiment", "variant", "decision_id")


def batch_csv(batch: BatchFacts) -> bytes:
    """Return the decisions of a batch as comma-separated values, as their document has them.

    Headings are the same in every language, because programs read them. Texts that a spreadsheet would take for a
    formula begin with an apostrophe.
    """
    decimals = batch.decimals
    cells: dict[str, Callable[[BatchLine], Cell]] = {
        "value": lambda line: written_value(line.value, decimals),
        "before": lambda line: written_value(line.before, decimals),
    }
    return written([(name, cells.get(name, _reader(name))) for name in COLUMNS], lines_of(batch.id))


def _reader(name: str) -> Callable[[BatchLine], Cell]:
    def read(line: BatchLine) -> Cell:
        found: Cell = getattr(line, name)
        return found

    return read

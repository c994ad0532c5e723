"""What became of every row of a recorded experiment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of one experiment by what became of them.

    rows_read = rows_kept + mismatched + duplicates + crossover_rows + skipped + all quarantined; `add_up` says so.
    crossovers counts units (clusters where those were randomised), everything else rows. first_at, last_at: ISO times
    of kept rows, None without a time column. For aggregates rows_kept are the rows whose figures were taken, skipped
    those of metrics that the manifest does not name, incomplete the kept ones in which a figure is empty.
    """

    rows_read: int
    rows_kept: int
    mismatched: int = 0
    duplicates: int = 0
    crossovers: int = 0
    crossover_rows: int = 0
    skipped: int = 0
    incomplete: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    first_at: str | None = None
    last_at: str | None = None

    @property
    def bad(self) -> int:
        """Quarantined rows."""
        return sum(self.quarantined.values())

    @property
    def add_up(self) -> bool:
        """Whether every row read is accounted for exactly once."""
        others = self.mismatched + self.duplicates + self.crossover_rows + self.skipped + self.bad
        return self.rows_read == self.rows_kept + others

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


@dataclass(frozen=True, slots=True)
class BadRow:
    """An example of a quarantined row: where it is, why, and the value to blame if that may be shown.

    row: counted from 1 below the header, 0 for a line that is not a row. line: of the file, None when unknown.
    """

    file: str
    row: int
    line: int | None
    reason: str
    column: str
    value: str | None

    @property
    def reference(self) -> str:
        """A name of the row that is unique in the import."""
        return f"{self.file}:row {self.row}" if self.row else f"{self.file}:line {self.line}"

    @property
    def place(self) -> str:
        """Where to look, for people."""
        where = f"line {self.line}" if self.line is not None else f"row {self.row}"
        return f"{self.file}, {where}" + (f", column {self.column}" if self.column else "")

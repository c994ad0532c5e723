"""What came of the examinations: one record, printed as a table, written as a document, kept as JSON."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Whether a promise was kept."""

    KEPT = "✓"
    BROKEN = "✗"
    NOT_EXAMINED = "–"


@dataclass(frozen=True, slots=True)
class Result:
    """One promise and what was measured.

    Attributes:
        promise: its number, such as A5.
        title: the promise in words.
        figure: what is promised.
        measured: what was found.
        proof: how it was examined.
        seconds: how long that took.
    """

    promise: str
    title: str
    figure: str
    measured: str
    proof: str
    outcome: Outcome
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """The results of one run, and where and how it was made."""

    form: str
    surroundings: str
    results: tuple[Result, ...]

    @property
    def is_kept(self) -> bool:
        """Whether no examined promise was broken."""
        return all(result.outcome is not Outcome.BROKEN for result in self.results)


COLUMNS = ("promise", "", "figure", "measured", "how", "seconds")
_TITLE = "# Promises and how they were kept"
_INTRODUCTION = (
    "Written by `bin/chaos`, which breaks a running site on purpose and measures; never by hand. ✓ kept, ✗ broken,"
    " – not examined in this form. Figures that depend on the machine are marked †."
)
_MADE = re.compile(r"^Made by the (.+) form, (.+)\.$", re.MULTILINE)


def as_text(report: Report, *, width: int = 118) -> str:
    """Return the table for a terminal: a line a promise, what was measured below it."""
    lines = []
    for result in report.results:
        lines.append(f"{result.outcome} {result.promise:<4} {result.title}"[:width])
        lines.append(f"       promised  {result.figure}")
        lines.append(f"       measured  {result.measured}  ({result.seconds:.0f} s)")
    kept = sum(result.outcome is Outcome.KEPT for result in report.results)
    broken = [result.promise for result in report.results if result.outcome is Outcome.BROKEN]
    lines.append("")
    lines.append(f"{kept} of {len(report.results)} kept" + (f"; BROKEN: {', '.join(broken)}" if broken else "."))
    return "\n".join(lines) + "\n"


def as_json(report: Report) -> str:
    """Return the record for programs."""
    return json.dumps(asdict(report) | {"kept": report.is_kept}, ensure_ascii=False, indent=1) + "\n"


def as_document(report: Report) -> str:
    """Return the page `docs/promises.md`."""
    lines = [_TITLE, "", _INTRODUCTION, "", f"Made by the {report.form} form, {report.surroundings}.", ""]
    lines += [_row(COLUMNS), _row(["---"] * len(COLUMNS))]
    lines += [_row(_cells(result)) for result in report.results]
    return "\n".join(lines) + "\n"


def read_document(text: str) -> Report:
    """Return the report that a page was written from. Raises ValueError where no such page can have been."""
    made = _MADE.search(text)
    if made is None:
        raise ValueError("the page does not say how it was made")
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    return Report(made[1], made[2], tuple(_result(row) for row in rows))


def _cells(result: Result) -> Sequence[str]:
    named = f"{result.promise} {result.title}"
    return (named, result.outcome, result.figure, result.measured, result.proof, f"{result.seconds:.0f}")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |"


def _result(row: str) -> Result:
    named, outcome, figure, measured, proof, seconds = row.removeprefix("| ").removesuffix(" |").split(" | ")
    promise, _, title = named.partition(" ")
    return Result(promise, title, figure, measured, proof, Outcome(outcome), float(seconds))

"""Bad rows: examples with their line, and the point at which there are too many of them."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping

from experiments.recorded.counts import BadRow, Counts
from experiments.recorded.files import DataInvalid, FileKind, count_lines
from experiments.recorded.loading import Loaded, LoadedFile, of_experiment
from experiments.recorded.manifest import Manifest
from experiments.recorded.reasons import TOLD, RowFault

EXAMPLES_PER_FAULT = 100
MOST_EXAMPLES = 1000
SHOWN_PER_FAULT = 3


class TooManyBadRows(DataInvalid):
    """More rows are bad than the manifest tolerates."""

    code = "TOO_MANY_BAD_ROWS"
    hint = "Mend the data or the manifest; or raise tolerated_bad_share if these rows may be left out."


class VariantEmpty(DataInvalid):
    """A variant has no units."""

    code = "VARIANT_EMPTY"
    hint = "Correct the variant's recorded values, or take the variant out of the manifest."


def bad_rows(loaded: Loaded, *, value: str | None) -> list[BadRow]:
    """Return examples of the bad rows of an experiment, a hundred of each kind at most, in the order of the files.

    value: what stands in the experiment column; None takes all rows and the lines that are no rows at all.
    """
    database = loaded.workspace.database
    bad = f"FROM judged WHERE {of_experiment(value)} AND fault"
    found: list[tuple[int, int, str | None]] = []
    for (fault,) in database.execute(f"SELECT DISTINCT fault {bad} IS NOT NULL").fetchall():
        found += database.execute(
            f"SELECT rowid, fault, bad_value {bad} = ? ORDER BY rowid LIMIT {EXAMPLES_PER_FAULT}", [fault]
        ).fetchall()
    places = RowPlaces(loaded)
    examples = []
    for place, fault, bad_value in sorted(found):
        judgement = loaded.layout.judgements[fault]
        name, row, line = places.of(place)
        examples.append(BadRow(name, row, line, judgement.fault.value, judgement.column, bad_value))
    return [*examples, *(malformed_lines(loaded) if value is None else ())][:MOST_EXAMPLES]


def fault_counts(loaded: Loaded, *, value: str | None) -> Counter[str]:
    """Return how many rows of an experiment have each fault; without a value, lines that are no rows count too."""
    found: Counter[str] = Counter()
    for fault, number in loaded.workspace.database.execute(
        f"SELECT fault, count(*) FROM judged WHERE fault IS NOT NULL AND {of_experiment(value)} GROUP BY fault"
    ).fetchall():
        found[loaded.layout.judgements[fault].fault.value] += number
    if value is None and loaded.malformed:
        found[RowFault.MALFORMED_LINE.value] = loaded.malformed
    return found


def malformed_lines(loaded: Loaded) -> list[BadRow]:
    """Return examples of the lines that could not be split into columns."""
    found = loaded.workspace.database.execute(
        f"SELECT file, line, message FROM malformed ORDER BY file, line LIMIT {EXAMPLES_PER_FAULT}"
    ).fetchall()
    return [
        BadRow(loaded.files[file].file.name, 0, line, RowFault.MALFORMED_LINE.value, "", message.split("\n")[0])
        for file, line, message in found
    ]


def refuse_bad_data(
    manifest: Manifest, counts: Counts, examples: list[BadRow], units: Mapping[str, int], *, what: str
) -> None:
    """Raise TooManyBadRows, or DataInvalid for data without rows, or VariantEmpty, if the data cannot be used.

    what: how messages call the experiment or the data.
    """
    if counts.rows_read == 0:
        raise DataInvalid(f"{what}: there are no rows.", hint="Export the data again; a header alone is not enough.")
    share = counts.bad / counts.rows_read
    if share > manifest.tolerated_bad_share:
        raise TooManyBadRows(
            f"{what}: {counts.bad} of {counts.rows_read} rows are bad ({share:.1%});"
            f" {manifest.tolerated_bad_share:.1%} are tolerated.\n{describe(counts, examples)}"
        )
    empty = [key for key, number in units.items() if number == 0]
    if empty:
        raise VariantEmpty(
            f"{what}: the variant {empty[0]} has no units; units by variant:"
            f" {', '.join(f'{key} {number}' for key, number in units.items())}."
            + (f"\n{describe(counts, examples)}" if counts.bad else "")
        )


def refuse_bad_file(manifest: Manifest, loaded: Loaded) -> None:
    """Raise TooManyBadRows if too many rows of a file with many experiments belong to none of them."""
    counts = Counts(
        rows_read=sum(file.rows for file in loaded.files) + loaded.malformed,
        rows_kept=0,
        quarantined={
            reason.value: number
            for reason, number in (
                (RowFault.MALFORMED_LINE, loaded.malformed),
                (RowFault.MISSING_EXPERIMENT, fault_counts(loaded, value=None)[RowFault.MISSING_EXPERIMENT.value]),
            )
            if number
        },
    )
    if counts.bad:
        refuse_bad_data(manifest, counts, bad_rows(loaded, value=None), {}, what="the whole data")


def describe(counts: Counts, examples: list[BadRow]) -> str:
    """Return a paragraph on the bad rows: each reason with its number, some places and the fix."""
    parts = []
    for reason, number in sorted(counts.quarantined.items(), key=lambda entry: -entry[1]):
        told = TOLD[RowFault(reason)]
        parts.append(f"  {reason}: {number} rows; {told.meaning}.")
        shown = [example for example in examples if example.reason == reason][:SHOWN_PER_FAULT]
        parts += [
            f"    {example.place}" + (f": {example.value!r}" if example.value is not None else "") for example in shown
        ]
        parts.append(f"    fix: {told.fix}")
    return "\n".join(parts)


class RowPlaces:
    """Finds where a row stands: file, row and line. The line is known where a CSV file has one line per row."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._malformed: dict[int, list[int] | None] = {}

    def of(self, place: int) -> tuple[str, int, int | None]:
        """Return file name, row (from 1 below the header) and line of the row at a place in `judged`."""
        index = bisect_right([file.start for file in self._loaded.files], place) - 1
        held = self._loaded.files[index]
        row = place - held.start + 1
        return held.file.name, row, self._line(index, held, row)

    def _line(self, index: int, held: LoadedFile, row: int) -> int | None:
        if index not in self._malformed:
            self._malformed[index] = self._malformed_of(index, held)
        malformed = self._malformed[index]
        if malformed is None:
            return None
        line = row + 1
        for other in malformed:
            if other > line:
                break
            line += 1
        return line

    def _malformed_of(self, index: int, held: LoadedFile) -> list[int] | None:
        if held.file.kind is FileKind.PARQUET or count_lines(held.file) != 1 + held.rows + held.malformed:
            return None
        found = self._loaded.workspace.database.execute(
            "SELECT line FROM malformed WHERE file = ? ORDER BY line", [index]
        ).fetchall()
        return [int(line) for (line,) in found]

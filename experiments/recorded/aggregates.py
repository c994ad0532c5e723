"""Totals per variant as exact power sums, one set for each outcome, variant and checkpoint."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from experiments.recorded.aggregate_layout import column_of, paired
from experiments.recorded.counts import BadRow, Counts
from experiments.recorded.figures import FigureInvalid, count_of, sums_of
from experiments.recorded.files import DataInvalid
from experiments.recorded.loading import Loaded, of_experiment
from experiments.recorded.manifest import Manifest
from experiments.recorded.manifest_parts import FIGURES, OutcomePart
from experiments.recorded.problems import EXAMPLES_PER_FAULT, MOST_EXAMPLES, RowPlaces, bad_rows, fault_counts
from experiments.recorded.reasons import RowFault
from experiments.statistics.moments import PowerSums
from experiments.vocabulary import MetricRole

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\b.*")
_BATCH_ROWS = 5_000

Cell = tuple[int, str, str]
"""Position of the variant, name of the outcome, checkpoint ("" without checkpoints)."""


@dataclass(frozen=True, slots=True)
class RecordedTotal:
    """The power sums of one outcome in one variant at one checkpoint."""

    variant: str
    outcome: str
    checkpoint: str
    sums: PowerSums


@dataclass(frozen=True, slots=True)
class RecordedAggregates:
    """One experiment of which only totals are known.

    value: what stands in the experiment column, None without one. totals: at every checkpoint. checkpoint: the last
    one, which is analysed. units: randomised units by variant at the last checkpoint.
    """

    manifest: Manifest
    value: str | None
    counts: Counts
    totals: tuple[RecordedTotal, ...]
    checkpoint: str
    units: dict[str, int]
    examples: tuple[BadRow, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    place: int
    variant: int
    texts: dict[str, str]


def add_up(manifest: Manifest, loaded: Loaded, *, value: str | None) -> RecordedAggregates:
    """Return the totals of one experiment; rows of one variant, outcome and checkpoint are added up.

    Raises DataInvalid where the control differs between treatments or checkpoints have no order.
    """
    adder = _Adder(manifest, loaded)
    for row in _rows(loaded, value):
        adder.add(row)
    adder.check_controls()
    faults = fault_counts(loaded, value=value) + adder.faults
    last = _last({checkpoint for _, _, checkpoint in adder.cells}, manifest)
    return RecordedAggregates(
        manifest=manifest,
        value=value,
        counts=Counts(
            rows_read=adder.kept + adder.skipped + faults.total(),
            rows_kept=adder.kept,
            skipped=adder.skipped,
            incomplete=adder.incomplete,
            quarantined=dict(sorted(faults.items())),
        ),
        totals=tuple(
            RecordedTotal(manifest.variants[variant].key, outcome, checkpoint, sums)
            for (variant, outcome, checkpoint), sums in sorted(adder.cells.items())
        ),
        checkpoint=last,
        units=adder.units_at(last),
        examples=tuple([*bad_rows(loaded, value=value), *adder.examples][:MOST_EXAMPLES]),
    )


class _Adder:
    """Adds rows up, and keeps what could not be added."""

    def __init__(self, manifest: Manifest, loaded: Loaded) -> None:
        self._manifest, self._places = manifest, RowPlaces(loaded)
        self._control = next(index for index, variant in enumerate(manifest.variants) if variant.control)
        self._randomised: Counter[tuple[int, str]] = Counter()
        self._controls: dict[Cell, PowerSums] = {}
        self.cells: dict[Cell, PowerSums] = {}
        self.faults: Counter[str] = Counter()
        self.examples: list[BadRow] = []
        self.kept = self.skipped = self.incomplete = 0

    def add(self, row: _Row) -> None:
        """Add a row, or count why not."""
        columns = self._manifest.columns
        outcomes = [
            outcome
            for outcome in self._manifest.outcomes
            if columns.metric is None or row.texts.get(columns.metric) == str(outcome.recorded)
        ]
        if not outcomes:
            self.skipped += 1
            return
        checkpoint = row.texts.get(columns.checkpoint, "") if columns.checkpoint else ""
        if columns.checkpoint and not checkpoint:
            self._blame(row, RowFault.UNREADABLE_TIME, columns.checkpoint)
            return
        try:
            self._add_figures(row, outcomes, checkpoint)
        except FigureInvalid as found:
            self._blame(row, found.fault, found.name)
        else:
            self.kept += 1

    def units_at(self, checkpoint: str) -> dict[str, int]:
        """Return the randomised units by variant: of columns.units, or else of the first DECISION outcome."""
        first = next(outcome for outcome in self._manifest.outcomes if outcome.role is MetricRole.DECISION)
        found = {}
        for index, variant in enumerate(self._manifest.variants):
            sums = self._total(index, first.name, checkpoint)
            counted = self._randomised[index, checkpoint]
            found[variant.key] = counted if self._manifest.columns.units is not None else sums.n if sums else 0
        return found

    def _total(self, variant: int, outcome: str, checkpoint: str) -> PowerSums | None:
        return self.cells.get((variant, outcome, checkpoint))

    def _add_figures(self, row: _Row, outcomes: list[OutcomePart], checkpoint: str) -> None:
        sides = [("treatment", row.variant)]
        if paired(self._manifest):
            sides.append(("control", self._control))
        found: list[tuple[OutcomePart, str, int, PowerSums]] = []
        missing = False
        for outcome in outcomes:
            for side, variant in sides:
                figures = _texts(outcome, side, row)
                if figures is None:
                    missing = True
                else:
                    sums = _blaming(outcome, side, figures, self._manifest.money_unit)
                    found.append((outcome, side, variant, sums))
        randomised = self._randomised_of(row, sides)
        for outcome, side, variant, sums in found:
            if side == "control":
                self._add_control(row, outcome.name, checkpoint, sums)
            else:
                self._merge(self.cells, (variant, outcome.name, checkpoint), sums)
        for variant, number in randomised.items():
            self._randomised[variant, checkpoint] += number
        self.incomplete += missing

    def _randomised_of(self, row: _Row, sides: list[tuple[str, int]]) -> dict[int, int]:
        figure = self._manifest.columns.units
        if figure is None:
            return {}
        found = {}
        for side, variant in sides:
            column = column_of(figure, side)
            if column in row.texts:
                try:
                    found[variant] = count_of("units", row.texts[column])
                except FigureInvalid as fault:
                    raise FigureInvalid(fault.fault, column) from None
        return found

    def _add_control(self, row: _Row, outcome: str, checkpoint: str, sums: PowerSums) -> None:
        """Add the control's half of a row: every treatment's rows must give the same control."""
        cell = (row.variant, outcome, checkpoint)
        self._merge(self._controls, cell, sums)
        self.cells[self._control, outcome, checkpoint] = self._controls[cell]

    def _merge(self, cells: dict[Cell, PowerSums], cell: Cell, sums: PowerSums) -> None:
        cells[cell] = cells[cell].merge(sums) if cell in cells else sums

    def check_controls(self) -> None:
        """Raise DataInvalid if two treatments were compared with different controls."""
        seen: dict[tuple[str, str], tuple[int, PowerSums]] = {}
        for (treatment, outcome, checkpoint), sums in self._controls.items():
            other, known = seen.setdefault((outcome, checkpoint), (treatment, sums))
            if known != sums:
                names = [self._manifest.variants[index].key for index in (other, treatment)]
                raise DataInvalid(
                    f"The control of {outcome}{f' at checkpoint {checkpoint}' if checkpoint else ''} differs between"
                    f" {names[0]} and {names[1]}: {known.n} and {sums.n} units.",
                    hint="Import each treatment with its control as an experiment of its own.",
                )

    def _blame(self, row: _Row, fault: RowFault, column: str) -> None:
        self.faults[fault.value] += 1
        if self.faults[fault.value] <= EXAMPLES_PER_FAULT:
            name, number, line = self._places.of(row.place)
            self.examples.append(BadRow(name, number, line, fault.value, column, row.texts.get(column)))


def _rows(loaded: Loaded, value: str | None) -> Iterator[_Row]:
    needed = loaded.layout.needed
    cursor = loaded.workspace.database.cursor()
    cursor.execute(
        f"SELECT rowid, variant, {', '.join(f'f{index}' for index in range(len(needed)))} FROM judged"
        f" WHERE fault IS NULL AND {of_experiment(value)} ORDER BY rowid"
    )
    while batch := cursor.fetchmany(_BATCH_ROWS):
        for place, variant, *texts in batch:
            yield _Row(place, variant, {n: t for n, t in zip(needed, texts, strict=True) if t is not None})


def _texts(outcome: OutcomePart, side: str, row: _Row) -> dict[str, str] | None:
    """Return the outcome's figures in the row; None when one of them is empty."""
    columns = {name: column_of(getattr(outcome, name), side) for name in FIGURES if getattr(outcome, name) is not None}
    if any(column not in row.texts for column in columns.values()):
        return None
    return {name: row.texts[column] for name, column in columns.items()}


def _blaming(outcome: OutcomePart, side: str, figures: dict[str, str], money_unit: float) -> PowerSums:
    """Return the sums of figures; a fault names the column instead of the figure."""
    try:
        return sums_of(outcome.kind, figures, money_unit=money_unit)
    except FigureInvalid as found:
        raise FigureInvalid(found.fault, column_of(getattr(outcome, found.name), side)) from None


def _last(checkpoints: set[str], manifest: Manifest) -> str:
    """Return the last checkpoint, the largest number or the latest date. Raises DataInvalid when they have no order."""
    if not checkpoints or checkpoints == {""}:
        return ""
    try:
        return max(checkpoints, key=Decimal)
    except ArithmeticError:
        pass
    unordered = sorted(text for text in checkpoints if not _ISO_DAY.fullmatch(text))
    if unordered:
        raise DataInvalid(
            f"Column {manifest.columns.checkpoint}: {unordered[0]!r} is neither a number nor a date like 2024-03-01.",
            hint="Write checkpoints so that their order is known; without columns.checkpoint rows are added up.",
        )
    return max(checkpoints)

"""Assignment of whole tables of units: bit-equal to `assign`, about as fast as the hash itself.

Ids are hashed one by one, which in CPython is as fast as any whole-column form of this hash; all the rest is done
for a block of rows at once. A block is small enough to stay in the processor's cache from one experiment to the next.
For e-mail campaigns, articles and stores; like `assign` it enrols nobody.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import compress

import numpy as np

from experiments.assignment.bucketing import SLOTS
from experiments.assignment.bulk_audiences import ADMITTED, FAILED, AudienceColumns
from experiments.assignment.bulk_block import Block, Mask, WholeIds, draw_slots
from experiments.assignment.bulk_table import NO_SLOT, AssignmentColumn, Slots, UnitTable
from experiments.assignment.engine import assign
from experiments.assignment.period_table import period_slots
from experiments.assignment.periods import Periods
from experiments.assignment.snapshot import Answer, Experiment, Snapshot
from experiments.vocabulary import ArmState, Reason

BLOCK = 4_096
"""Rows at a time."""


def assign_table(
    table: UnitTable, at: datetime, bundle: Snapshot, *, keys: Sequence[str] | None = None
) -> tuple[AssignmentColumn, ...]:
    """Return what each experiment gives every row: for each key, in their order, what `assign` gives for that key.

    Without keys, all experiments whose kind of unit the table has. `at` is an aware project time. A sticky experiment
    without a column in `table.sticky` answers STICKY_UNAVAILABLE.

    Raises:
        TableUneven: the columns differ in length.
    """
    rows = table.rows
    if keys is None:
        keys = [key for key, experiment in bundle.experiments.items() if experiment.unit_kind in table.units]
    known = {key: bundle.experiments[key] for key in keys if key in bundle.experiments}
    sheets = {key: _Sheet(experiment, rows, at) for key, experiment in known.items()}
    audiences = AudienceColumns(table.attributes, rows, (e.admits for e in known.values() if e.admits is not None))
    for start in range(0, rows, BLOCK):
        block = Block(table, bundle, audiences, slice(start, min(start + BLOCK, rows)))
        for sheet in sheets.values():
            sheet.fill(block)
    whole = WholeIds(table)
    filled = {key: sheet.column(whole, bundle) for key, sheet in sheets.items()}
    return tuple(filled.get(key) or _unknown(key, rows, at, bundle) for key in keys)


def _unknown(key: str, rows: int, at: datetime, bundle: Snapshot) -> AssignmentColumn:
    answer = assign({}, {}, at, None, bundle, keys=[key])[0].answer
    nowhere = _nowhere(rows)
    return AssignmentColumn(key, (answer,), np.zeros(rows, dtype=np.int32), lambda: nowhere, nowhere, nowhere, None)


def _nowhere(rows: int) -> Slots:
    return np.full(rows, NO_SLOT, dtype=np.int32)


class _Pending:
    """The rows of a block that have no answer yet, and the codes of all its rows."""

    def __init__(self, codes: Slots) -> None:
        self._codes = codes
        self.rows: Mask = np.ones(len(codes), dtype=np.bool_)

    def settle(self, rows: Mask, code: int) -> None:
        """Give those of these rows that have no answer yet an answer by its code."""
        settled = rows & self.rows
        if settled.any():
            self._codes[settled] = code
            self.rows &= ~settled

    def settle_rest(self, codes: Slots) -> None:
        """Give every row that is left its own answer."""
        _put(self._codes, self.rows, codes)
        self.rows[:] = False


class _Sheet:
    """The answers of one experiment, filled block by block, each row in the order in which the engine asks."""

    def __init__(self, experiment: Experiment, rows: int, at: datetime) -> None:
        self._experiment = experiment
        self._at = at
        self._codes = np.zeros(rows, dtype=np.int32)
        self._layer, self._coverage, self._variant = _nowhere(rows), _nowhere(rows), _nowhere(rows)
        self._addressed: Mask = np.zeros(rows, dtype=np.bool_)
        self._answers: dict[Answer, int] = {}
        periods = experiment.periods
        self._is_early = at < experiment.epoch_opened_at or (periods is not None and at < periods.anchor)
        self._period = None if periods is None else periods.index(at)
        self._is_kept_out = periods is not None and periods.is_kept_out(periods.index(at))
        draws = experiment.draws if periods is None or _counts(periods, at) else experiment.settling
        self._draws = np.array([self._code(answer) for answer in draws], dtype=np.int32)
        self._boundaries = np.array(experiment.boundaries, dtype=np.int32)
        self._edges = np.array([edge for span in experiment.layer_ranges for edge in span], dtype=np.int32)
        self._owns_layer = sum(end - start for start, end in experiment.layer_ranges) == SLOTS

    def column(self, whole: WholeIds, bundle: Snapshot) -> AssignmentColumn:
        """Return what was filled in."""
        return AssignmentColumn(
            experiment_key=self._experiment.key,
            answers=tuple(self._answers),
            codes=self._codes,
            draw_layer=self._deferred_layer(whole, bundle) if self._owns_layer else lambda: self._layer,
            coverage_slots=self._coverage,
            variant_slots=self._variant,
            period=self._period,
        )

    def _deferred_layer(self, whole: WholeIds, bundle: Snapshot) -> Callable[[], Slots]:
        def draw() -> Slots:
            for rows, ids in whole.blocks(self._experiment.unit_kind, BLOCK):
                addressed = self._addressed[rows]
                _put(
                    self._layer[rows],
                    addressed,
                    draw_slots(prefix, ids if addressed.all() else compress(ids, addressed)),
                )
            return self._layer

        prefix = bundle.layer_prefixes[self._experiment.layer or 0]
        return draw

    def fill(self, block: Block) -> None:
        """Answer for the rows of a block."""
        pending = _Pending(self._codes[block.rows])
        if not self._experiment.is_running:
            pending.settle(pending.rows, self._refusal(Reason.NOT_RUNNING))
            return
        self._address(block, pending)
        self._gate(block, pending)
        if pending.rows.any():
            if self._experiment.periods is None:
                self._keep(block, pending)
            self._cover(block, pending)
            if self._is_kept_out:
                pending.settle(pending.rows, self._refusal(Reason.BLACKOUT))
            self._draw(block, pending)

    def _code(self, answer: Answer) -> int:
        return self._answers.setdefault(answer, len(self._answers))

    def _refusal(self, reason: Reason) -> int:
        return self._code(self._experiment.refused[reason])

    def _address(self, block: Block, pending: _Pending) -> None:
        """Answer for rows without a usable id, and for those with a variant of their own."""
        ids = block.ids(self._experiment.unit_kind)
        if not ids.valid.all():
            absent = np.array([unit_id is None or unit_id == "" for unit_id in ids.ids], dtype=np.bool_)
            pending.settle(absent, self._refusal(Reason.UNIT_MISSING))
            pending.settle(~ids.valid, self._refusal(Reason.UNIT_INVALID))
        for place, unit_id in ids.named(self._experiment.overrides):
            only = np.zeros(len(pending.rows), dtype=np.bool_)
            only[place] = True
            pending.settle(only, self._code(self._experiment.overrides[unit_id].overridden))

    def _gate(self, block: Block, pending: _Pending) -> None:
        """Answer for rows that something before the draw refuses."""
        said, owned = block.said(self._experiment), self._owned(block)
        if said is not None and said.max(initial=0) == FAILED:  # The engine asks only where the layer gives the slot.
            failed = said == FAILED
            pending.settle(failed if owned is None else failed & owned, self._refusal(Reason.ENGINE_ERROR))
        self._note_layer(block, pending)
        if self._is_early:
            pending.settle(pending.rows, self._refusal(Reason.NOT_STARTED))
        impersonal = block.impersonal(self._experiment)
        if impersonal is not None:
            pending.settle(impersonal, self._refusal(Reason.PERSONALISATION_OFF))
        for reason, held_out in block.held_out(self._experiment):
            pending.settle(held_out, self._refusal(reason))
        if owned is not None:
            pending.settle(~owned, self._refusal(Reason.LAYER_TAKEN))
        if said is not None:
            pending.settle(said != ADMITTED, self._refusal(Reason.AUDIENCE))

    def _owned(self, block: Block) -> Mask | None:
        """Return to which rows the layer gives a slot of the experiment, None where to all."""
        if self._experiment.layer is None or self._owns_layer:
            return None
        slots = block.layer_slots(self._experiment.unit_kind, self._experiment.layer)
        owned: Mask = np.searchsorted(self._edges, slots, side="right") % 2 == 1
        return owned

    def _note_layer(self, block: Block, pending: _Pending) -> None:
        self._addressed[block.rows] = pending.rows
        if self._experiment.layer is not None and not self._owns_layer:
            slots = block.layer_slots(self._experiment.unit_kind, self._experiment.layer)
            self._layer[block.rows] = np.where(pending.rows, slots, NO_SLOT)

    def _keep(self, block: Block, pending: _Pending) -> None:
        """Answer for rows that keep what they met before, or must not be drawn because that is not known."""
        met = block.met(self._experiment)
        if met is None:
            if self._experiment.is_sticky:
                pending.settle(pending.rows, self._refusal(Reason.STICKY_UNAVAILABLE))
            return
        column = np.array(met, dtype=object)
        if self._experiment.is_sticky:
            pending.settle(column == None, self._refusal(Reason.STICKY_UNAVAILABLE))  # noqa: E711 - by element
        for key, variant in self._experiment.variants.items():
            is_empty = variant.state is ArmState.EMPTY
            kept = self._experiment.refused[Reason.ARM_CLOSED] if is_empty else variant.kept
            pending.settle(column == key, self._code(kept))

    def _cover(self, block: Block, pending: _Pending) -> None:
        """Answer for rows outside the coverage."""
        if self._experiment.coverage == SLOTS:
            return
        rows = pending.rows.copy()
        slots = block.ids(self._experiment.unit_kind).slots(self._experiment.coverage_prefix, rows)
        _put(self._coverage[block.rows], rows, slots)
        rows[rows] = slots >= self._experiment.coverage
        pending.settle(rows, self._refusal(Reason.COVERAGE))

    def _draw(self, block: Block, pending: _Pending) -> None:
        """Draw the variant of the rows that are left."""
        ids, periods = block.ids(self._experiment.unit_kind), self._experiment.periods
        if periods is None or self._period is None:
            slots = ids.slots(self._experiment.variant_prefix, pending.rows)
        else:
            slots = period_slots(periods, list(ids.encoded(pending.rows)), [self._period])[:, 0]
        _put(self._variant[block.rows], pending.rows, slots)
        pending.settle_rest(self._draws[np.searchsorted(self._boundaries, slots, side="right")])


def _put(column: Slots, rows: Mask, values: Slots) -> None:
    """Write the values of these rows; all rows at once is several times as fast as picking them."""
    if len(values) == len(column):
        column[:] = values
    else:
        column[rows] = values


def _counts(periods: Periods, at: datetime) -> bool:
    """Return whether the burn-in of the period at hand is over."""
    return at >= periods.counts_from(periods.index(at))

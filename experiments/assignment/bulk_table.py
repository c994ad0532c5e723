"""Whole tables of units, and what an experiment gives each row of one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from experiments.assignment.snapshot import Answer, Assignment
from foundation.errors import DomainError

Slots = NDArray[np.int32]
NO_SLOT = -1
"""Stands where no slot was drawn."""


class TableUneven(DomainError):
    """The columns of a table of units differ in length."""

    code = "TABLE_UNEVEN"
    hint = "Give every column one value for each row, None where there is none."


@dataclass(frozen=True, slots=True, eq=False)
class UnitTable:
    """Units and what is known of them, in columns of one length, None where there is no value.

    `units` maps unit kinds to ids, `attributes` names to values as parsed from JSON. `sticky` maps the keys of
    experiments to the variant that each unit met before the allocation changed, "" where it met none; without a
    column that is not known. `personalised` says who allows personalisation, all of them without it.
    """

    units: Mapping[str, Sequence[object]]
    attributes: Mapping[str, Sequence[object]] = field(default_factory=dict)
    sticky: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    personalised: Sequence[bool] | None = None

    @property
    def rows(self) -> int:
        """How many rows there are. Raises TableUneven."""
        columns: list[Sequence[object]] = [*self.units.values(), *self.attributes.values(), *self.sticky.values()]
        if self.personalised is not None:
            columns.append(self.personalised)
        lengths = {len(column) for column in columns}
        if len(lengths) > 1:
            raise TableUneven(f"The columns have {', '.join(map(str, sorted(lengths)))} rows.")
        return lengths.pop() if lengths else 0


@dataclass(frozen=True, eq=False)
class AssignmentColumn:
    """What one experiment gives each row: row n gets `answers[codes[n]]`, drawn with the slots of row n.

    Slots are -1 where none was drawn. `period` is the number of the period for the rows that drew in one.
    `draw_layer` returns the layer slots: those of an experiment that has its layer to itself decide nothing, so they
    are hashed when they are asked for.
    """

    experiment_key: str
    answers: tuple[Answer, ...]
    codes: NDArray[np.int32]
    draw_layer: Callable[[], Slots]
    coverage_slots: Slots
    variant_slots: Slots
    period: int | None

    @cached_property
    def layer_slots(self) -> Slots:
        """Each row's slot in the experiment's layer."""
        return self.draw_layer()

    def assignment(self, row: int) -> Assignment:
        """Return what `assign` gives the unit of a row."""
        layer, coverage, variant = (
            None if slots[row] == NO_SLOT else int(slots[row])
            for slots in (self.layer_slots, self.coverage_slots, self.variant_slots)
        )
        period = None if variant is None else self.period
        return Assignment(self.answers[self.codes[row]], layer, coverage, variant, period)

    def counts(self) -> dict[Answer, int]:
        """Return how many rows got each answer that some row got."""
        rows = np.bincount(self.codes, minlength=len(self.answers))
        return {answer: int(n) for answer, n in zip(self.answers, rows, strict=True) if n}

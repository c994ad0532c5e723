"""The segments of a readout for other programs: one line per level."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from experiments.analysis.scorecard import Scorecard, SegmentFamily, SegmentFigures
from experiments.queries.readouts import Readout
from experiments.reports.tables import Cell, written
from experiments.reports.wording import Text


@dataclass(frozen=True, slots=True)
class _Line:
    family: SegmentFamily
    level: SegmentFigures


_COLUMNS: Final[tuple[tuple[Text, Callable[[_Line], Cell]], ...]] = (
    (_("metric"), lambda line: line.family.metric),
    (_("variant"), lambda line: line.family.variant),
    (_("compared with"), lambda line: line.family.reference),
    (_("dimension"), lambda line: line.family.dimension),
    (_("Cochran's Q"), lambda line: line.family.q),
    (_("degrees of freedom"), lambda line: line.family.df),
    (_("p-value of equal effects"), lambda line: line.family.p_value),
    (_("level"), lambda line: line.level.level),
    (_("units, reference"), lambda line: line.level.control_units),
    (_("units, variant"), lambda line: line.level.treatment_units),
    (_("reason"), lambda line: line.level.reason),
    (_("difference"), lambda line: line.level.difference),
    (_("standard error"), lambda line: line.level.se),
    (_("lift"), lambda line: line.level.lift),
    (_("lift, lower"), lambda line: line.level.lift_interval.lower),
    (_("lift, upper"), lambda line: line.level.lift_interval.upper),
    (_("lift, interval"), lambda line: line.level.lift_interval.status),
    (_("p-value"), lambda line: line.level.p_value),
    (_("p-value, adjusted"), lambda line: line.level.p_adjusted),
    (_("claimed"), lambda line: line.level.claimed),
    (_("difference, shrunk"), lambda line: line.level.shrunk),
    (_("standard error, shrunk"), lambda line: line.level.shrunk_se),
)


def segments_csv_of(readout: Readout) -> bytes:
    """Return one line per level of every dimension, metric and variant; what does not exist is an empty cell."""
    return written(_COLUMNS, () if readout.evidence is None else _lines(readout.evidence.scorecard))


def _lines(card: Scorecard) -> Iterator[_Line]:
    for family in card.segments:
        for level in family.levels:
            yield _Line(family, level)

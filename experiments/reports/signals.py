"""What may be read of a comparison under its plan: which interval, and whether it is better, worse, held or nothing."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from experiments.analysis.plan import AnalysisPlan, SequentialMethod
from experiments.analysis.scorecard import Comparison, Crossing, FigureStatus, Interval, IntervalStatus
from experiments.reports.wording import Tone, Words
from experiments.vocabulary import Direction, MetricRole

BETTER: Final = Words(_("better"), Tone.GOOD, "▲")
WORSE: Final = Words(_("worse"), Tone.BAD, "▼")
NOTHING: Final = Words(_("no difference shown"), Tone.MUTED, "■")
HOLDS: Final = Words(_("within the margin"), Tone.GOOD, "▲")
NOT_HELD: Final = Words(_("not shown to be within the margin"), Tone.WARN, "■")
HARM: Final = Words(_("harm"), Tone.BAD, "▼")
UNDEFINED: Final = Words(_("not defined"), Tone.MUTED, "■")


def looks_repeatedly(comparison: Comparison) -> bool:
    """Return whether the plan pays for several looks, so that only the sequential figures may be read."""
    seen = comparison.sequential
    return seen is not None and seen.method != SequentialMethod.FIXED_HORIZON


def interval_of(comparison: Comparison, *, relative: bool) -> Interval:
    """Return the interval of the lift, or of the difference, that may be read at this look."""
    seen = comparison.sequential
    if seen is not None and looks_repeatedly(comparison):
        return seen.lift if relative else seen.absolute
    return comparison.lift.interval if relative else comparison.absolute.interval


def signal_of(comparison: Comparison, plan: AnalysisPlan) -> Words:
    """Return what the comparison shows; colour is never alone, each signal has its own word and glyph.

    A guardrail is judged against its margin; a DECISION metric by its boundary, or by its corrected p-value where
    the plan looks once; all others by whether their interval leaves out zero.
    """
    if comparison.harm is not None and comparison.harm.crossed:
        return HARM
    if comparison.status is FigureStatus.UNDEFINED:
        return UNDEFINED
    if comparison.role is MetricRole.GUARDRAIL:
        test = comparison.non_inferiority
        return HOLDS if test is not None and test.passed else NOT_HELD
    seen = comparison.sequential
    if seen is not None and looks_repeatedly(comparison):
        return {Crossing.BETTER: BETTER, Crossing.WORSE: WORSE, Crossing.NONE: NOTHING}[seen.crossed]
    if not _distinct(comparison, plan):
        return NOTHING
    rises = (comparison.absolute.value or 0.0) > 0.0
    return BETTER if rises is (comparison.direction is Direction.INCREASE) else WORSE


def _distinct(comparison: Comparison, plan: AnalysisPlan) -> bool:
    if comparison.role is MetricRole.DECISION:
        p_value = comparison.p_adjusted if comparison.p_adjusted is not None else comparison.p_value
        return p_value is not None and p_value <= plan.alpha
    interval = comparison.absolute.interval
    if interval.status is not IntervalStatus.BOUNDED or interval.lower is None or interval.upper is None:
        return False
    return interval.lower > 0.0 or interval.upper < 0.0

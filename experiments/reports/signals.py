"""What may be read of a comparison under its plan: which interval, and whether it is better, worse, held or nothing."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from experiments.analysis.plan import SequentialMethod
from experiments.analysis.scorecard import Comparison, Crossing, FigureStatus, Interval, NonInferiorityFigures
from experiments.reports.wording import Tone, Words
from experiments.vocabulary import MetricRole

BETTER: Final = Words(_("better"), Tone.GOOD, "▲")
WORSE: Final = Words(_("worse"), Tone.BAD, "▼")
NOTHING: Final = Words(_("no difference shown"), Tone.MUTED, "■")
HOLDS: Final = Words(_("within the margin"), Tone.GOOD, "▲")
NOT_HELD: Final = Words(_("not shown to be within the margin"), Tone.WARN, "■")
HARM: Final = Words(_("harm"), Tone.BAD, "▼")
INFORMATION: Final = Words(_("for information"), Tone.MUTED, "■")
UNDEFINED: Final = Words(_("not defined"), Tone.MUTED, "■")

_CROSSINGS: Final = {Crossing.BETTER: BETTER, Crossing.WORSE: WORSE, Crossing.NONE: NOTHING}


def looks_repeatedly(comparison: Comparison) -> bool:
    """Return whether the plan pays for several looks, so that only the sequential figures may be read."""
    seen = comparison.sequential
    return seen is not None and seen.method != SequentialMethod.FIXED_HORIZON


def interval_of(comparison: Comparison, *, relative: bool) -> Interval:
    """Return the interval of the lift, or of the difference, that may be read at this look.

    A guardrail's is the one that belongs to the test against its margin: it stays within the margin exactly when the
    test passes.
    """
    test = belonging_test(comparison)
    if test is not None and test.lift is not None and test.absolute is not None:
        return test.lift if relative else test.absolute
    seen = comparison.sequential
    if seen is not None and looks_repeatedly(comparison):
        return seen.lift if relative else seen.absolute
    return comparison.lift.interval if relative else comparison.absolute.interval


def belonging_test(comparison: Comparison) -> NonInferiorityFigures | None:
    """Return the test against the margin whose interval is drawn, or None where the interval is of the effect alone."""
    test = comparison.non_inferiority
    drawn = comparison.role is MetricRole.GUARDRAIL and test is not None and test.lift is not None
    return test if drawn else None


def signal_of(comparison: Comparison) -> Words:
    """Return what the comparison shows; colour is never alone, each signal has its own word and glyph.

    DECISION and SECONDARY metrics have crossed their boundary or not, after every correction; a guardrail is judged
    against its margin; diagnostics claim nothing.
    """
    if comparison.harm is not None and comparison.harm.crossed:
        return HARM
    if comparison.status is FigureStatus.UNDEFINED:
        return UNDEFINED
    if comparison.role is MetricRole.GUARDRAIL:
        test = comparison.non_inferiority
        return HOLDS if test is not None and test.passed else NOT_HELD
    if comparison.role is MetricRole.DIAGNOSTIC:
        return INFORMATION
    return NOTHING if comparison.sequential is None else _CROSSINGS[comparison.sequential.crossed]

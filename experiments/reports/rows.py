"""One comparison as a row of the board: values, effect, interval, p-value, and what they amount to."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from experiments.analysis import wording
from experiments.analysis.plan import AnalysisPlan, PlannedMetric, SequentialMethod
from experiments.analysis.scorecard import (
    ArmFigures,
    Comparison,
    Estimate,
    FigureStatus,
    Interval,
    IntervalStatus,
    UndefinedReason,
)
from experiments.reports import figures
from experiments.reports.figures import Shape
from experiments.reports.forest import Axis, bar_of
from experiments.reports.page import ArmCell, Fact, Row
from experiments.reports.signals import belonging_test, interval_of, looks_repeatedly, signal_of
from experiments.reports.wording import AFTER_HORIZON, CORRECTIONS, ESTIMATORS, INTERVALS, TEST_INTERVAL, Text
from experiments.vocabulary import Direction


@dataclass(frozen=True, slots=True)
class Subject:
    """What the numbers of a metric mean, and on which scale its effects are shown."""

    planned: PlannedMetric
    plan: AnalysisPlan
    shape: Shape
    currency: str
    relative: bool

    def effect(self, value: float, decimals: int) -> str:
        """Return an effect with its sign and unit."""
        if self.relative:
            return figures.lift(value, decimals)
        return figures.difference(value, self.shape, self.currency, decimals)

    def scaled(self, value: float) -> float:
        """Return an effect as the number that is written before its unit."""
        return value * 100.0 if self.relative or self.shape is Shape.SHARE else value

    def decimals(self, *values: float | None, significant: int = 3) -> int:
        """Return how many decimals the largest of these effects deserves."""
        scaled = (None if value is None else self.scaled(value) for value in values)
        return figures.decimals_for(*scaled, significant=significant)

    def estimate(self, comparison: Comparison) -> Estimate:
        """Return the lift or the absolute difference."""
        return comparison.lift if self.relative else comparison.absolute

    def margin(self, comparison: Comparison) -> float | None:
        """Return the place of the non-inferiority margin on the scale of the effect."""
        margin = comparison.non_inferiority.margin if comparison.non_inferiority else self.planned.margin
        if margin is None:
            return None
        loss = -margin if self.planned.direction is Direction.INCREASE else margin
        if self.relative:
            return loss
        return None if comparison.control.adjusted is None else loss * comparison.control.adjusted


def row_of(comparison: Comparison, subject: Subject, axis: Axis, *, number: int, variant: str, metric: str) -> Row:
    """Return the row of a comparison; `number` tells the pictures of a page apart."""
    shown = interval_of(comparison, relative=subject.relative)
    point = subject.estimate(comparison).value
    margin = subject.margin(comparison)
    words = _words(comparison, shown)
    bar = None if words else bar_of(axis, shown, point, margin)
    interval = "" if words else _span(shown, subject)
    effect = _("not defined") if point is None else subject.effect(point, _decimals(point, shown, subject))
    signal = signal_of(comparison)
    p_value, p_name = _p_value(comparison, subject.plan)
    return Row(
        number=number,
        variant=variant,
        control=_cell(comparison.control, subject),
        arm=_cell(comparison.treatment, subject),
        effect=effect,
        interval=interval,
        words=words,
        bar=bar,
        picture=_picture(metric, variant, effect, interval, margin, subject),
        p_value=p_value,
        p_name=p_name,
        signal=signal.label,
        tone=signal.tone,
        glyph=signal.glyph,
        badges=tuple(_badges(comparison)),
        details=tuple(_details(comparison, subject)),
        after_stop=tuple(_after_stop(comparison, subject)),
    )


def _interval_name(comparison: Comparison, plan: AnalysisPlan) -> str:
    seen, test = comparison.sequential, belonging_test(comparison)
    if test is not None:
        return TEST_INTERVAL % {"level": _level(test.alpha)}
    if seen is None or not looks_repeatedly(comparison):
        return INTERVALS[SequentialMethod.FIXED_HORIZON] % {"level": _level(plan.alpha)}
    return INTERVALS.get(seen.method, AFTER_HORIZON) % {"level": _level(seen.alpha)}


def _level(alpha: float) -> str:
    return figures.percent(round(1.0 - alpha, 4))


def _decimals(point: float | None, interval: Interval, subject: Subject) -> int:
    if interval.status is IntervalStatus.BOUNDED:
        return subject.decimals(interval.lower, interval.upper)
    return subject.decimals(point)


def _words(comparison: Comparison, interval: Interval) -> Text:
    """Return what takes the place of an interval that cannot be drawn, or nothing."""
    if comparison.status is FigureStatus.UNDEFINED:
        return _("Not defined: %(why)s.") % {"why": _why(comparison.reason or interval.reason)}
    if interval.status is IntervalStatus.UNBOUNDED:
        return _("The interval has no end: %(why)s.") % {"why": _why(interval.reason)}
    if interval.status is IntervalStatus.UNDEFINED:
        return _("No interval yet: %(why)s.") % {"why": _why(interval.reason)}
    return ""


def _why(reason: UndefinedReason | None) -> str:
    return _(wording.UNDEFINED[reason]) if reason is not None else _("it cannot be computed")


def _span(interval: Interval, subject: Subject) -> str:
    if interval.lower is None or interval.upper is None:
        return ""
    decimals = subject.decimals(interval.lower, interval.upper)
    ends = {
        "lower": subject.effect(interval.lower, decimals),
        "upper": subject.effect(interval.upper, decimals),
    }
    return _("%(lower)s to %(upper)s") % ends


def _cell(arm: ArmFigures, subject: Subject) -> ArmCell:
    value = _("not defined") if arm.value is None else figures.level(arm.value, subject.shape, subject.currency)
    return ArmCell(value=value, units=figures.count(arm.n), total=_total(arm, subject))


def _total(arm: ArmFigures, subject: Subject) -> str:
    spec = subject.planned.spec
    if arm.numerator is None:
        return _("not defined")
    money = Shape.MONEY if spec.numerator.divisor > 1 else Shape.NUMBER
    numerator = figures.total(arm.numerator, money, subject.currency)
    if arm.denominator is None or spec.denominator is None:
        return numerator
    below = Shape.MONEY if spec.denominator.divisor > 1 else Shape.NUMBER
    return f"{numerator} / {figures.total(arm.denominator, below, subject.currency)}"


def _picture(metric: str, variant: str, effect: str, interval: str, margin: float | None, subject: Subject) -> str:
    parts = [_("%(metric)s, %(variant)s: %(effect)s") % {"metric": metric, "variant": variant, "effect": effect}]
    if interval:
        parts.append(interval)
    if margin is not None:
        parts.append(_("margin %(margin)s") % {"margin": subject.effect(margin, subject.decimals(margin))})
    return _("; ").join(parts)


def _p_value(comparison: Comparison, plan: AnalysisPlan) -> tuple[str, Text]:
    """Return the p-value that may be read and what kind it is: of one look, valid at every look, corrected."""
    seen = comparison.sequential
    valid = seen.p_value if seen is not None else None
    alone = comparison.p_value if valid is None else valid
    if alone is None:
        return "", ""
    corrected = comparison.p_adjusted
    if corrected is not None and corrected != alone:
        kind = CORRECTIONS[plan.multiplicity]
        name = kind if valid is None else _("always valid, %(correction)s") % {"correction": kind}
        return figures.probability(corrected), name
    if valid is not None:
        return figures.probability(valid), _("always valid")
    return figures.probability(alone), _("at this look only") if looks_repeatedly(comparison) else _("one look")


def _badges(comparison: Comparison) -> Iterator[Text]:
    adjustment = comparison.adjustment
    if adjustment is not None:
        removed = f"{adjustment.variance_reduction * 100.0:.0f}%"
        yield _("CUPED %(minus)s%(share)s variance") % {"minus": figures.MINUS, "share": removed}
    if comparison.uncapped is not None:
        yield _("capped")


def _details(comparison: Comparison, subject: Subject) -> Iterator[Fact]:
    if comparison.estimator is not None:
        yield Fact(_("Method"), ESTIMATORS[comparison.estimator])
    yield Fact(_("Interval"), _interval_name(comparison, subject.plan))
    seen = comparison.sequential
    if seen is not None and not looks_repeatedly(comparison) and seen.alpha != subject.plan.alpha:
        corrected = seen.lift if subject.relative else seen.absolute
        label = _("Interval corrected for several tests (%(level)s)") % {"level": _level(seen.alpha)}
        yield Fact(label, _span(corrected, subject) or _why(corrected.reason))
    if comparison.p_value is not None:
        yield Fact(_("p-value of this look alone"), figures.probability(comparison.p_value))
    if comparison.adjustment is not None:
        raw = comparison.adjustment.unadjusted_lift if subject.relative else comparison.adjustment.unadjusted
        yield Fact(_("Without CUPED"), _estimate(raw, subject))
    if comparison.uncapped is not None:
        raw = comparison.uncapped.lift if subject.relative else comparison.uncapped.absolute
        yield Fact(_("Without the cap"), _estimate(raw, subject))
    if comparison.unfiltered is not None:
        raw = comparison.unfiltered.lift if subject.relative else comparison.unfiltered.absolute
        yield Fact(_("With everybody whom filters leave out"), _estimate(raw, subject))
    yield from _stop(comparison)
    test = comparison.non_inferiority
    if test is not None and test.p_value is not None:
        told = {"alpha": figures.percent(round(test.alpha, 4)), "p": figures.probability(test.p_value)}
        yield Fact(_("Test against the margin"), _("one-sided at %(alpha)s, p %(p)s") % told)
    if comparison.treatment.nonzero is not None and comparison.control.nonzero is not None:
        counts = f"{figures.count(comparison.control.nonzero)} / {figures.count(comparison.treatment.nonzero)}"
        yield Fact(_("Units with a value, control / variant"), counts)


def _after_stop(comparison: Comparison, subject: Subject) -> Iterator[Text]:
    """Yield a caption and the effect corrected for stopping early, with its interval; nothing before the stop."""
    final = comparison.final
    if final is None or final.look == 1:
        return
    value = final.lift if subject.relative else final.median_unbiased
    interval = final.lift_interval if subject.relative else final.interval
    effect = _("not defined") if value is None else subject.effect(value, _decimals(value, interval, subject))
    yield _("corrected for stopping:")
    yield f"{effect} ({_span(interval, subject)})" if interval.status is IntervalStatus.BOUNDED else effect


def _stop(comparison: Comparison) -> Iterator[Fact]:
    """Yield what is said about stopping: the figures after the stop, or the chance that is left before it."""
    final, futility = comparison.final, comparison.futility
    if final is not None:
        told = {
            "number": final.look,
            "level": _level(final.alpha),
            "p": figures.probability(final.p_value),
        }
        label = _("Corrected for stopping at look %(number)s") % told
        yield Fact(label, _("%(level)s interval, p %(p)s") % told)
    if futility is not None and futility.conditional_power is not None:
        label = _("Chance to show the planned effect by the end, if it is true")
        yield Fact(label, figures.chance(futility.conditional_power))


def _estimate(estimate: Estimate, subject: Subject) -> str:
    if estimate.value is None:
        return _("not defined")
    text = subject.effect(estimate.value, _decimals(estimate.value, estimate.interval, subject))
    if estimate.interval.status is not IntervalStatus.BOUNDED:
        return text
    return f"{text} ({_span(estimate.interval, subject)})"

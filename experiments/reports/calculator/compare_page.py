"""The answer to `Compare results`: whether the split holds, and for each treatment what one look says."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from experiments.analysis import wording
from experiments.analysis.calculator.comparison import Compared
from experiments.analysis.summaries import SampleRatio, SummaryComparison
from experiments.reports import figures
from experiments.reports.calculator.power_page import Fact
from experiments.reports.figures import Shape
from experiments.reports.wording import ESTIMATORS, Tone
from experiments.statistics.results import Interval, UndefinedReason


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look says of one treatment."""

    title: str
    tone: Tone
    glyph: str
    sentence: str
    chance: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class CompareAnswer:
    """Everything below the form; `split` says what is wrong with it, or that it holds."""

    findings: tuple[Finding, ...]
    split: str
    broken: bool


def compare_answer(found: Compared, kind: str) -> CompareAnswer:
    """Return the answer in the language of the request."""
    shape = Shape.SHARE if kind == "conversion" else Shape.NUMBER
    several = len(found.comparisons) > 1
    return CompareAnswer(
        findings=tuple(
            _finding(each, number if several else None, shape, found.alpha)
            for number, each in enumerate(found.comparisons, 1)
        ),
        split=_split(found.sample_ratio),
        broken=bool(found.sample_ratio.mismatch),
    )


def _finding(found: SummaryComparison, number: int | None, shape: Shape, alpha: float) -> Finding:
    arm = {"arm": _("Treatment") if number is None else _("Treatment %(number)s") % {"number": number}}
    if found.p_value is None or found.p_adjusted is None or found.difference is None:
        why = _("It cannot be compared: %(why)s.") % {"why": why_undefined(found.reason)}
        return Finding(_("%(arm)s: not defined") % arm, Tone.MUTED, "○", why, "", ())
    shown = found.p_adjusted < alpha
    up = found.difference > 0.0
    if not shown:
        title, tone, glyph = _("%(arm)s: no difference shown"), Tone.MUTED, "■"
    elif up:
        title, tone, glyph = _("%(arm)s: higher than the control"), Tone.OPEN, "▲"
    else:
        title, tone, glyph = _("%(arm)s: lower than the control"), Tone.OPEN, "▼"
    template = _("Chance alone would hardly make such a difference (%(p)s).")
    if not shown:
        template = _("Chance alone can make such a difference (%(p)s); that does not prove there is none.")
    return Finding(
        title=title % arm,
        tone=tone,
        glyph=glyph,
        sentence=_sentence(found, shape, alpha),
        chance=template % {"p": _p(found.p_adjusted)},
        facts=tuple(_facts(found, shape, alpha, several=number is not None)),
    )


def _sentence(found: SummaryComparison, shape: Shape, alpha: float) -> str:
    words = {
        "treatment": _level(found.treatment, shape),
        "control": _level(found.control, shape),
        "level": figures.percent(round(1.0 - alpha, 6)),
    }
    ends = found.lift_interval
    if found.lift is None:
        return _("%(treatment)s against %(control)s of the control.") % words
    scaled = (None if value is None else value * 100.0 for value in (ends.lower, ends.upper))
    decimals = figures.decimals_for(*scaled) if ends.lower is not None else figures.decimals_for(found.lift * 100.0)
    words["lift"] = figures.lift(found.lift, decimals)
    if ends.lower is None or ends.upper is None:
        return _("%(treatment)s against %(control)s of the control: %(lift)s.") % words
    words |= {"lower": figures.lift(ends.lower, decimals), "upper": figures.lift(ends.upper, decimals)}
    return (
        _("%(treatment)s against %(control)s of the control: %(lift)s, %(level)s interval %(lower)s to %(upper)s.")
        % words
    )


def _facts(found: SummaryComparison, shape: Shape, alpha: float, *, several: bool) -> Iterator[Fact]:
    level = figures.percent(round(1.0 - alpha, 6))
    yield Fact(_("Control"), _level(found.control, shape))
    yield Fact(_("Treatment"), _level(found.treatment, shape))
    difference = found.difference or 0.0
    decimals = _decimals(difference, found.interval, shape)
    yield Fact(_("Difference"), figures.difference(difference, shape, "", decimals))
    yield Fact(_("%(level)s interval") % {"level": level}, _span(found.interval, shape, decimals))
    if found.lift is None:
        yield Fact(_("Lift"), _("not defined: %(why)s") % {"why": why_undefined(found.lift_interval.reason)})
    elif found.lift_interval.lower is None or found.lift_interval.upper is None:
        why = why_undefined(found.lift_interval.reason)
        point = figures.lift(found.lift, figures.decimals_for(found.lift * 100.0))
        yield Fact(_("Lift"), point, _("Its interval has no end: %(why)s.") % {"why": why})
    yield Fact(_("p-value"), figures.probability(found.p_value or 0.0))
    if several:
        yield Fact(
            _("p-value, adjusted"), figures.probability(found.p_adjusted or 0.0), _("Holm, over the treatments.")
        )
    if found.estimator is not None:
        yield Fact(_("Method"), str(ESTIMATORS[found.estimator]))


def why_undefined(reason: UndefinedReason | None) -> str:
    """Return why a figure does not exist, in words."""
    return _(wording.UNDEFINED[reason]) if reason is not None else _("it cannot be computed")


def _split(ratio: SampleRatio) -> str:
    if ratio.p_value is None:
        return _("The split cannot be judged: %(why)s.") % {"why": why_undefined(ratio.reason)}
    words = {
        "p": _p(ratio.p_value),
        "expected": " / ".join(figures.count(round(units)) for units in ratio.expected),
    }
    if ratio.mismatch:
        return (
            _(
                "The visitors do not follow the planned split (%(p)s; expected were %(expected)s). Find out why "
                "before you believe any figure below: units are lost or counted twice."
            )
            % words
        )
    return _("The visitors follow the planned split (%(p)s).") % words


def _decimals(point: float, interval: Interval, shape: Shape) -> int:
    scale = 100.0 if shape is Shape.SHARE else 1.0
    given = (point, interval.lower, interval.upper)
    return figures.decimals_for(*(None if value is None else value * scale for value in given))


def _span(interval: Interval, shape: Shape, decimals: int) -> str:
    if interval.lower is None or interval.upper is None:
        return _("not defined: %(why)s") % {"why": why_undefined(interval.reason)}
    ends = {
        "lower": figures.difference(interval.lower, shape, "", decimals),
        "upper": figures.difference(interval.upper, shape, "", decimals),
    }
    return _("%(lower)s to %(upper)s") % ends


def _p(value: float) -> str:
    """Return `p = 0.03` or `p < 0.0001`."""
    text = figures.probability(value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def _level(value: float | None, shape: Shape) -> str:
    return _("not defined") if value is None else figures.level(value, shape, "")

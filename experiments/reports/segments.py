"""The segments of a readout: whether the effect differs between levels, and each level's effect, raw and shrunk."""

from collections.abc import Iterable, Iterator, Sequence

from django.utils.translation import gettext as _

from experiments.analysis import wording
from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.scorecard import Scorecard, SegmentFamily, SegmentFigures
from experiments.analysis.segments import claims_due
from experiments.reports import figures
from experiments.reports.figures import shape_of
from experiments.reports.forest import Axis, axis_for, bar_of, reach_of
from experiments.reports.names import Names
from experiments.reports.rows import Subject
from experiments.reports.segment_page import SegmentGroup, SegmentLevel, Segments, SegmentTable
from experiments.reports.wording import Text, Tone
from experiments.statistics.distributions import normal_isf
from experiments.statistics.multiplicity import holm
from experiments.statistics.results import Interval, bounded
from experiments.vocabulary import Direction

UNKNOWN = ""
"""The level of units whose attribute was not known at their first exposure."""
OTHER = "other"
"""The level that the smallest levels of a dimension are merged into."""


def segments_of(card: Scorecard, plan: AnalysisPlan, *, names: Names, currency: str, csv_url: str) -> Segments | None:
    """Return the segments by metric and variant, or None where the scorecard has none."""
    if not card.segments:
        return None
    groups = groups_of(card.segments, plan, names=names, currency=currency)
    return Segments(groups=groups, note=_note(plan), waits=_waits(card, plan), csv_url=csv_url)


def groups_of(
    segments: Sequence[SegmentFamily], plan: AnalysisPlan, *, names: Names, currency: str
) -> tuple[SegmentGroup, ...]:
    """Return the levels by metric and variant, in the order in which they come."""
    counted: Iterator[int] = iter(range(1, 1_000_000))
    groups = []
    for metric, variant in dict.fromkeys((found.metric, found.variant) for found in segments):
        planned = plan.metric(metric)
        subject = Subject(planned, plan, shape_of(planned.spec), currency, relative=False)
        families = [found for found in segments if (found.metric, found.variant) == (metric, variant)]
        title = _("%(metric)s, %(variant)s") % {"metric": names.metric(metric), "variant": names.variant(variant)}
        groups.append(SegmentGroup(title, _tables(families, subject, title, counted)))
    return tuple(groups)


def level_name(level: str) -> Text:
    """Return what a level is called."""
    if level == UNKNOWN:
        return _("not known")
    return _("all others") if level == OTHER else level


def _tables(
    families: Sequence[SegmentFamily], subject: Subject, title: str, counted: Iterator[int]
) -> tuple[SegmentTable, ...]:
    tested = [found for found in families if found.p_value is not None]
    adjusted = dict(zip([found.dimension for found in tested], holm([f.p_value or 0.0 for f in tested]), strict=True))
    axis = axis_for(_reaches(families, subject))
    return tuple(
        _table(found, adjusted.get(found.dimension), subject, axis, title=title, counted=counted) for found in families
    )


def _table(
    family: SegmentFamily,
    p_value: float | None,
    subject: Subject,
    axis: Axis,
    *,
    title: str,
    counted: Iterator[int],
) -> SegmentTable:
    differs = p_value is not None and p_value <= subject.plan.alpha
    ordered = sorted(family.levels, key=lambda level: (level.level in (UNKNOWN, OTHER), -_units(level), level.level))
    lower, upper = (subject.effect(end, subject.decimals(end, significant=2)) for end in (-axis.reach, axis.reach))
    return SegmentTable(
        dimension=family.dimension,
        answer=_answer(family, p_value, differs=differs),
        tone=Tone.WARN if differs else Tone.MUTED,
        glyph="◆" if differs else "○",
        differs=differs,
        ticks=(lower, "0", upper),
        levels=tuple(_level(level, family, subject, axis, title, next(counted)) for level in ordered),
    )


def _answer(family: SegmentFamily, p_value: float | None, *, differs: bool) -> Text:
    told = {"dimension": family.dimension, "p": "" if p_value is None else _p(p_value)}
    if p_value is None:
        return _("%(dimension)s: fewer than two levels have enough units to be compared.") % told
    if differs:
        return _("%(dimension)s: the effect differs between levels, %(p)s.") % told
    return _("%(dimension)s: the effect does not differ detectably between levels, %(p)s.") % told


def _level(
    level: SegmentFigures, family: SegmentFamily, subject: Subject, axis: Axis, title: str, number: int
) -> SegmentLevel:
    raw, shrunk = _spans(level, subject)
    named = level_name(level.level)
    units = f"{figures.count(level.control_units)} / {figures.count(level.treatment_units)}"
    if level.difference is None:
        why = _(wording.UNDEFINED[level.reason]) if level.reason is not None else _("it cannot be computed")
        return SegmentLevel(number, named, units, "", "", "", "", _("Not defined: %(why)s.") % {"why": why})
    effect, interval = _told(level.difference, raw, subject)
    moved, moved_interval = _told(level.shrunk, shrunk, subject)
    tone, glyph = _tone(level, subject)
    picture = _("%(title)s, %(dimension)s %(level)s: %(effect)s (%(interval)s)") % {
        "title": title,
        "dimension": family.dimension,
        "level": named,
        "effect": moved or effect,
        "interval": moved_interval or interval,
    }
    return SegmentLevel(
        number=number,
        name=named,
        units=units,
        effect=effect,
        lift="" if level.lift is None else figures.lift(level.lift, figures.decimals_for(level.lift * 100.0)),
        shrunk=moved,
        p_value="" if level.p_adjusted is None else figures.probability(level.p_adjusted),
        words="",
        claim=_("claimed") if level.claimed else "",
        tone=tone,
        glyph=glyph,
        interval=interval,
        shrunk_interval=moved_interval,
        raw_bar=None if raw is None else bar_of(axis, raw, level.difference),
        shrunk_bar=None if shrunk is None else bar_of(axis, shrunk, level.shrunk),
        picture=picture,
    )


def _tone(level: SegmentFigures, subject: Subject) -> tuple[Tone, str]:
    """Return the colour and sign of a claim, and those of a level that claims nothing."""
    if not level.claimed or level.difference is None:
        return Tone.MUTED, "■"
    rises = subject.planned.direction is Direction.INCREASE
    return (Tone.GOOD, "▲") if (level.difference > 0.0) is rises else (Tone.BAD, "▼")


def _told(value: float | None, span: Interval | None, subject: Subject) -> tuple[str, str]:
    if value is None or span is None or span.lower is None or span.upper is None:
        return "", ""
    decimals = subject.decimals(span.lower, span.upper)
    ends = {"lower": subject.effect(span.lower, decimals), "upper": subject.effect(span.upper, decimals)}
    return subject.effect(value, decimals), _("%(lower)s to %(upper)s") % ends


def _spans(level: SegmentFigures, subject: Subject) -> tuple[Interval | None, Interval | None]:
    """Return the difference and the shrunken difference, each +- the normal multiplier of the plan's alpha."""
    z = normal_isf(subject.plan.alpha / 2.0)
    found = [
        None if value is None or se is None else bounded(value - z * se, value + z * se)
        for value, se in ((level.difference, level.se), (level.shrunk, level.shrunk_se))
    ]
    return found[0], found[1]


def _reaches(families: Iterable[SegmentFamily], subject: Subject) -> Iterator[float]:
    for family in families:
        for level in family.levels:
            for span in _spans(level, subject):
                if span is not None:
                    yield reach_of(span)


def _units(level: SegmentFigures) -> int:
    return level.control_units + level.treatment_units


def _p(value: float) -> str:
    told = figures.probability(value)
    return f"p {told}" if told.startswith("<") else f"p = {told}"


def _note(plan: AnalysisPlan) -> Text:
    return _(
        "Exploratory: segments decide nothing. Figures are those of this look alone. p-values of levels are corrected "
        "over all levels of all dimensions (Benjamini and Hochberg), so that of the levels claimed at most %(q)s are "
        "expected to be false; those of dimensions are corrected over dimensions (Holm)."
    ) % {"q": figures.percent(plan.segment_q)}


def _waits(card: Scorecard, plan: AnalysisPlan) -> Text:
    if claims_due(plan, card.comparisons, card.days, is_last=card.is_last):
        return ""
    after = any(found.sequential is not None and found.sequential.after_horizon for found in card.comparisons)
    if after:
        return _("Claims belong to the look of the planned end. This look is later: read what stands out as a hint.")
    return _("Claims wait for the last look: a level that stands out today may not stand out then.")

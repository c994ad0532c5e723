"""Who was analysed, who was left out, and how far the plan has come."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.scorecard import Crossing, Scorecard
from experiments.queries.readouts import Look, Readout
from experiments.reports import figures
from experiments.reports.names import Names
from experiments.reports.page import Exclusion, Fact, LookLine, Progress, ProgressLine, SampleLine, Samples
from experiments.reports.times import moment
from experiments.reports.wording import EXCLUSIONS, METHODS, Text, verdict_words
from experiments.vocabulary import MetricRole

_BOUNDARIES: Final[dict[Crossing, Text]] = {
    Crossing.NONE: gettext_lazy("boundary not crossed"),
    Crossing.BETTER: gettext_lazy("crossed: better"),
    Crossing.WORSE: gettext_lazy("crossed: worse"),
}


def samples_of(card: Scorecard, plan: AnalysisPlan, readout: Readout, names: Names) -> Samples:
    """Return the units of each variant beside the planned split, and everything that was left out."""
    units = sum(count.units for count in card.variants)
    left_out = asdict(card.exclusions)
    return Samples(
        lines=tuple(
            SampleLine(
                variant=names.variant(count.variant),
                control=count.variant == plan.control,
                units=figures.count(count.units),
                planned=figures.percent(round(count.planned_share, 4)),
                observed=figures.share(count.units / units) if units else _("not defined"),
            )
            for count in card.variants
        ),
        total=figures.count(units),
        exclusions=tuple(
            Exclusion(EXCLUSIONS[name].title, figures.count(number), EXCLUSIONS[name].meaning)
            for name, number in left_out.items()
            if number
        ),
        none_found=_none_found([name for name, number in left_out.items() if not number]),
        quarantine=tuple(Fact(reason, figures.count(rows)) for reason, rows in readout.quarantine.items()),
        imported=tuple(_import_facts(readout.import_counts)),
    )


def _none_found(names: Sequence[str]) -> str:
    if not names:
        return ""
    titles = _("; ").join(str(EXCLUSIONS[name].title) for name in names)
    return _("Looked for and not found: %(titles)s.") % {"titles": titles}


def progress_of(card: Scorecard, plan: AnalysisPlan, readout: Readout, names: Names) -> Progress:
    """Return how much of the planned information there is, how many days have passed, and what each look said."""
    return Progress(
        method=METHODS[plan.method],
        calendar=calendar_of(card, plan),
        lines=tuple(_progress_lines(card, names)),
        looks=tuple(_look_line(look, readout.project.time_zone, names) for look in readout.looks),
    )


def calendar_of(card: Scorecard, plan: AnalysisPlan) -> Text:
    """Return how many days of the planned ones the data cover."""
    if card.days is None:
        return _("Recorded without times: one look at all of it.")
    days = figures.count(int(card.days))
    if plan.horizon_days is None:
        return _("Day %(days)s; no planned end.") % {"days": days}
    told = {"days": days, "planned": plan.horizon_days}
    if int(card.days) > plan.horizon_days:
        return _("Day %(days)s; %(planned)s were planned.") % told
    return _("Day %(days)s of %(planned)s planned.") % told


def _progress_lines(card: Scorecard, names: Names) -> Iterator[ProgressLine]:
    for comparison in card.comparisons:
        seen = comparison.sequential
        if comparison.role is not MetricRole.DECISION or seen is None:
            continue
        fraction = seen.information_fraction if seen.information_fraction is not None else seen.spent_fraction
        if fraction is None:
            continue
        yield ProgressLine(
            metric=names.metric(comparison.metric),
            variant=names.variant(comparison.variant),
            share=figures.share(fraction),
            width=f"{min(1.0, max(0.0, fraction)) * 100.0:.1f}",
            boundary=_BOUNDARIES[seen.crossed],
        )


def _look_line(look: Look, zone: str, names: Names) -> LookLine:
    words = verdict_words(look.state, names.variant(look.winner) if look.winner else None)
    return LookLine(
        number=look.number,
        time=moment(look.window_end, zone),
        label=words.label,
        tone=words.tone,
        glyph=words.glyph,
    )


def _import_facts(counts: Mapping[str, object], prefix: str = "") -> Iterator[Fact]:
    """Yield the row counts of an import; counts by reason are one level deeper."""
    for name, value in counts.items():
        label = f"{prefix}{name}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _import_facts(value, f"{label}: ")
        elif isinstance(value, int):
            yield Fact(label, figures.count(value))

"""The list of experiments as its template sees it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from experiments.analysis.scorecard import Comparison, IntervalStatus
from experiments.queries.readout_lists import ExperimentLine, ExperimentPage
from experiments.reports import figures
from experiments.reports.forest import Axis, Bar, axis_for, bar_of, reach_of
from experiments.reports.signals import interval_of
from experiments.reports.times import age, moment
from experiments.reports.wording import NO_DATA, STATUSES, Text, Tone, verdict_words
from experiments.vocabulary import Source, Status

ReadoutUrl = Callable[[str, str | None], str]


@dataclass(frozen=True, slots=True)
class ListRow:
    """One experiment: what it is, what its latest look allows, and the primary effect behind that."""

    number: int
    name: str
    key: str
    url: str
    project: str
    status: Text
    verdict: Text
    tone: Tone
    glyph: str
    metric: str
    effect: str
    interval: str
    bar: Bar | None
    picture: str
    units: str
    data: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One status to filter by."""

    value: str
    label: Text
    chosen: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list with its filters and its neighbours."""

    rows: tuple[ListRow, ...]
    total: str
    search: str
    statuses: tuple[Choice, ...]
    filtered: bool
    page: int
    pages: int
    earlier_url: str
    later_url: str


def listing_of(found: ExperimentPage, *, search: str, status: str, url: ReadoutUrl, now: datetime) -> Listing:
    """Return the list; all bars share one axis of lifts."""
    shown = (interval_of(line.primary, relative=True) for line in found.lines if line.primary)
    axis = axis_for(reach_of(interval) for interval in shown)
    return Listing(
        rows=tuple(_row(line, number, axis, url, now) for number, line in enumerate(found.lines, 1)),
        total=figures.count(found.total),
        search=search,
        statuses=tuple(Choice(code.value, label, code.value == status) for code, label in STATUSES.items()),
        filtered=bool(search or status),
        page=found.page,
        pages=found.pages,
        earlier_url=_page_url(search, status, found.page - 1) if found.page > 1 else "",
        later_url=_page_url(search, status, found.page + 1) if found.page < found.pages else "",
    )


def _row(line: ExperimentLine, number: int, axis: Axis, url: ReadoutUrl, now: datetime) -> ListRow:
    words = NO_DATA
    if line.verdict is not None:
        winner = line.verdict.winner
        words = verdict_words(line.verdict.state, line.variant_names.get(winner, winner) if winner else None)
    metric = f"{line.metric_name} · {line.variant_name}" if line.primary else ""
    effect, interval, bar = _primary(line.primary, axis)
    return ListRow(
        number=number,
        name=line.name,
        key=line.key,
        url=url(line.key, None if line.key_is_unique else line.project.key),
        project=line.project.name,
        status=STATUSES[line.status],
        verdict=words.label,
        tone=words.tone,
        glyph=words.glyph,
        metric=metric,
        effect=effect,
        interval=interval,
        bar=bar,
        picture=f"{metric}: {effect}; {interval}",
        units="" if line.units is None else figures.count(line.units),
        data=_data(line, now),
    )


def _primary(comparison: Comparison | None, axis: Axis) -> tuple[str, str, Bar | None]:
    if comparison is None or comparison.lift.value is None:
        return "", "", None
    shown = interval_of(comparison, relative=True)
    if shown.status is not IntervalStatus.BOUNDED or shown.lower is None or shown.upper is None:
        decimals = figures.decimals_for(comparison.lift.value * 100.0)
        return figures.lift(comparison.lift.value, decimals), "", None
    decimals = figures.decimals_for(shown.lower * 100.0, shown.upper * 100.0)
    ends = {"lower": figures.lift(shown.lower, decimals), "upper": figures.lift(shown.upper, decimals)}
    effect = figures.lift(comparison.lift.value, decimals)
    return effect, _("%(lower)s to %(upper)s") % ends, bar_of(axis, shown, comparison.lift.value)


def _data(line: ExperimentLine, now: datetime) -> str:
    if line.window_end is None:
        return ""
    if line.source is Source.OWN and line.status in (Status.RUNNING, Status.PAUSED):
        return age(line.window_end, line.project.clock.at(now))
    return moment(line.window_end, line.project.time_zone)


def _page_url(search: str, status: str, page: int) -> str:
    return "?" + urlencode({"q": search, "status": status, "page": page})

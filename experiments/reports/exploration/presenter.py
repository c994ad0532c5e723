"""From an exploration's record to its page: no database, no request, only words and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experiments.analysis.exploration import Exploration, name_of, working_plan
from experiments.analysis.metrics import MetricSpec, What
from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.scorecard import Comparison
from experiments.queries.explorations import ExplorationLine, StoredExploration
from experiments.queries.readouts import Readout
from experiments.reports import figures
from experiments.reports.exploration.page import AskForm, ExplorationPage, Line
from experiments.reports.figures import shape_of
from experiments.reports.forest import axis_for, reach_of
from experiments.reports.names import Names
from experiments.reports.page import Board, Fact, MetricBlock, RoleGroup, Row
from experiments.reports.rows import Subject
from experiments.reports.scoreboard import Scale, block_of, ticks_of
from experiments.reports.segment_page import Segments
from experiments.reports.segments import groups_of
from experiments.reports.signals import interval_of
from experiments.reports.times import moment
from experiments.reports.wording import Text
from foundation.queries import JobFault


@dataclass(frozen=True, slots=True)
class Places:
    """Where the page's links lead; `numbers` are the addresses of the explorations, as listed."""

    readout: str
    json: str
    scale: Scale
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is not there yet: explorations that are being computed, and what keeps the latest from it."""

    jobs: int
    fault: JobFault | None


def exploration_page(
    readout: Readout,
    stored: StoredExploration | None,
    lines: Sequence[ExplorationLine],
    *,
    waiting: Waiting,
    places: Places,
    form: AskForm | None,
) -> ExplorationPage:
    """Return the page of an exploration, or of what can be asked for before there is one."""
    board, segments = None, None
    if stored is not None and readout.plan is not None:
        found = stored.found
        plan, names = working_plan(readout.plan, found.metrics, found.dimensions), _names(readout, stored)
        board = _board(found, plan, names, readout.project.currency, places.scale)
        segments = _segments(found, plan, _with_versions(names), readout.project.currency)
    return ExplorationPage(
        key=readout.key,
        name=readout.name,
        readout_url=places.readout,
        json_url=places.json if stored else "",
        number=stored.line.number if stored else None,
        facts=_facts(readout, stored) if stored else (),
        waiting=_waiting(waiting.jobs),
        fault=_fault(waiting.fault),
        board=board,
        segments=segments,
        lines=tuple(
            _line(line, url, readout.project.time_zone, current=stored is not None and line == stored.line)
            for line, url in zip(lines, places.numbers, strict=True)
        ),
        form=form,
    )


def _board(found: Exploration, plan: AnalysisPlan, names: Names, currency: str, scale: Scale) -> Board:
    subjects = {
        planned.spec.key: Subject(planned, plan, shape_of(planned.spec), currency, scale.relative)
        for planned in plan.metrics
    }
    reaches = (reach_of(interval_of(entry, relative=True)) for entry in found.comparisons)
    common = axis_for(reaches) if scale.relative else None
    numbers = count(1)
    blocks = []
    for spec, planned in zip(found.metrics, plan.metrics, strict=True):
        compared = [entry for entry in found.comparisons if entry.metric == planned.spec.key]
        block = block_of(planned, compared, subjects[planned.spec.key], names, common, numbers)
        blocks.append(_told(block, spec, compared, len(found.comparisons), currency))
    level = figures.percent(round(1.0 - found.alpha, 4))
    return Board(
        groups=(
            RoleGroup(
                _("For information only"),
                _("Whatever stands out here is a reason for a new experiment, not for a decision."),
                tuple(blocks),
            ),
        ),
        trusted=True,
        relative=scale.relative,
        ticks=ticks_of(common, next(iter(subjects.values()))) if common else (),
        method=_("%(level)s intervals for one look, not corrected for looks or for the number of metrics")
        % {"level": level},
        relative_url=scale.relative_url,
        absolute_url=scale.absolute_url,
        title=_("Exploratory figures"),
    )


def _told(
    block: MetricBlock, spec: MetricSpec, compared: Sequence[Comparison], tests: int, currency: str
) -> MetricBlock:
    """Return the block with how the metric was computed, and p-values as they are corrected here."""
    described = _("; ").join(str(part) for part in (block.description, *_settings(spec, currency)) if part)
    rows = tuple(_corrected(row, entry, tests) for row, entry in zip(block.rows, compared, strict=True))
    return replace(block, key=spec.key, description=described, rows=rows)


def _corrected(row: Row, comparison: Comparison, tests: int) -> Row:
    if comparison.p_adjusted is None:
        return row
    name = ngettext("one comparison", "corrected over %(tests)s comparisons", tests) % {"tests": tests}
    return replace(row, p_value=figures.probability(comparison.p_adjusted), p_name=name)


def _settings(spec: MetricSpec, currency: str) -> tuple[Text, ...]:
    days, waits = spec.window_hours // 24, spec.maturity_hours // 24
    told = [ngettext("window %(days)s day", "window %(days)s days", days) % {"days": days}]
    if waits:
        text = ngettext("%(days)s more day for refunds", "%(days)s more days for refunds", waits)
        told.append(text % {"days": waits})
    if spec.cap_micros is not None:
        cap = f"{spec.cap_micros / 1e6:g}" + (f" {currency}" if spec.numerator.what is What.SUM_VALUE else "")
        told.append(_("cap %(cap)s") % {"cap": cap})
    return tuple(told)


def _segments(found: Exploration, plan: AnalysisPlan, names: Names, currency: str) -> Segments | None:
    if not found.segments:
        return None
    note = _(
        "Nothing is claimed here. p-values of levels are corrected over all levels of all dimensions of a metric "
        "(Benjamini and Hochberg), those of dimensions over dimensions (Holm); neither for how often people looked."
    )
    return Segments(groups=groups_of(found.segments, plan, names=names, currency=currency), note=note, waits="")


def _names(readout: Readout, stored: StoredExploration) -> Names:
    lines = {(line.key, line.version): line for line in stored.metrics}
    return Names(
        metrics={name_of(spec): lines[spec.key, spec.version] for spec in stored.found.metrics},
        variants={variant.key: variant.name for variant in readout.variants},
    )


def _with_versions(names: Names) -> Names:
    """Return the names with their versions, which tell two versions of one metric apart."""
    told = {
        key: replace(line, name=_("%(name)s (version %(version)s)") % {"name": line.name, "version": line.version})
        for key, line in names.metrics.items()
    }
    return Names(metrics=told, variants=names.variants)


def _facts(readout: Readout, stored: StoredExploration) -> tuple[Fact, ...]:
    zone, line = readout.project.time_zone, stored.line
    units = sum(counted.units for counted in stored.found.variants)
    facts = [
        Fact(_("Asked by"), line.requested_by),
        Fact(_("Data up to"), f"{moment(line.window_end, zone)} ({zone})"),
        Fact(_("Units that took part"), figures.count(units)),
    ]
    waiting = stored.found.exclusions.immature
    if waiting:
        facts.append(Fact(_("Units that are not complete yet"), figures.count(waiting)))
    return tuple(facts)


def _waiting(jobs: int) -> Text:
    if not jobs:
        return ""
    text = ngettext(
        "%(jobs)s exploration is being computed. Load this page again in a moment.",
        "%(jobs)s explorations are being computed. Load this page again in a moment.",
        jobs,
    )
    return text % {"jobs": jobs}


def _fault(fault: JobFault | None) -> Text:
    if fault is None:
        return ""
    told = {"error": fault.error[:300], "attempts": fault.attempts}
    if fault.dead:
        return _("The latest exploration failed and is tried no more (%(attempts)s attempts): %(error)s") % told
    return _("The latest exploration failed and will be tried again (attempt %(attempts)s): %(error)s") % told


def _line(line: ExplorationLine, url: str, zone: str, *, current: bool) -> Line:
    told = {"number": line.number, "person": line.requested_by, "end": moment(line.window_end, zone)}
    return Line(line.number, url, current, _("%(number)s: %(person)s, data up to %(end)s") % told)

"""Batches on the page of their decision point, and the page of one batch with its decisions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext as _

from decisions.queries.batch_records import BatchesRecord, BatchRecord
from decisions.queries.batches import BatchFacts, BatchLine, written_value
from decisions.reports.addresses import batch_url, decision_url, point_url
from decisions.reports.batch_steps import batch_strip
from decisions.reports.batch_wording import APPLIED, BATCHES, NO_CHANGE
from decisions.reports.learner_wording import span_words
from decisions.reports.setting_wording import settings_in_words
from decisions.reports.wording import fault_advice, reason_words
from decisions.vocabulary import AppliedState
from experiments.reports import figures
from experiments.reports.page import Fact, Link, Strip
from experiments.reports.times import moment
from experiments.reports.wording import Text, Words
from foundation.queries import ProjectFacts


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch in the list of its point."""

    url: str
    due: str
    state: Words
    decisions: str
    degraded: str
    applied: str
    overridden: str
    failed: str
    pending: str
    fault: str
    csv_url: str
    json_url: str


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """How many decisions of a batch were made for a reason, and what to do where that is a fault."""

    words: Words
    decisions: str
    advice: Text


@dataclass(frozen=True, slots=True)
class BatchesPanel:
    """The batches of a decision point. reasons: why decisions of the newest batch were left to the baseline."""

    facts: tuple[Fact, ...]
    settings: tuple[Fact, ...]
    rows: tuple[BatchRow, ...]
    reasons: tuple[ReasonLine, ...]


@dataclass(frozen=True, slots=True)
class DecidedLine:
    """A decision of a batch."""

    subject: str
    url: str
    before: str
    value: str
    change: str
    reason: Words
    arm: str
    state: Words
    applied: str
    note: str


@dataclass(frozen=True, slots=True)
class BatchPage:
    """The page of a batch."""

    id: int
    due: str
    point: Link
    strip: Strip
    facts: tuple[Fact, ...]
    reasons: tuple[ReasonLine, ...]
    lines: tuple[DecidedLine, ...]
    changed: bool
    first_url: str
    next_url: str
    switch_url: str
    csv_url: str
    json_url: str


def batches_panel(record: BatchesRecord | None, project: ProjectFacts) -> BatchesPanel | None:
    """Return the batches of a decision point, None where it makes none by its nature."""
    if record is None:
        return None
    return BatchesPanel(
        facts=tuple(_cadence(record, project)),
        settings=tuple(Fact(name, value) for name, value in settings_in_words(record.domain, record.settings)),
        rows=tuple(_row(batch, project) for batch in record.newest),
        reasons=_reasons(record.reasons),
    )


def batch_page(record: BatchRecord) -> BatchPage:
    """Return the page of a batch."""
    batch, point, project = record.batch, record.point, record.project

    def address(name: str = "batch", **options: object) -> str:
        return batch_url(batch.id, point.key, project, name=name, **options)

    narrowed = {"only": "changed"} if record.changed else {}
    return BatchPage(
        id=batch.id,
        due=moment(batch.due_at, project.time_zone),
        point=Link(point.name, point_url(point.key, project)),
        strip=batch_strip(batch, record.reasons, record.changes),
        facts=tuple(_facts(record)),
        reasons=_reasons(record.reasons),
        lines=tuple(_line(record, line) for line in record.lines),
        changed=record.changed,
        first_url=address(**narrowed) if record.after else "",
        next_url=address(**narrowed, after=record.lines[-1].subject) if record.more else "",
        switch_url=address() if record.changed else address(only="changed"),
        csv_url=address(name="batch-csv"),
        json_url=address(name="batch-json"),
    )


def _cadence(record: BatchesRecord, project: ProjectFacts) -> Iterator[Fact]:
    if record.every_minutes is None:
        yield Fact(_("Decides"), _("never: no cadence is said"))
    else:
        yield Fact(_("Decides every"), span_words(timedelta(minutes=record.every_minutes)))
    if record.next_due is not None:
        yield Fact(_("Next batch due"), moment(record.next_due, project.time_zone))
    yield Fact(_("Delivered to"), record.webhook or _("whoever fetches it"))


def _row(batch: BatchFacts, project: ProjectFacts) -> BatchRow:
    told = {state: figures.count(batch.applied.get(state, 0)) for state in AppliedState}
    return BatchRow(
        url=batch_url(batch.id, batch.point, project),
        due=moment(batch.due_at, project.time_zone),
        state=BATCHES[batch.state],
        decisions=figures.count(batch.decisions),
        degraded=figures.count(batch.degraded),
        applied=told[AppliedState.APPLIED],
        overridden=told[AppliedState.OVERRIDDEN],
        failed=told[AppliedState.FAILED],
        pending=told[AppliedState.PENDING],
        fault=batch.fault,
        csv_url=batch_url(batch.id, batch.point, project, name="batch-csv"),
        json_url=batch_url(batch.id, batch.point, project, name="batch-json"),
    )


def _reasons(reasons: Mapping[str, int]) -> tuple[ReasonLine, ...]:
    return tuple(
        ReasonLine(reason_words(reason), figures.count(count), fault_advice(reason) or "")
        for reason, count in reasons.items()
    )


def _facts(record: BatchRecord) -> Iterator[Fact]:
    batch, zone = record.batch, record.project.time_zone
    yield Fact(_("Due"), moment(batch.due_at, zone))
    yield Fact(_("Made"), moment(batch.made_at, zone))
    yield Fact(_("Takes effect"), moment(batch.takes_effect_at, zone))
    yield Fact(_("Decisions"), figures.count(batch.decisions))
    yield Fact(_("Change something"), figures.count(record.changes))
    yield Fact(_("Left to the baseline"), figures.count(batch.degraded))
    for state, words in APPLIED.items():
        yield Fact(words.label, figures.count(batch.applied.get(state, 0)))
    yield Fact(_("Attempts to deliver"), figures.count(batch.attempts))
    yield Fact(_("Bundle"), figures.count(batch.bundle_version))
    yield Fact(_("Times in"), zone)


def _line(record: BatchRecord, line: BatchLine) -> DecidedLine:
    places = record.batch.decimals
    is_change = line.value is not None and line.value != line.before
    state = APPLIED[line.state]
    return DecidedLine(
        subject=line.subject,
        url=decision_url(line.decision_id, record.point.key, record.project),
        before=written_value(line.before, places) or "–",
        value=written_value(line.value, places) or "–",
        change=_change(line),
        reason=reason_words(line.reason),
        arm=_("%(experiment)s: %(variant)s") % {"experiment": line.experiment, "variant": line.variant}
        if line.experiment
        else _("outside experiments"),
        state=NO_CHANGE if not is_change and line.state is AppliedState.PENDING else state,
        applied=written_value(line.applied, places) or "",
        note=line.note,
    )


def _change(line: BatchLine) -> str:
    """Return by how much a decision changes what held before, "" where that cannot be said as a share."""
    if line.value is None or not line.before or line.value == line.before:
        return ""
    return figures.lift(line.value / line.before - 1.0, 1)

"""Training runs as people follow them: how far, what came out, what to do next."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from decisions.queries.model_records import ModelRecord
from decisions.reports.addresses import version_url
from decisions.reports.wording import FAILURE_ADVICE, FAILURE_UNKNOWN, RUN_ADVICE, RUNS, STEPS
from experiments.reports import figures
from experiments.reports.page import Link
from experiments.reports.times import moment
from experiments.reports.wording import Text, Words
from models_registry.queries.runs import RunFacts
from models_registry.vocabulary import RunState


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for a run, and when."""

    who: str
    time: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """A training run. `width` is the filled part of a meter of 100, empty where there is nothing to fill."""

    number: int
    recipe: str
    start: str
    end: str
    state: Words
    step: Text
    width: str
    error: str
    advice: Text
    version: Link | None
    asked: Asked
    ended: str


def run_lines(record: ModelRecord) -> tuple[RunLine, ...]:
    """Return a model's training runs, newest first; what an earlier one asks for is moot once a later one succeeded."""
    return tuple(_lines(record))


def advice_for(run: RunFacts) -> Text:
    """Return what to do about a run as it stands."""
    if run.state is RunState.FAILED:
        return FAILURE_ADVICE.get(run.error_code, FAILURE_UNKNOWN)
    return RUN_ADVICE[run.state]


def window_of(run: RunFacts, zone: str) -> str:
    """Return the stretch of time whose data a run learns from."""
    return _("%(start)s to %(end)s") % {"start": moment(run.data_start, zone), "end": moment(run.data_end, zone)}


def _lines(record: ModelRecord) -> Iterator[RunLine]:
    zone = record.project.time_zone
    versions = {version.id: version for version in record.versions}
    used = {holder.version for held in record.aliases.values() for holder in held}
    used |= {fact.version for trial in record.trials for fact in trial.policies.values() if fact.version is not None}
    is_settled = False
    for run in record.runs:
        version = versions.get(run.version_id) if run.version_id is not None else None
        yield RunLine(
            number=run.id,
            recipe=run.recipe,
            start=moment(run.data_start, zone),
            end=moment(run.data_end, zone),
            state=RUNS[run.state],
            step=_step(run),
            width=f"{run.progress * 100.0:.0f}" if run.state is RunState.RUNNING else "",
            error=run.error,
            advice="" if is_settled or run.version_id in used else advice_for(run),
            version=None if version is None else Link(f"v{version.number}", version_url(version, record.project)),
            asked=Asked(run.requested_by, moment(run.requested_at, zone)),
            ended="" if run.finished_at is None else moment(run.finished_at, zone),
        )
        is_settled = is_settled or run.state is RunState.SUCCEEDED


def _step(run: RunFacts) -> Text:
    if run.state is not RunState.RUNNING:
        return ""
    name, _blank, place = run.step.partition(" ")
    step = f"{STEPS.get(name, name)} {place}".strip()
    return _("%(step)s, %(share)s") % {"step": step, "share": figures.percent(round(run.progress, 2))} if step else ""

"""The list of decision points and the page of one, as their templates see them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext as _

from decisions.domain import PolicyKind
from decisions.queries.made import DecisionCount, DecisionFacts
from decisions.queries.point_records import PointLine, PointRecord
from decisions.reports.addresses import admin_url, decision_url, learner_url, model_url, point_url, version_url
from decisions.reports.allocations import TrialBlock, trial_block
from decisions.reports.domains import domain_name
from decisions.reports.holders import HolderLine, holders_in_words, serving_lines, version_label
from decisions.reports.learner_wording import span_words
from decisions.reports.pointsteps import faults_of, strip_of
from decisions.reports.wording import fault_advice, policy_words, reason_words
from experiments.reports import figures
from experiments.reports.page import Fact, Link, Strip
from experiments.reports.times import moment
from experiments.reports.wording import Text, Words
from models_registry.queries.versions import VersionFacts

SHOWN_ITEMS = 3
HASH_SHOWN = 8


@dataclass(frozen=True, slots=True)
class PointRow:
    """A decision point of the list."""

    name: str
    key: str
    url: str
    project: str
    domain: str
    serves: str
    live: str
    decisions: str
    faults: str
    faulty: bool


@dataclass(frozen=True, slots=True)
class CountLine:
    """How many decisions were made in one way, and their share of all; `width` fills a meter of 100."""

    reason: Words
    advice: Text | None
    policy: Text
    version: Text
    version_url: str
    variant: str
    decisions: str
    share: str
    width: str


@dataclass(frozen=True, slots=True)
class MadeLine:
    """A recent decision; `is_instead` tells that the policy decided in place of the version."""

    url: str
    time: str
    unit: str
    variant: str
    policy: Text
    is_instead: bool
    version: Text
    version_url: str
    reason: Words
    items: str
    more: str
    subject: str


@dataclass(frozen=True, slots=True)
class PointPage:
    """A decision point's page."""

    key: str
    name: str
    facts: tuple[Fact, ...]
    model: Link | None
    strip: Strip
    trials: tuple[TrialBlock, ...]
    ended: tuple[Link, ...]
    serving: tuple[HolderLine, ...]
    learners: tuple[Link, ...]
    counts: tuple[CountLine, ...]
    total: str
    recent: tuple[MadeLine, ...]
    narrowed: Text
    all_url: str
    json_url: str
    admin_url: str


def point_rows(lines: Iterable[PointLine]) -> tuple[PointRow, ...]:
    """Return the list of decision points."""
    return tuple(_row(line) for line in lines)


def point_page(record: PointRecord, *, version: int | None = None) -> PointPage:
    """Return the page of a decision point; `version` is the model version whose decisions alone are shown."""
    point, project = record.point, record.project
    total = sum(count.decisions for count in record.counts)
    chosen = record.versions.get(version) if version is not None else None
    return PointPage(
        key=point.key,
        name=point.name,
        facts=(
            Fact(_("Project"), project.name),
            Fact(_("Domain"), domain_name(point.domain)),
            Fact(_("Slate size"), figures.count(point.slate_size)),
            Fact(_("Deadline"), _("%(number)s ms") % {"number": figures.count(point.deadline_ms)}),
            *_age(record),
            Fact(_("Times in"), project.time_zone),
        ),
        model=None if record.model is None else Link(record.model.name, model_url(record.model, project)),
        strip=strip_of(record),
        trials=tuple(trial_block(record, trial) for trial in record.live),
        ended=tuple(_ended(record)),
        serving=_serving(record),
        learners=tuple(
            Link(learner.name, learner_url(point.key, learner.key, project))
            for learner in record.learners
            if learner.id != point.learner_id
        ),
        counts=tuple(_count(record, count, total) for count in record.counts),
        total=figures.count(total),
        recent=tuple(_made(record, made) for made in record.recent),
        narrowed="" if chosen is None else version_label(chosen),
        all_url=point_url(point.key, project),
        json_url=point_url(point.key, project, name="decision-point-json"),
        admin_url=admin_url("decisions_decisionpoint", point.id),
    )


def _row(line: PointLine) -> PointRow:
    numbers = {identity: version.number for identity, version in line.versions.items()}
    total = sum(count.decisions for count in line.counts)
    faults = faults_of(line.counts)
    return PointRow(
        name=line.point.name,
        key=line.point.key,
        url=point_url(line.point.key, line.project),
        project=line.project.name,
        domain=domain_name(line.point.domain),
        serves=_serves(line, numbers),
        live=figures.count(line.live),
        decisions=figures.count(total),
        faults=figures.share(faults / total) if faults else _("none"),
        faulty=faults > 0,
    )


def _serves(line: PointLine, numbers: Mapping[int, int]) -> str:
    if line.learner is not None:
        return _("the learning policy %(name)s") % {"name": line.learner.name}
    return holders_in_words(line.champions, numbers) if line.champions else _("the baseline, for everybody")


def _serving(record: PointRecord) -> tuple[HolderLine, ...]:
    """Return what serves whom outside experiments: a learning policy with its holdback in place of the champion."""
    learner = record.learner
    if learner is None:
        return serving_lines(record.champions, record.versions, record.project)
    held = {"share": figures.percent(learner.holdback)}
    return (
        HolderLine(
            _("Learning policy %(name)s") % {"name": learner.name},
            learner_url(record.point.key, learner.key, record.project),
            _("everybody but the holdback"),
        ),
        HolderLine(_("Baseline"), "", _("the control holdback, %(share)s of the shoppers") % held),
    )


def _age(record: PointRecord) -> Iterator[Fact]:
    minutes = record.point.most_age_minutes
    if minutes is not None:
        yield Fact(_("Data may be so old"), span_words(timedelta(minutes=minutes)))


def _ended(record: PointRecord) -> Iterator[Link]:
    from_live = {trial.standing.id for trial in record.live}
    for trial in record.trials:
        if trial.standing.id not in from_live:
            block = trial_block(record, trial)
            yield Link(_("%(name)s (%(status)s)") % {"name": block.name, "status": block.status}, block.url)


def _count(record: PointRecord, count: DecisionCount, total: int) -> CountLine:
    version = record.versions.get(count.version) if count.version is not None else None
    return CountLine(
        reason=reason_words(count.reason),
        advice=fault_advice(count.reason),
        policy=policy_words(count.policy),
        version=_short(record, version),
        version_url=version_url(version, record.project) if version else "",
        variant=_variant(record, None, count.variant),
        decisions=figures.count(count.decisions),
        share=figures.share(count.decisions / total),
        width=f"{count.decisions / total * 100.0:.2f}",
    )


def _made(record: PointRecord, made: DecisionFacts) -> MadeLine:
    version = record.versions.get(made.version) if made.version is not None else None
    at = made.at or made.received_at
    shown = [
        record.titles[action.item].title or action.item if action.item in record.titles else action.item
        for action in made.actions[:SHOWN_ITEMS]
    ]
    left = len(made.actions) - len(shown)
    return MadeLine(
        url=decision_url(made.id, record.point.key, record.project),
        time=moment(at, record.project.time_zone),
        unit=f"{made.unit[:HASH_SHOWN]}…" if made.unit else "–",
        variant=_variant(record, made.experiment, made.variant),
        policy=policy_words(made.policy),
        is_instead=made.policy not in (PolicyKind.MODEL_RANKED, PolicyKind.RECIPE, PolicyKind.LEARNED),
        version=_short(record, version),
        version_url=version_url(version, record.project) if version else "",
        reason=reason_words(made.reason),
        items=", ".join(shown) or _("nothing"),
        subject=made.met.subject,
        more=_("and %(number)s more") % {"number": figures.count(left)} if left > 0 else "",
    )


def _short(record: PointRecord, version: VersionFacts | None) -> Text:
    """Return a version by its number alone where it is of the decision point's own model."""
    if version is None:
        return "–"
    return f"v{version.number}" if version.model.id == record.point.model_id else version_label(version)


def _variant(record: PointRecord, experiment: str | None, variant: str | None) -> str:
    """Return the name of a variant; that of the newest experiment with such a key where none is named."""
    if variant is None:
        return _("outside experiments")
    named = (trial for trial in record.trials if experiment is None or trial.standing.key == experiment)
    return next((trial.names[variant] for trial in named if variant in trial.names), variant)

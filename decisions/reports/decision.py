"""The page of one logged decision: everything that was logged, and the way back to what made it."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from decisions.domain import PolicyKind
from decisions.queries.made import ChosenAction, DecisionFacts
from decisions.queries.point_records import DecisionRecord
from decisions.reports.addresses import batch_url, decision_url, learner_url, point_url, readout_url, version_url
from decisions.reports.audiences import unit_words
from decisions.reports.batch_wording import APPLIED
from decisions.reports.explain import Why, WhyLine, why_of
from decisions.reports.holders import version_label
from decisions.reports.menus import MenuCard, menu_card
from decisions.reports.numbers import milliseconds, propensity, score
from decisions.reports.runs import window_of
from decisions.reports.wording import ASSIGNMENTS, fault_advice, policy_words, reason_words
from experiments.reports import figures
from experiments.reports.page import Fact, Link, Strip
from experiments.reports.times import moment
from experiments.reports.wording import Text


@dataclass(frozen=True, slots=True)
class ActionLine:
    """One action of the slate; places count from 1."""

    place: str
    title: str
    item: str
    propensity: str
    score: str
    why: tuple[WhyLine, ...]


@dataclass(frozen=True, slots=True)
class OriginLine:
    """One station on the way back from the decision to the data."""

    label: Text
    text: Text
    url: str


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """A decision's page."""

    id: str
    point: Link
    strip: Strip
    facts: tuple[Fact, ...]
    actions: tuple[ActionLine, ...]
    origins: tuple[OriginLine, ...]
    why: Why
    menu: MenuCard | None
    project: str
    json_url: str


def decision_page(record: DecisionRecord) -> DecisionPage:
    """Return the page of a decision."""
    made, project = record.decision, record.project
    why = why_of(record)
    return DecisionPage(
        id=made.id,
        point=Link(record.point.name, point_url(record.point.key, project)),
        strip=_strip(record),
        facts=tuple(_facts(record)),
        actions=tuple(
            _action(record, place, action, lines)
            for place, (action, lines) in enumerate(zip(made.actions, why.lines, strict=True), 1)
        ),
        origins=tuple(_origins(record)),
        why=why,
        menu=menu_card(record),
        project=project.key,
        json_url=decision_url(made.id, record.point.key, project, name="decision-json"),
    )


def _strip(record: DecisionRecord) -> Strip:
    made = record.decision
    words = reason_words(made.reason)
    version = record.version.version if record.version else None
    told = {
        "version": version_label(version),
        "variant": _variant_name(record),
        "experiment": _experiment_name(record),
        "learner": record.learner.name if record.learner else "",
    }
    if made.variant is not None and record.learner is not None:
        sentence = _("For variant “%(variant)s” of %(experiment)s, which has the learning policy %(learner)s.") % told
    elif record.learner is not None:
        sentence = _("Outside experiments, where the learning policy %(learner)s serves.") % told
    elif made.variant is not None and version is not None and made.policy == PolicyKind.RECIPE:
        sentence = _("For variant “%(variant)s” of %(experiment)s, whose schedule had made %(version)s.") % told
    elif made.variant is not None and version is not None:
        sentence = _("For variant “%(variant)s” of %(experiment)s, which pins %(version)s.") % told
    elif made.variant is not None:
        sentence = _("For variant “%(variant)s” of %(experiment)s.") % told
    elif version is not None:
        sentence = _("Outside experiments, where %(version)s is champion.") % told
    else:
        sentence = _("Outside experiments, where the baseline serves.")
    advice = fault_advice(made.reason)
    return Strip(
        label=words.label,
        tone=words.tone,
        glyph=words.glyph,
        sentence=sentence,
        more=(),
        next_step=advice or _("Nothing: it was made as configured."),
        next_link=None,
        facts=(),
        fault=_("Degraded: %(what)s") % {"what": made.degraded} if made.degraded else "",
    )


def _facts(record: DecisionRecord) -> Iterator[Fact]:
    made, zone = record.decision, record.project.time_zone
    if made.at is not None:
        yield Fact(_("Time"), f"{moment(made.at, zone)} ({zone})")
    yield Fact(_("Received"), moment(made.received_at, zone))
    if made.met.subject:
        yield Fact(_("Decided for"), made.met.subject)
    if made.unit_kind is not None:
        yield Fact(unit_words(made.unit_kind), made.unit or "–")
    yield Fact(_("Policy"), policy_words(made.policy))
    yield Fact(_("Reason"), made.reason)
    yield from _assignment(record)
    yield Fact(_("Candidates"), figures.count(made.candidates))
    if not made.met.subject:
        yield Fact(_("Items in the history"), figures.count(made.history))
    if made.met.state is not None:
        yield Fact(_("State of the learning policy"), figures.count(made.met.state))
    if not made.met.subject:
        yield Fact(_("Personalised"), _("yes") if made.personalised else _("no"))
        yield Fact(_("Shown at once"), _("yes") if made.displayed else _("no"))
    yield Fact(_("Exposed at once"), _("yes") if made.exposed else _("no"))
    if made.bundle_version is not None:
        yield Fact(_("Bundle"), figures.count(made.bundle_version))
    if made.microseconds is not None:
        yield Fact(_("Took"), milliseconds(made.microseconds))


def _assignment(record: DecisionRecord) -> Iterator[Fact]:
    made = record.decision
    if made.experiment is None:
        return
    yield Fact(_("Experiment"), _experiment_name(record))
    yield Fact(_("Variant"), _variant_name(record))
    if made.epoch is not None:
        yield Fact(_("Epoch"), figures.count(made.epoch))
    yield Fact(_("Enrolled"), _("yes") if made.enrolled else _("no"))
    if made.assignment_reason is not None:
        yield Fact(_("Assignment"), ASSIGNMENTS.get(made.assignment_reason, made.assignment_reason))


def _action(record: DecisionRecord, place: int, action: ChosenAction, why: tuple[WhyLine, ...]) -> ActionLine:
    item = record.items.get(action.item)
    return ActionLine(
        place=figures.count(place),
        title=(item.title if item else "") or action.item,
        item=action.item,
        propensity=propensity(action.propensity),
        score=score(action.score),
        why=why,
    )


def _origins(record: DecisionRecord) -> Iterator[OriginLine]:
    made, project = record.decision, record.project
    yield OriginLine(_("Decision point"), record.point.name, point_url(record.point.key, project))
    if record.batch is not None:
        number, line = record.batch
        yield OriginLine(_("Batch"), f"#{number}", batch_url(number, record.point.key, project))
        yield OriginLine(_("What became of it"), APPLIED[line.state].label, "")
    if made.experiment is not None:
        url = readout_url(made.experiment, project) if record.trial is not None else ""
        yield OriginLine(_("Experiment"), _experiment_name(record), url)
    if record.learner is not None:
        url = learner_url(record.learner.point_key, record.learner.key, project)
        yield OriginLine(_("Learning policy"), record.learner.name, url)
    if record.version is None:
        yield OriginLine(_("Model version"), _unversioned(made), "")
        return
    version, run = record.version.version, record.version.run
    zone = project.time_zone
    yield OriginLine(_("Model version"), version_label(version), version_url(version, project))
    yield OriginLine(_("Training run"), f"#{run.id}, {run.recipe}", version_url(version, project, anchor="training"))
    yield OriginLine(_("Data window"), window_of(run, zone), version_url(version, project, anchor="data"))
    revision = version.code_revision or _("unknown")
    yield OriginLine(_("Code revision"), revision, version_url(version, project, anchor="code"))


def _unversioned(made: DecisionFacts) -> Text:
    if made.version is None:
        return _("None: no model took part")
    return _("Version with the id %(id)s, which is no longer there") % {"id": made.version}


def _experiment_name(record: DecisionRecord) -> str:
    return record.trial.standing.name if record.trial else record.decision.experiment or ""


def _variant_name(record: DecisionRecord) -> str:
    variant = record.decision.variant
    if variant is None:
        return _("none")
    return record.trial.names.get(variant, variant) if record.trial else variant

"""The page of a model version: its card, and its lineage back to the data and forward to decisions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from decisions.promotion import ProposalState
from decisions.queries.model_records import VersionRecord
from decisions.queries.trials import Trial
from decisions.reports.addresses import inbox_url, model_url, point_url, readout_url, version_url
from decisions.reports.audiences import scope_words
from decisions.reports.cards import limits_of, personal_notes
from decisions.reports.domains import domain_name, domain_summary, recipe_words
from decisions.reports.gates import Gate, MetricLine, gate_of, metric_lines, reference_label, reference_names
from decisions.reports.numbers import offline, size
from decisions.reports.runs import window_of
from decisions.reports.wording import ALIASES, PREDICTOR_MEANINGS, PREDICTORS, PROPOSALS
from experiments.lifecycle import EDITABLE, SERVING
from experiments.reports import figures
from experiments.reports.page import Fact, Link, Strip
from experiments.reports.times import moment
from experiments.reports.wording import NO_DATA, STATUSES, Text, Tone, Words, verdict_words
from models_registry.vocabulary import AliasName


@dataclass(frozen=True, slots=True)
class ArrayLine:
    """One array of the artifact."""

    name: str
    shape: str
    dtype: str


@dataclass(frozen=True, slots=True)
class OriginFact:
    """A fact of the training that other pages point at by its anchor."""

    label: Text
    value: Text
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class TrialLine:
    """An experiment that pins the version: what it does there, what was found, and what was proposed."""

    name: str
    url: str
    variants: str
    status: Text
    verdict: Words
    proposal: Words | None
    proposal_url: str


@dataclass(frozen=True, slots=True)
class VersionPage:
    """A model version's page."""

    model: Link
    name: str
    number: int
    facts: tuple[Fact, ...]
    strip: Strip
    card: tuple[Fact, ...]
    about: Text
    intended: str
    inputs: str
    arrays: tuple[ArrayLine, ...]
    gate: Gate
    metrics: tuple[MetricLine, ...]
    references: tuple[Text, ...]
    training: tuple[OriginFact, ...]
    parameters: tuple[Fact, ...]
    dataset: tuple[Fact, ...]
    trials: tuple[TrialLine, ...]
    decisions: tuple[Link, ...]
    limits: tuple[str, ...]
    personal: tuple[str, ...]
    roles: tuple[Link, ...]
    role_url: str
    links: tuple[Link, ...]
    dropped: str
    json_url: str


def version_page(record: VersionRecord) -> VersionPage:
    """Return the page of a model version."""
    version, project = record.version, record.project
    return VersionPage(
        model=Link(version.model.name, model_url(version.model, project)),
        name=f"{version.model.name} v{version.number}",
        number=version.number,
        facts=(
            Fact(_("Project"), project.name),
            Fact(_("Registered"), moment(version.created_at, project.time_zone)),
            Fact(_("Times in"), project.time_zone),
        ),
        strip=_strip(record),
        card=(
            Fact(_("Domain"), domain_name(version.model.domain)),
            Fact(_("Predictor"), PREDICTORS[version.kind]),
            Fact(_("Size"), size(version.size)),
            Fact("SHA-256", version.sha256),
        ),
        about=PREDICTOR_MEANINGS[version.kind],
        intended=domain_summary(version.model.domain),
        inputs=", ".join(map(str, version.signature.get("inputs") or ())) or _("nothing about the shopper"),
        arrays=tuple(_arrays(version.signature.get("tensors") or {})),
        gate=gate_of(version.gate),
        metrics=metric_lines(version.metrics),
        references=tuple(reference_label(name) for name in reference_names(version.metrics)),
        training=tuple(_training(record)),
        parameters=tuple(Fact(name, _value(value)) for name, value in sorted(record.run.parameters.items())),
        dataset=tuple(_dataset(record.run.dataset)),
        trials=tuple(_trial(record, trial) for trial in record.trials),
        decisions=tuple(
            Link(point.name, point_url(point.key, project, version=version.number)) for point in record.points
        ),
        limits=limits_of(record),
        personal=personal_notes(version.model.domain),
        roles=tuple(_roles(record)),
        role_url=version_url(version, project, name="model-version-role"),
        links=(
            Link(_("Lineage both ways"), version_url(version, project, name="model-version-lineage")),
            Link(_("Model card (Markdown)"), version_url(version, project, name="model-version-card")),
        ),
        dropped=_dropped(record),
        json_url=version_url(version, project, name="model-version-json"),
    )


def _dropped(record: VersionRecord) -> str:
    if record.dropped_at is None:
        return ""
    at = moment(record.dropped_at, record.project.time_zone)
    return _("Its artifact was dropped on %(time)s; it cannot serve any more.") % {"time": at}


def _roles(record: VersionRecord) -> Iterator[Link]:
    """Return the aliases that the version may be given by hand; `url` is the alias."""
    if record.dropped_at is not None or any(True for _scope in _held(record)):
        return
    for name in (AliasName.CHALLENGER, AliasName.SHADOW):
        holds = any(holder.version == record.version.id for holder in record.aliases.get(name, ()))
        if not holds and (record.version.gate_passed or name is AliasName.SHADOW):
            yield Link(ALIASES[name], name.value)


def _strip(record: VersionRecord) -> Strip:
    held = tuple(_held(record))
    live = next((trial for trial in record.trials if trial.standing.status in SERVING), None)
    step: Text = _("Train it again with the same recipe, window and seed, or choose another version.")
    link = None
    if record.dropped_at is None:
        step, link = _next_step(record, live)
    passed = record.version.gate_passed
    if record.dropped_at is not None:
        label, tone, glyph = _("Cannot serve any more"), Tone.MUTED, "■"
        sentence = _dropped(record)
    elif held:
        label, tone, glyph, sentence = _("Serves as champion"), Tone.GOOD, "✔", _("For %(scope)s.") % {"scope": held[0]}
    elif live is not None:
        label, tone, glyph = _("Is being tried"), Tone.OPEN, "▶"
        sentence = _("In the experiment %(name)s.") % {"name": live.standing.name}
    elif passed:
        label, tone, glyph, sentence = (
            _("Ready to be tried"),
            Tone.MUTED,
            "○",
            _("It passed its gate and serves nobody."),
        )
    else:
        label, tone, glyph = _("Not to be served"), Tone.WARN, "✖"
        sentence = _("It has not passed its offline gate; no experiment with it can be launched.")
    return Strip(label, tone, glyph, sentence, (), step, link, (), "")


def _held(record: VersionRecord) -> Iterator[Text]:
    for holder in record.aliases.get(AliasName.CHAMPION, ()):
        if holder.version == record.version.id:
            yield scope_words(holder.audience, holder.unit_kind)


def _next_step(record: VersionRecord, live: Trial | None) -> tuple[Text, Link | None]:
    for trial in record.trials:
        if trial.proposal is not None and trial.proposal.state is ProposalState.OPEN:
            return _("A promotion waits for somebody to approve or reject it."), Link(
                _("Open the proposal"), inbox_url(trial.proposal.id)
            )
    if live is not None:
        readout = Link(live.standing.name, readout_url(live.standing.key, record.project))
        return _("The readout says what the figures allow."), readout
    if any(True for _scope in _held(record)):
        return _("Nothing. If it does harm, roll its promotion back."), Link(_("Promotions"), inbox_url())
    if not record.version.gate_passed:
        return _("Train another version, on a longer window or with another recipe."), None
    if any(trial.standing.status in EDITABLE for trial in record.trials):
        return _("An experiment with it is being prepared. Launch it when its checklist is empty."), None
    bind = Link(_("Bind an experiment"), reverse("admin:decisions_pointexperiment_add"))
    return _("Try it against what serves."), bind


def _arrays(tensors: Mapping[str, Any]) -> Iterator[ArrayLine]:
    for name, spec in sorted(tensors.items()):
        shape = " × ".join(figures.count(int(length)) for length in spec.get("shape", ()))
        yield ArrayLine(name, shape or "1", str(spec.get("dtype", "")))


def _training(record: VersionRecord) -> Iterator[OriginFact]:
    run, zone = record.run, record.project.time_zone
    yield OriginFact(_("Training run"), f"#{run.id}")
    yield OriginFact(_("Recipe"), run.recipe)
    yield OriginFact(_("What it trains"), recipe_words(record.version.model.domain, run.recipe))
    yield OriginFact(_("Data window"), window_of(run, zone), "data")
    yield OriginFact(_("Seed"), figures.count(run.seed))
    yield OriginFact(_("Gate margin"), offline(run.margin))
    yield OriginFact(_("Code revision"), record.version.code_revision or _("unknown"), "code")
    yield OriginFact(_("Requested by"), f"{run.requested_by}, {moment(run.requested_at, zone)}")
    if run.finished_at is not None:
        yield OriginFact(_("Finished"), moment(run.finished_at, zone))
    yield OriginFact(_("Attempts"), figures.count(run.attempts))


def _dataset(facts: Mapping[str, Any]) -> Iterator[Fact]:
    labels = {
        "rows": _("Interactions"),
        "train_rows": _("Learnt from"),
        "units": _("People"),
        "items": _("Items"),
        "test_users": _("Judged by, people"),
    }
    for name, label in labels.items():
        if isinstance(facts.get(name), int):
            yield Fact(label, figures.count(facts[name]))
    if facts.get("sha256"):
        yield Fact(_("Digest of the data"), str(facts["sha256"]))


def _trial(record: VersionRecord, trial: Trial) -> TrialLine:
    verdict = NO_DATA
    if trial.verdict is not None:
        winner = trial.verdict.winner
        verdict = verdict_words(trial.verdict.state, trial.names.get(winner, winner) if winner else None)
    return TrialLine(
        name=trial.standing.name,
        url=readout_url(trial.standing.key, record.project),
        variants=", ".join(trial.pinning(record.version.id)),
        status=STATUSES[trial.standing.status],
        verdict=verdict,
        proposal=PROPOSALS[trial.proposal.state] if trial.proposal else None,
        proposal_url=inbox_url(trial.proposal.id) if trial.proposal else "",
    )


def _value(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:g}"

"""The list of models and the page of one, as their templates see them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from decisions.queries.model_records import ModelLine, ModelRecord
from decisions.queries.trials import Trial
from decisions.reports.addresses import admin_url, diff_url, model_url, point_url, readout_url, version_url
from decisions.reports.domains import domain_name
from decisions.reports.gates import reference_label, short_metric
from decisions.reports.holders import HolderLine, holders_in_words, serving_lines
from decisions.reports.modelsteps import strip_of
from decisions.reports.numbers import offline
from decisions.reports.runs import RunLine, run_lines
from decisions.reports.shadows import ShadowBlock, shadow_block
from decisions.reports.wording import ALIAS_MEANINGS, ALIASES, GATE_PASSED, GATE_REFUSED, PREDICTORS, RUNS
from experiments.reports import figures
from experiments.reports.page import Event, Fact, Link, Strip
from experiments.reports.times import moment
from experiments.reports.wording import STATUSES, Text, Words
from models_registry.queries.versions import VersionFacts
from models_registry.vocabulary import AliasName

MAIN_METRIC = "ndcg_at_10"
"""What versions are compared by where no gate says it."""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model of the list."""

    name: str
    key: str
    url: str
    project: str
    domain: Text
    champion: str
    versions: str
    run: Words | None
    run_time: str
    points: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class AliasBlock:
    """An alias, what it means, and who holds it for whom; nobody where there are no lines."""

    label: Text
    meaning: Text
    lines: tuple[HolderLine, ...]


@dataclass(frozen=True, slots=True)
class RoleForm:
    """An alias that somebody holds and that may be taken away by hand."""

    alias: str
    label: Text
    holder: str
    url: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of the model: its figure beside the reference's, its gate, and where it is used."""

    label: str
    url: str
    kind: Text
    figure: str
    reference: Text
    gate: Words
    registered: str
    dropped: str
    uses: tuple[Link, ...]
    compare: Link | None


@dataclass(frozen=True, slots=True)
class ModelPage:
    """A model's page."""

    key: str
    name: str
    description: str
    facts: tuple[Fact, ...]
    points: tuple[Link, ...]
    strip: Strip
    aliases: tuple[AliasBlock, ...]
    metric: str
    versions: tuple[VersionRow, ...]
    runs: tuple[RunLine, ...]
    moves: tuple[Event, ...]
    shadow: ShadowBlock | None
    roles: tuple[RoleForm, ...]
    json_url: str
    admin_url: str


def model_rows(lines: Iterable[ModelLine]) -> tuple[ModelRow, ...]:
    """Return the list of models."""
    return tuple(_row(line) for line in lines)


def model_page(record: ModelRecord) -> ModelPage:
    """Return the page of a model."""
    model, project = record.model, record.project
    return ModelPage(
        key=model.key,
        name=model.name,
        description=model.description,
        facts=(
            Fact(_("Project"), project.name),
            Fact(_("Domain"), domain_name(model.domain)),
            Fact(_("Versions"), figures.count(len(record.versions))),
            Fact(_("Times in"), project.time_zone),
        ),
        points=tuple(Link(point.name, point_url(point.key, project)) for point in record.points),
        strip=strip_of(record),
        aliases=tuple(
            _alias(record, name) for name in AliasName if name is AliasName.CHAMPION or name in record.aliases
        ),
        metric=short_metric(_metric(record.versions[0]) if record.versions else MAIN_METRIC),
        versions=tuple(_version(record, version) for version in record.versions),
        runs=run_lines(record),
        moves=tuple(_moves(record)),
        shadow=_shadow(record),
        roles=tuple(_roles(record)),
        json_url=model_url(model, project, name="model-json"),
        admin_url=admin_url("models_registry_registeredmodel", model.id),
    )


def use_of(trial: Trial, variant: str, url: str) -> Link:
    """Return where an experiment uses a version."""
    told = {"variant": variant, "experiment": trial.standing.name, "status": STATUSES[trial.standing.status]}
    return Link(_("“%(variant)s” of %(experiment)s (%(status)s)") % told, url)


def _row(line: ModelLine) -> ModelRow:
    model, project, run = line.model, line.project, line.newest_run
    numbers = {version.id: version.number for version in line.versions}
    return ModelRow(
        name=model.name,
        key=model.key,
        url=model_url(model, project),
        project=project.name,
        domain=domain_name(model.domain),
        champion=holders_in_words(line.champions, numbers) if line.champions else _("nobody: the baseline serves"),
        versions=figures.count(len(line.versions)),
        run=None if run is None else RUNS[run.state],
        run_time="" if run is None else moment(run.finished_at or run.requested_at, project.time_zone),
        points=tuple(Link(point.name, point_url(point.key, project)) for point in line.points),
    )


def _alias(record: ModelRecord, name: AliasName) -> AliasBlock:
    versions = {version.id: version for version in record.versions}
    holders = record.aliases.get(name, ())
    lines = serving_lines(holders, versions, record.project)
    if name is not AliasName.CHAMPION:
        lines = tuple(line for line in lines if line.url)
    return AliasBlock(ALIASES[name], ALIAS_MEANINGS[name], lines)


def _version(record: ModelRecord, version: VersionFacts) -> VersionRow:
    return VersionRow(
        label=f"v{version.number}",
        url=version_url(version, record.project),
        kind=PREDICTORS[version.kind],
        figure=offline(version.metrics[metric]) if (metric := _metric(version)) in version.metrics else "–",
        reference=_reference(version),
        gate=GATE_PASSED if version.gate_passed else GATE_REFUSED,
        registered=moment(version.created_at, record.project.time_zone),
        dropped=_dropped(record, version),
        uses=tuple(_uses(record, version)),
        compare=_compare(record, version),
    )


def _dropped(record: ModelRecord, version: VersionFacts) -> str:
    at = record.dropped.get(version.sha256)
    return "" if at is None else _("artifact dropped %(time)s") % {"time": moment(at, record.project.time_zone)}


def _compare(record: ModelRecord, version: VersionFacts) -> Link | None:
    """Return where the version stands beside the champion, or beside the one before it where there is none."""
    held = record.champions[0].version if record.champions else None
    champion = next((one for one in record.versions if one.id == held), None)
    other = champion or next((one for one in record.versions if one.number < version.number), None)
    if other is None or other.id == version.id:
        return None
    return Link(_("beside v%(number)s") % {"number": other.number}, diff_url(other, version, record.project))


def _shadow(record: ModelRecord) -> ShadowBlock | None:
    versions = {version.id: version for version in record.versions}
    shadow = versions.get(record.shadow.version) if record.shadow is not None else None
    if record.shadow is None or shadow is None:
        return None
    champion = versions.get(record.champions[0].version) if record.champions else None
    return shadow_block(record.shadow, shadow, champion, record.project.time_zone)


def _roles(record: ModelRecord) -> Iterator[RoleForm]:
    numbers = {version.id: version.number for version in record.versions}
    for name in (AliasName.CHALLENGER, AliasName.SHADOW):
        holders = record.aliases.get(name, ())
        if holders:
            url = model_url(record.model, record.project, name="model-role-clear")
            yield RoleForm(name.value, ALIASES[name], holders_in_words(holders, numbers), url)


def _metric(version: VersionFacts) -> str:
    """Return the metric that the version's gate compared."""
    return str((version.gate.get("rule") or {}).get("metric") or MAIN_METRIC)


def _reference(version: VersionFacts) -> Text:
    beside = version.metrics.get(f"popularity_{_metric(version)}")
    if beside is None:
        return ""
    return _("%(reference)s: %(figure)s") % {"reference": reference_label("popularity"), "figure": offline(beside)}


def _uses(record: ModelRecord, version: VersionFacts) -> Iterator[Link]:
    for name, holders in record.aliases.items():
        if any(holder.version == version.id for holder in holders):
            yield Link(ALIASES[name], "")
    for trial in record.trials:
        for variant in trial.pinning(version.id):
            yield use_of(trial, variant, readout_url(trial.standing.key, record.project))


def _moves(record: ModelRecord) -> Iterator[Event]:
    numbers = {version.id: version.number for version in record.versions}
    for move in record.moves:
        told = {
            "alias": ALIASES[move.name],
            "before": holders_in_words(move.before, numbers),
            "after": holders_in_words(move.after, numbers),
        }
        pattern = _("%(alias)s: %(after)s; before: %(before)s")
        if move.undoes is not None:
            pattern = _("%(alias)s taken back: %(after)s; before: %(before)s")
        yield Event(
            time=moment(move.at, record.project.time_zone), title=pattern % told, actor=move.actor, note=move.reason
        )

"""Where a version comes from and what came of it, as one chain that can be followed both ways."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _

from decisions.queries.descent import Descent
from decisions.queries.lineage import lineage_of
from decisions.queries.trials import Trial
from decisions.reports.addresses import inbox_url, model_url, point_url, readout_url, version_url
from decisions.reports.runs import window_of
from decisions.reports.wording import ALIASES, PROPOSALS, RUNS, reason_words
from experiments.reports import figures
from experiments.reports.page import Event, Link
from experiments.reports.times import moment
from experiments.reports.wording import STATUSES, Text

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the chain: what it is, what it says, and where it leads."""

    label: Text
    text: str
    notes: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class LineagePage:
    """A version's lineage: the steps that lead to it, itself, and those that follow from it."""

    model: Link
    version: Link
    name: str
    steps: tuple[Step, ...]
    moves: tuple[Event, ...]
    json_url: str


def lineage_page(descent: Descent) -> LineagePage:
    """Return a version's lineage both ways."""
    version, project = descent.version, descent.record.project
    return LineagePage(
        model=Link(version.model.name, model_url(version.model, project)),
        version=Link(f"v{version.number}", version_url(version, project)),
        name=f"{version.model.name} v{version.number}",
        steps=(_data(descent), _run(descent), _artifact(descent), *_trials(descent), _decisions(descent)),
        moves=tuple(_moves(descent)),
        json_url=version_url(version, project, name="model-version-lineage-json"),
    )


def lineage_document(descent: Descent) -> dict[str, Any]:
    """Return a version's lineage both ways, for programs."""
    version, project = descent.version, descent.record.project
    return {
        "schema": SCHEMA,
        "project": project.key,
        "model_version": lineage_of(version.id),
        "artifact_dropped_at": descent.dropped_at,
        "same_data": [{"run": run.id, "model": run.model.key, "state": run.state} for run in descent.same_data],
        "same_artifact": [{"model": kin.model.key, "number": kin.number} for kin in descent.same_bytes],
        "experiments": [_trial_facts(trial, version.id) for trial in descent.record.trials],
        "alias_moves": [asdict(move) for move in descent.moves],
        "decisions": [asdict(made) for made in descent.made],
        "url": version_url(version, project, name="model-version-lineage"),
    }


def _trial_facts(trial: Trial, version_id: int) -> dict[str, Any]:
    proposal = trial.proposal
    return {
        "key": trial.standing.key,
        "status": trial.standing.status,
        "variants": list(trial.pinning(version_id)),
        "verdict": None if trial.verdict is None else trial.verdict.state,
        "promotion": None if proposal is None else {"id": proposal.id, "state": proposal.state},
    }


def _data(descent: Descent) -> Step:
    record, facts = descent.record, descent.record.run.dataset
    digest = str(facts.get("sha256") or "")
    notes = [_("Digest: %(sha)s") % {"sha": digest[:16]}] if digest else []
    if isinstance(facts.get("rows"), int):
        notes.append(_("%(rows)s rows") % {"rows": figures.count(facts["rows"])})
    links = tuple(
        Link(_("Run #%(run)s on the same data") % {"run": run.id}, model_url(run.model, record.project))
        for run in descent.same_data
    )
    return Step(_("Data"), window_of(record.run, record.project.time_zone), tuple(notes), links)


def _run(descent: Descent) -> Step:
    run, project = descent.record.run, descent.record.project
    told = {"recipe": run.recipe, "seed": run.seed}
    notes = (
        _("Requested by %(who)s, %(time)s")
        % {"who": run.requested_by, "time": moment(run.requested_at, project.time_zone)},
        _("Code revision: %(code)s") % {"code": run.code_revision[:16] or _("unknown")},
        str(RUNS[run.state].label),
    )
    return Step(_("Training run #%(run)s") % {"run": run.id}, _("Recipe %(recipe)s, seed %(seed)s") % told, notes)


def _artifact(descent: Descent) -> Step:
    version, project = descent.version, descent.record.project
    notes = [_("SHA-256: %(sha)s") % {"sha": version.sha256[:16]}]
    if descent.dropped_at is not None:
        at = moment(descent.dropped_at, project.time_zone)
        notes.append(_("Its artifact was dropped on %(time)s; it cannot serve any more.") % {"time": at})
    links = tuple(
        Link(
            _("%(model)s v%(number)s has the same bytes") % {"model": kin.model.name, "number": kin.number},
            version_url(kin, project),
        )
        for kin in descent.same_bytes
    )
    registered = _("Registered %(time)s") % {"time": moment(version.created_at, project.time_zone)}
    return Step(_("Version %(number)s") % {"number": version.number}, registered, tuple(notes), links)


def _trials(descent: Descent) -> Iterator[Step]:
    project = descent.record.project
    for trial in descent.record.trials:
        notes = [_("Variants: %(names)s") % {"names": ", ".join(trial.pinning(descent.version.id))}]
        links = [Link(_("Readout"), readout_url(trial.standing.key, project))]
        if trial.proposal is not None:
            notes.append(str(PROPOSALS[trial.proposal.state].label))
            links.append(Link(_("Promotion"), inbox_url(trial.proposal.id)))
        name = _("Experiment “%(name)s”") % {"name": trial.standing.name}
        yield Step(name, str(STATUSES[trial.standing.status]), tuple(notes), tuple(links))


def _decisions(descent: Descent) -> Step:
    project, total = descent.record.project, sum(made.decisions for made in descent.made)
    notes = tuple(
        _("%(point)s: %(count)s, %(reason)s")
        % {"point": made.point, "count": figures.count(made.decisions), "reason": reason_words(made.reason).label}
        for made in descent.made
    )
    points = dict.fromkeys(made.point for made in descent.made)
    links = tuple(Link(key, point_url(key, project, version=descent.version.number)) for key in points)
    told = _("%(count)s in the last 30 days") % {"count": figures.count(total)}
    return Step(_("Decisions that rest on it"), told, notes, links)


def _moves(descent: Descent) -> Iterator[Event]:
    version, zone = descent.version, descent.record.project.time_zone
    for move in descent.moves:
        gained = any(holder.version == version.id for holder in move.after)
        pattern = _("It became %(alias)s.") if gained else _("It is %(alias)s no more.")
        title = pattern % {"alias": str(ALIASES[move.name]).lower()}
        yield Event(time=moment(move.at, zone), title=title, actor=move.actor, note=move.reason)

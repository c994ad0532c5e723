"""Two versions side by side: what was asked for, what came out, and what differs."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _

from decisions.queries.model_records import VersionRecord
from decisions.reports.addresses import diff_url, model_url, version_url
from decisions.reports.gates import Gate, gate_of, short_metric
from decisions.reports.numbers import offline, offline_change, size
from decisions.reports.runs import window_of
from decisions.reports.wording import PREDICTORS
from experiments.reports.page import Link
from experiments.reports.times import moment
from experiments.reports.wording import Text
from models_registry.diff import Change, Difference, FigureChange, differences, figure_changes, importance_changes

SCHEMA = 1
_WINDOW = ("start", "end")


@dataclass(frozen=True, slots=True)
class SideLine:
    """A value of both versions; `is_changed` marks a difference. `change` is of numbers, "" for none."""

    label: Text
    before: str
    after: str
    is_changed: bool
    change: str = ""


@dataclass(frozen=True, slots=True)
class DiffPage:
    """Two versions of a model side by side."""

    model: Link
    before: Link
    after: Link
    swapped: str
    identity: tuple[SideLine, ...]
    parameters: tuple[SideLine, ...]
    data: tuple[SideLine, ...]
    metrics: tuple[SideLine, ...]
    gates: tuple[Gate, Gate]
    signature: tuple[SideLine, ...]
    importances: tuple[SideLine, ...]
    json_url: str


def diff_page(before: VersionRecord, after: VersionRecord) -> DiffPage:
    """Return two versions of one model side by side."""
    one, other, project = before.version, after.version, before.project
    return DiffPage(
        model=Link(one.model.name, model_url(one.model, project)),
        before=Link(f"v{one.number}", version_url(one, project)),
        after=Link(f"v{other.number}", version_url(other, project)),
        swapped=diff_url(other, one, project),
        identity=tuple(_identity(before, after)),
        parameters=_values(_parameters(before), _parameters(after)),
        data=(
            _side(_("Data window"), *(window_of(record.run, project.time_zone) for record in (before, after))),
            *_values(_data(before.run.dataset), _data(after.run.dataset)),
        ),
        metrics=tuple(_figure(figure) for figure in figure_changes(one.metrics, other.metrics)),
        gates=(gate_of(one.gate), gate_of(other.gate)),
        signature=_values(_arrays(one.signature), _arrays(other.signature)),
        importances=tuple(_figure(figure) for figure in importance_changes(one.metrics, other.metrics)),
        json_url=diff_url(one, other, project, name="model-versions-diff-json"),
    )


def diff_document(before: VersionRecord, after: VersionRecord) -> dict[str, Any]:
    """Return what differs between two versions, for programs."""
    one, other = before.version, after.version
    told: dict[str, tuple[Difference | FigureChange, ...]] = {
        "parameters": differences(_parameters(before), _parameters(after)),
        "dataset": differences(before.run.dataset, after.run.dataset),
        "signature": differences(one.signature, other.signature),
        "gate": differences(one.gate, other.gate),
        "metrics": figure_changes(one.metrics, other.metrics),
        "importances": importance_changes(one.metrics, other.metrics),
    }
    return {
        "schema": SCHEMA,
        "project": before.project.key,
        "model": one.model.key,
        "before": _side_facts(before),
        "after": _side_facts(after),
        **{name: [asdict(entry) for entry in entries] for name, entries in told.items()},
        "url": diff_url(one, other, before.project),
    }


def _side_facts(record: VersionRecord) -> dict[str, Any]:
    version = record.version
    return {
        "number": version.number,
        "kind": version.kind,
        "sha256": version.sha256,
        "size": version.size,
        "registered_at": version.created_at,
        "recipe": record.run.recipe,
        "seed": record.run.seed,
        "data_window": {"start": version.data_start, "end": version.data_end},
        "code_revision": version.code_revision,
        "gate_passed": version.gate_passed,
        "url": version_url(version, record.project),
    }


def _identity(before: VersionRecord, after: VersionRecord) -> Iterator[SideLine]:
    both, zone = (before, after), before.project.time_zone
    versions = [record.version for record in both]
    yield _side(_("Predictor"), *(str(PREDICTORS.get(version.kind, version.kind)) for version in versions))
    yield _side(_("Recipe"), *(record.run.recipe for record in both))
    yield _side(_("Seed"), *(str(record.run.seed) for record in both))
    yield _side(_("Registered"), *(moment(version.created_at, zone) for version in versions))
    yield _side(_("Size"), *(size(version.size) for version in versions))
    yield _side("SHA-256", *(version.sha256[:12] for version in versions))
    yield _side(_("Code revision"), *(version.code_revision[:12] or _("unknown") for version in versions))


def _side(label: Text, before: str, after: str) -> SideLine:
    return SideLine(label, before, after, is_changed=before != after)


def _values(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[SideLine, ...]:
    return tuple(
        SideLine(
            label=found.path,
            before="–" if found.change is Change.ADDED else _shown(found.before),
            after="–" if found.change is Change.REMOVED else _shown(found.after),
            is_changed=found.change is not Change.SAME,
        )
        for found in differences(before, after)
    )


def _figure(figure: FigureChange) -> SideLine:
    beside = figure.before if figure.before is not None else figure.after
    return SideLine(
        label=short_metric(figure.name),
        before="–" if figure.before is None else offline(figure.before),
        after="–" if figure.after is None else offline(figure.after),
        is_changed=figure.before != figure.after,
        change="" if figure.change is None else offline_change(figure.change, beside=beside),
    )


def _parameters(record: VersionRecord) -> Mapping[str, Any]:
    """Return the parameters that it was trained with: all of them where the run kept them, else those that were set."""
    trained: Mapping[str, Any] = record.run.dataset.get("parameters") or record.run.parameters
    return trained


def _data(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of the data that fit into a line, without the window."""
    facts = {name: value for name, value in dataset.items() if isinstance(value, int | float | str)}
    return {
        name: str(value)[:16] if name == "sha256" else value for name, value in facts.items() if name not in _WINDOW
    }


def _arrays(signature: Mapping[str, Any]) -> dict[str, str]:
    tensors = signature.get("tensors") or {}
    return {
        name: f"{' × '.join(map(str, spec.get('shape') or [1]))} {spec.get('dtype', '')}"
        for name, spec in tensors.items()
    }


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)

"""The pages' facts as JSON for other programs, with the addresses of the pages; times as ISO 8601."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from decisions.queries.batch_documents import batch_summary
from decisions.queries.batch_records import BatchesRecord
from decisions.queries.explanations import as_document
from decisions.queries.lineage import lineage_of
from decisions.queries.made import DecisionFacts
from decisions.queries.model_records import ModelRecord, VersionRecord
from decisions.queries.point_records import DecisionRecord, PointRecord
from decisions.queries.promotions import ProposalFacts
from decisions.queries.trials import Trial
from decisions.reports.addresses import (
    decision_url,
    inbox_url,
    learner_url,
    model_url,
    point_url,
    readout_url,
    version_url,
)
from decisions.settings import checked_settings
from foundation.queries import ProjectFacts
from models_registry.queries.aliases import Holder
from models_registry.queries.versions import VersionFacts

SCHEMA: Final = 1


def model_document(record: ModelRecord) -> dict[str, Any]:
    """Return a model: aliases, versions, training runs, moves."""
    project, model = record.project, record.model
    numbers = {version.id: version.number for version in record.versions}
    return {
        "schema": SCHEMA,
        "project": project.key,
        "model": {"key": model.key, "name": model.name, "domain": model.domain, "description": model.description},
        "url": model_url(model, project),
        "decision_points": [_point_link(point.key, project) for point in record.points],
        "aliases": {name.value: _holders(held, numbers) for name, held in record.aliases.items()},
        "versions": [
            {
                "id": version.id,
                "number": version.number,
                "kind": version.kind,
                "sha256": version.sha256,
                "metrics": version.metrics,
                "gate_passed": version.gate_passed,
                "registered_at": version.created_at,
                "artifact_dropped_at": record.dropped.get(version.sha256),
                "url": version_url(version, project),
                "json": version_url(version, project, name="model-version-json"),
            }
            for version in record.versions
        ],
        "training_runs": [
            {name: value for name, value in asdict(run).items() if name != "model"} for run in record.runs
        ],
        "shadow": None if record.shadow is None else asdict(record.shadow),
        "moves": [
            {
                **asdict(move),
                "before": _holders(move.before, numbers),
                "after": _holders(move.after, numbers),
            }
            for move in record.moves
        ],
        "experiments": [_trial(trial, project, numbers) for trial in record.trials],
    }


def version_document(record: VersionRecord) -> dict[str, Any]:
    """Return a model version with its lineage both ways."""
    version, project = record.version, record.project
    numbers = {version.id: version.number}
    return {
        "schema": SCHEMA,
        "project": project.key,
        "model_version": lineage_of(version.id),
        "artifact_dropped_at": record.dropped_at,
        "url": version_url(version, project),
        "model": {"key": version.model.key, "json": model_url(version.model, project, name="model-json")},
        "aliases": {
            name.value: _holders(held, numbers)
            for name, holders in record.aliases.items()
            if (held := [holder for holder in holders if holder.version == version.id])
        },
        "experiments": [_trial(trial, project, numbers) for trial in record.trials],
        "decisions": [
            {
                "decision_point": point.key,
                "url": point_url(point.key, project, version=version.number),
                "json": point_url(point.key, project, name="decision-point-json", version=version.number),
            }
            for point in record.points
        ],
    }


def point_document(record: PointRecord) -> dict[str, Any]:
    """Return a decision point: live allocation, what serves outside experiments, what it decided lately."""
    project, point = record.project, record.point
    numbers = {identity: version.number for identity, version in record.versions.items()}
    return {
        "schema": SCHEMA,
        "project": project.key,
        "decision_point": {
            "key": point.key,
            "name": point.name,
            "domain": point.domain,
            "slate_size": point.slate_size,
            "deadline_ms": point.deadline_ms,
            "most_age_minutes": point.most_age_minutes,
        },
        "url": point_url(point.key, project),
        "model": None
        if record.model is None
        else {"key": record.model.key, "json": model_url(record.model, project, name="model-json")},
        "batches": None if record.batches is None else _batches(record.batches),
        "champions": _holders(record.champions, numbers),
        "learner": None if record.learner is None else record.learner.key,
        "learners": [
            {
                "key": learner.key,
                "name": learner.name,
                "url": learner_url(point.key, learner.key, project),
                "json": learner_url(point.key, learner.key, project, name="learner-json"),
            }
            for learner in record.learners
        ],
        "experiments": [_trial(trial, project, numbers) for trial in record.trials],
        "last_24_hours": [
            {**asdict(count), "model_version": numbers.get(count.version or 0)} for count in record.counts
        ],
        "recent": [_decision(made, record.versions, project) for made in record.recent],
    }


def _batches(record: BatchesRecord) -> dict[str, Any]:
    return {
        "every_minutes": record.every_minutes,
        "webhook": record.webhook,
        "settings": dict(checked_settings(record.domain, record.settings)),
        "next_due": record.next_due,
        "is_late": record.is_late,
        "newest": [batch_summary(batch) for batch in record.newest],
    }


def decision_document(record: DecisionRecord) -> dict[str, Any]:
    """Return one decision: what was logged, the items, and the lineage of the version it rests on."""
    version, project = record.version.version if record.version else None, record.project
    known = {version.id: version} if version else {}
    return {
        "schema": SCHEMA,
        "project": project.key,
        "decision": _decision(record.decision, known, project),
        "explanation": as_document(record.explanation),
        "items": {item: facts.title for item, facts in sorted(record.items.items())},
        "decision_point": _point_link(record.point.key, project),
        "experiment": None
        if record.trial is None
        else {"key": record.trial.standing.key, "readout": readout_url(record.trial.standing.key, project)},
        "model_version": None if version is None else lineage_of(version.id),
        "addresses": {} if version is None else _version_addresses(version, project),
    }


def as_json(document: Mapping[str, Any]) -> str:
    """Return the document as JSON text."""
    return json.dumps(document, default=_plain, ensure_ascii=False, allow_nan=False)


def _decision(made: DecisionFacts, versions: Mapping[int, VersionFacts], project: ProjectFacts) -> dict[str, Any]:
    version = versions.get(made.version) if made.version is not None else None
    told = {name: value for name, value in asdict(made).items() if name != "project_id"}
    return {
        **told,
        "model": None if version is None else {"key": version.model.key, "number": version.number},
        "url": decision_url(made.id, made.point, project),
        "json": decision_url(made.id, made.point, project, name="decision-json"),
    }


def _version_addresses(version: VersionFacts, project: ProjectFacts) -> dict[str, str]:
    return {
        "model": model_url(version.model, project),
        "model_json": model_url(version.model, project, name="model-json"),
        "model_version": version_url(version, project),
        "model_version_json": version_url(version, project, name="model-version-json"),
        "training_run": version_url(version, project, anchor="training"),
    }


def _trial(trial: Trial, project: ProjectFacts, numbers: Mapping[int, int]) -> dict[str, Any]:
    standing, allocation = trial.standing, trial.allocation
    shares = {share.variant: share for share in allocation.shares} if allocation else {}
    return {
        "key": standing.key,
        "name": standing.name,
        "status": standing.status,
        "unit_kind": standing.unit_kind,
        "audience": standing.audience,
        "epoch": allocation.epoch if allocation else None,
        "coverage": allocation.coverage if allocation else None,
        "variants": [
            {
                "key": key,
                "name": trial.names[key],
                "control": fact.control,
                "weight": shares[key].weight if key in shares else None,
                "state": shares[key].state if key in shares else None,
                "policy": fact.policy,
                "version": fact.version,
                "model_version": numbers.get(fact.version or 0),
                "actions": fact.actions,
                "schedule": fact.schedule,
                "learner": fact.learner,
            }
            for key, fact in trial.policies.items()
        ],
        "verdict": None if trial.verdict is None else {"state": trial.verdict.state, "winner": trial.verdict.winner},
        "proposal": None if trial.proposal is None else _proposal(trial.proposal),
        "readout": readout_url(standing.key, project),
    }


def _proposal(proposal: ProposalFacts) -> dict[str, Any]:
    return {
        "id": proposal.id,
        "state": proposal.state,
        "decided_by": proposal.decided_by,
        "url": inbox_url(proposal.id),
    }


def _holders(holders: Iterable[Holder], numbers: Mapping[int, int]) -> list[dict[str, Any]]:
    return [{**holder.to_dict(), "model_version": numbers.get(holder.version)} for holder in holders]


def _point_link(key: str, project: ProjectFacts) -> dict[str, str]:
    return {
        "key": key,
        "url": point_url(key, project),
        "json": point_url(key, project, name="decision-point-json"),
    }


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no form in JSON.")

"""A learning policy for programs: the facts of its page as plain values."""

from dataclasses import asdict
from typing import Any

from decisions.domain import Reward
from decisions.queries.learner_records import LearnerRecord
from decisions.queries.learners import StateFacts
from decisions.reports.addresses import learner_url, point_url
from decisions.reports.documents import SCHEMA


def learner_document(record: LearnerRecord) -> dict[str, Any]:
    """Return a learning policy as plain values: what it is, its states, what it would do, how its units fared."""
    learner, project = record.learner, record.project
    return {
        "schema": SCHEMA,
        "project": project.key,
        "decision_point": {
            "key": record.point.key,
            "url": point_url(record.point.key, project),
            "json": point_url(record.point.key, project, name="decision-point-json"),
        },
        "learner": {
            "id": learner.id,
            "key": learner.key,
            "name": learner.name,
            "kind": learner.kind,
            "reward": _reward(learner.reward),
            "floor": learner.floor,
            "holdback": learner.holdback,
            "update_minutes": learner.update_minutes,
            "settings": dict(learner.settings),
            "learns": learner.is_learning,
            "serves_outside_experiments": record.point.learner_id == learner.id,
        },
        "url": learner_url(record.point.key, learner.key, project),
        "fault": record.fault or None,
        "probabilities": [asdict(chance) for chance in record.chances],
        "competing": record.competing,
        "weights": [asdict(weight) for weight in record.weights],
        "figures": dict(record.figures),
        "states": [_state_document(state) for state in record.states],
        "experiments": [trial.standing.key for trial in record.trials],
    }


def _reward(reward: Reward) -> dict[str, Any]:
    return {"name": reward.name, "event": str(reward.event), "within_seconds": reward.within.total_seconds()}


def _state_document(state: StateFacts) -> dict[str, Any]:
    told = asdict(state)
    return {name: value for name, value in told.items() if name not in ("seal", "batch")}

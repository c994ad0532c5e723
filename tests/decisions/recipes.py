"""Schedules and experiments whose variants they are, made by the real actions."""

from datetime import datetime
from typing import Any

from decisions.actions.points import PolicyDraft, bind_experiment
from decisions.domain import PolicyKind
from decisions.models import VariantPolicy
from experiments.actions import lifecycle
from experiments.actions.design import VariantDraft
from models_registry.actions.schedules import ScheduleDraft, create_schedule
from tests.experiments.reports import stored
from tests.fixtures.records import ACTOR, NOW

THREE = (
    VariantDraft("control", "As today", 400_000, control=True),
    VariantDraft("first", "The first recipe", 300_000),
    VariantDraft("second", "The second recipe", 300_000),
)


def make_schedule(model_id: int, key: str = "nightly", *, now: datetime = NOW, **changes: Any) -> int:
    """Return the id of a schedule of the recipe item_item that is due."""
    draft = ScheduleDraft(**{"key": key, "recipe": "item_item", "window_days": 7, **changes})
    return create_schedule(model_id=model_id, draft=draft, acting_user=ACTOR, now=now)


def make_recipe_draft(
    project_id: int,
    point_id: int,
    *,
    schedules: dict[str, int] | None = None,
    versions: dict[str, int] | None = None,
    key: str = "recipes",
) -> int:
    """Return the id of a draft at a decision point: named variants are schedules or pin versions, the rest baseline."""
    experiment_id = stored.draft(project_id, key=key, personalised=True, variants=THREE)
    pinned = versions or {}
    policies = {
        variant.key: PolicyDraft(PolicyKind.MODEL_RANKED, pinned[variant.key])
        if variant.key in pinned
        else PolicyDraft(PolicyKind.BASELINE)
        for variant in THREE
    }
    bind_experiment(experiment_id=experiment_id, point_id=point_id, policies=policies, acting_user=ACTOR, now=NOW)
    for variant, schedule_id in (schedules or {}).items():
        row = VariantPolicy.objects.filter(experiment_id=experiment_id, variant__key=variant)
        row.update(policy=PolicyKind.RECIPE, schedule_id=schedule_id)
    return experiment_id


def launch(experiment_id: int, *, now: datetime = NOW) -> None:
    """Start an experiment."""
    lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=now)
    lifecycle.launch(experiment_id=experiment_id, acting_user=ACTOR, now=now)

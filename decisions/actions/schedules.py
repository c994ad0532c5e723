"""Training schedules of decision domains: created for recipes that there are, and what the clock makes due of them."""

from datetime import datetime
from zoneinfo import ZoneInfo

from decisions.actions.drifting import CHECK_DRIFT
from decisions.actions.training import ensure_trainable
from decisions.queries.arms import data_warnings
from decisions.registry import domain_of, recipe_of
from foundation.actions.jobs import enqueue
from foundation.queries import ProjectFacts
from models_registry.actions.schedules import ScheduleDraft, create_schedule, start_due
from models_registry.pipeline import checked_parameters
from models_registry.queries.schedules import due_schedules, enabled_schedules
from models_registry.queries.versions import model_by_id


def plan_trainings(*, model_id: int, draft: ScheduleDraft, acting_user: str, now: datetime) -> int:
    """Create a schedule for a recipe that the model's domain knows, due at once, and return its id.

    Raises:
        ModelUnknown, RecipeUnknown, ParametersInvalid, SearchInvalid, WeightsUnsupported, and what `create_schedule`
        raises.
    """
    domain = domain_of(model_by_id(model_id).domain)
    ensure_trainable(domain.key, draft.recipe, search=draft.search, policy=draft.data_policy)
    if draft.parameters:
        checked_parameters(draft.parameters, recipe_of(domain.key, draft.recipe).parameters)
    return create_schedule(model_id=model_id, draft=draft, acting_user=acting_user, now=now)


def promise_trainings(*, facts: ProjectFacts, now: datetime) -> int:
    """Promise the trainings that a project's schedules are due for, and each one's drift check of the day.

    Returns how many were new.
    """
    at = facts.clock.at(now)
    promised = 0
    for schedule_id in due_schedules(facts.id, at=at):
        warnings = data_warnings(schedule_id, now=now)
        promised += start_due(schedule_id=schedule_id, now=now, warnings=warnings) is not None
    today = at.astimezone(ZoneInfo(facts.time_zone)).date().isoformat()
    for schedule in enabled_schedules(facts.id):
        key = f"{CHECK_DRIFT}:{schedule.id}:{today}"
        promised += enqueue(kind=CHECK_DRIFT, key=key, project_id=facts.id, payload={"schedule_id": schedule.id})
    return promised

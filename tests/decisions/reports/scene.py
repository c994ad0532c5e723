"""A shop in the middle of its work: versions, a promotion that was approved, one that waits, decisions of all kinds."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from decisions.actions.promotion import approve
from models_registry.actions.training import begin_run, tell_progress
from tests.experiments.reports import material, stored
from tests.fixtures import registry

TITLES = {
    "mug": "Stoneware mug",
    "kettle": "Kettle, 1.7 litres",
    "lamp": "Reading lamp",
    "scarf": "Wool scarf",
    "basket": "Willow basket",
}
WAYS = (
    ("model_ranked", "MODEL", "treatment", 24),
    ("model_ranked", "MODEL", "control", 21),
    ("baseline", "HISTORY_EMPTY", "treatment", 7),
    ("baseline", "PERSONALISATION_OFF", None, 3),
    ("baseline", "DEADLINE", "treatment", 2),
    ("baseline", "MODEL_UNAVAILABLE", None, 1),
)
"""Policy, reason, variant and how often, as the last day had them."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The ids of what was made. `first` was promoted over the baseline, `challenger` waits to replace it."""

    project: int
    model: int
    point: int
    first: int
    challenger: int
    promoted: int
    waiting: int


def busy_shop(now: datetime, key: str = "harbour") -> Scene:
    """Return a shop with one decision point in full use and one that nobody asks yet."""
    project = stored.shop(key)
    registry.make_items(project, TITLES)
    model = registry.make_model(project)
    point = registry.make_point(project, model)
    registry.make_point(project, key="cart", name="Below the cart")
    first = registry.make_version(model)
    promoted = registry.make_proposal(project, point, first, key="first-ranking")
    approve(
        proposal_id=promoted, acting_user="colleague", now=material.NOW, reason="Better on orders, no guardrail moved"
    )
    challenger = registry.make_version(model, first=2.0, recipe="two_tower", parameters={"epochs": 12}, seed=11)
    waiting = registry.make_proposal(project, point, challenger, key="two-towers")
    registry.make_refused_run(model)
    registry.make_failed_run(model)
    run = registry.make_run(model, recipe="ranking_network")
    begin_run(run_id=run, code_revision=registry.REVISION, now=now)
    tell_progress(run_id=run, step="fit", share=0.42)
    _decide(project, now, first, challenger)
    return Scene(project, model, point, first, challenger, promoted, waiting)


def _decide(project: int, now: datetime, first: int, challenger: int) -> None:
    number = 0
    for policy, reason, variant, times in WAYS:
        for _ in range(times):
            number += 1
            in_experiment = {"experiment": "two-towers", "variant": variant, "epoch": 1, "enrolled": True}
            registry.log_decision(
                project,
                decision_id=f"decision-{number}",
                at=now - timedelta(minutes=(number * 7) % 900 + 1),
                visitor=f"v{number}",
                policy=policy,
                reason=reason,
                version=None if reason == "PERSONALISATION_OFF" else challenger if variant == "treatment" else first,
                assignment_reason="SPLIT" if variant else "PERSONALISATION_OFF",
                personalised=reason != "PERSONALISATION_OFF",
                exposed=variant is not None,
                **(in_experiment if variant else {"experiment": "two-towers"}),
            )

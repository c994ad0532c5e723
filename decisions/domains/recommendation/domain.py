"""The declaration of the recommendation domain."""

from types import MappingProxyType
from typing import Final

from decisions.domain import Domain, Field, FieldKind, PolicyKind
from decisions.domains.recommendation.hooks import HOOKS
from decisions.domains.recommendation.metrics import METRICS
from decisions.domains.recommendation.reward import REWARDS
from experiments.vocabulary import UnitKind

DOMAIN: Final = Domain(
    key="recommendation",
    name="Recommendation",
    summary="A slate of items for a visitor or customer, best first.",
    personal=True,
    unit_kinds=(UnitKind.VISITOR, UnitKind.CUSTOMER),
    policies=(
        PolicyKind.BASELINE,
        PolicyKind.FIXED,
        PolicyKind.MODEL_RANKED,
        PolicyKind.RECIPE,
        PolicyKind.LEARNED,
    ),
    recipes=MappingProxyType(
        {
            "ease": "A linear map from items to items in closed form (EASE); up to 20 000 items, trains in minutes",
            "factors": "Factors of users and items (iALS); any number of items, trains in minutes",
            "item_item": "Items that the same people dealt with (cosine of co-occurrence); trains in seconds",
            "ranking_network": "A 64-32-1 network on user, item, category and rating (TensorFlow)",
            "two_tower": "Two towers whose product ranks all items for a history (TensorFlow)",
        }
    ),
    training="decisions.domains.recommendation.training",
    slate_size=20,
    deadline_ms=30,
    largest_slate=100,
    hooks=HOOKS,
    rewards=REWARDS,
    context={
        "recent_items": "Items just looked at, the newest first.",
        "exclude": "Items not to show.",
        "diversity": "How different in category the items are to be, 0 (as the model ranks them) to 1.",
    },
    fields={
        "title": Field(FieldKind.TEXT, "What the item is called; models with a text part rank new items by it."),
        "category": Field(FieldKind.TEXT, "Where it belongs; read with the title, and told apart by for diversity."),
        "price": Field(FieldKind.MONEY, "What it costs; learning policies compare it within the category."),
    },
    metrics=METRICS,
)

"""The admin of decisions: forms and buttons that translate and then call one action."""

from decisions.admin import (
    batches,
    bindings,
    bundles,
    checklist,
    feeds,
    items,
    learners,
    models,
    points,
    proposals,
    supply,
)

__all__ = [
    "batches",
    "bindings",
    "bundles",
    "checklist",
    "feeds",
    "items",
    "learners",
    "models",
    "points",
    "proposals",
    "supply",
]

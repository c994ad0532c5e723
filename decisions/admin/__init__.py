"""The admin of decisions: forms and buttons that translate and then call one action."""

from decisions.admin import bindings, bundles, checklist, feeds, items, learners, models, points, proposals, supply

__all__ = ["bindings", "bundles", "checklist", "feeds", "items", "learners", "models", "points", "proposals", "supply"]

"""Tables of the decisions app; only its actions, queries and admin touch them (the edge writes the event log)."""

from decisions.models.catalogue import CatalogueState, Item, PublishedChunk
from decisions.models.intake import IntakeCount, Replay, StaleLook
from decisions.models.log import EventLog, ProjectionState, PublishedBundle
from decisions.models.points import DecisionPoint, PointExperiment, VariantPolicy
from decisions.models.promotions import PromotionProposal

__all__ = [
    "CatalogueState",
    "DecisionPoint",
    "EventLog",
    "IntakeCount",
    "Item",
    "PointExperiment",
    "ProjectionState",
    "PromotionProposal",
    "PublishedBundle",
    "PublishedChunk",
    "Replay",
    "StaleLook",
    "VariantPolicy",
]

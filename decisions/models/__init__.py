"""Tables of the decisions app; only its actions, queries and admin touch them (the edge writes the event log)."""

from decisions.models.batches import BatchDecision, DecisionBatch, PeriodClosing, ReplacedWord
from decisions.models.catalogue import CatalogueFeed, CatalogueFreshness, Item, PublishedCatalogue, PublishedChunk
from decisions.models.intake import IntakeCount, Replay, StaleLook
from decisions.models.learning import CampaignPace, Learner, LearnerState
from decisions.models.log import EventLog, ProjectionState, PublishedBundle
from decisions.models.points import DecisionPoint, PointExperiment, VariantPolicy
from decisions.models.promotions import PromotionProposal
from decisions.models.supply import ItemCluster, ItemCost, PriceOffer, StockCount, Supplier

__all__ = [
    "BatchDecision",
    "CampaignPace",
    "CatalogueFeed",
    "CatalogueFreshness",
    "DecisionBatch",
    "DecisionPoint",
    "EventLog",
    "IntakeCount",
    "Item",
    "ItemCluster",
    "ItemCost",
    "Learner",
    "LearnerState",
    "PeriodClosing",
    "PointExperiment",
    "PriceOffer",
    "ProjectionState",
    "PromotionProposal",
    "PublishedBundle",
    "PublishedCatalogue",
    "PublishedChunk",
    "ReplacedWord",
    "Replay",
    "StaleLook",
    "StockCount",
    "Supplier",
    "VariantPolicy",
]

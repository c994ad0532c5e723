"""The words of the registry that code, API, admin and docs share."""

from enum import StrEnum


class AliasName(StrEnum):
    """Names that point at one version of a model; moving one is a decision, a version never changes."""

    CHAMPION = "champion"
    """Serves by default."""
    CHALLENGER = "challenger"
    """Is tried against the champion."""
    SHADOW = "shadow"
    """Is scored and never served."""


class PredictorKind(StrEnum):
    """How an artifact turns features into scores while serving."""

    POPULARITY = "popularity"
    ITEM_ITEM = "item_item"
    RANKING_NETWORK = "ranking_network"
    TWO_TOWER = "two_tower"
    EASE = "ease"
    """Items by a linear map of the history, learnt in closed form."""
    FACTORS = "factors"
    """Items by products of factors; a history is folded in."""
    HASHED_LOGISTIC = "hashed_logistic"
    """The probability of a response: logistic in hashed features and their crosses."""
    HASHED_NETWORK = "hashed_network"
    """The probability of a response: a network with cross layers on hashed features."""
    DEMAND = "demand"
    """Pieces sold in a day as a function of the price, series by series."""
    FORECAST = "forecast"
    """What an order quantity costs, by the distribution of demand until the next order has come, series by series."""


class RunState(StrEnum):
    """Where a training run stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    """A version was registered."""
    REFUSED = "REFUSED"
    """The gate refused the candidate; nothing was registered."""
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    """A person ended it; nothing was registered."""


class DataPolicy(StrEnum):
    """Whose traffic the models of an arm learn from (arXiv 2310.17496)."""

    POOLED = "pooled"
    OWN_ARM = "own_arm"
    WEIGHTED = "weighted"


class RunCause(StrEnum):
    """Why a training was asked for."""

    PERSON = "PERSON"
    SCHEDULE = "SCHEDULE"
    DRIFT = "DRIFT"

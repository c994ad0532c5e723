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


class RunState(StrEnum):
    """Where a training run stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    """A version was registered."""
    REFUSED = "REFUSED"
    """The gate refused the candidate; nothing was registered."""
    FAILED = "FAILED"

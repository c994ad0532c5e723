"""Learning policies: what they know, how rewards change it, and the words that models, admin, edge and docs share."""

from enum import StrEnum


class LearnerKind(StrEnum):
    """How a learning policy learns; all choose by Thompson sampling."""

    BETA = "beta"
    """A Beta posterior of the reward's rate for each action."""
    LINEAR = "linear"
    """A Gaussian posterior over weights of action features; the reward is linear in them."""
    LOGISTIC = "logistic"
    """A Laplace posterior over weights of action features; the odds of the reward are log-linear in them."""
    DEMAND = "demand"
    """A gamma posterior of the pieces a day at each step of an item's price; what is chosen is a price."""

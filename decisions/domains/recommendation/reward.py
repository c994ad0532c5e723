"""What counts as the reward of a recommendation: events with a shown item that follow its exposure."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from decisions.domain import Interaction


class RewardKind(StrEnum):
    """What somebody did with an item that was shown to them."""

    CLICKED = "clicked"
    ADDED = "added"
    ORDERED = "ordered"


@dataclass(frozen=True, slots=True)
class Reward:
    """One kind of reward: the event that says it, what it is worth, and how long after the exposure it still counts.

    worth: relative to an order, so that a sum of rewards compares slates; `within` is measured in project time.
    """

    kind: RewardKind
    event: Interaction
    worth: float
    within: timedelta


REWARDS: Final = (
    Reward(RewardKind.CLICKED, Interaction.VIEW, 0.05, timedelta(hours=1)),
    Reward(RewardKind.ADDED, Interaction.CART, 0.3, timedelta(days=1)),
    Reward(RewardKind.ORDERED, Interaction.ORDER, 1.0, timedelta(days=7)),
)
"""In the order of growing intent; the first is met soonest and most often, the last is what the shop is for."""

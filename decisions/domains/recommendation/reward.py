"""What counts as the reward of a recommendation: events with a shown item that follow its exposure."""

from datetime import timedelta
from typing import Final

from decisions.domain import Interaction, Reward

REWARDS: Final = (
    Reward("clicked", Interaction.VIEW, "product_id", 0.05, timedelta(hours=1)),
    Reward("added", Interaction.CART, "product_id", 0.3, timedelta(days=1)),
    Reward("ordered", Interaction.ORDER, "product_id", 1.0, timedelta(days=7)),
)
"""In the order of growing intent; the first is met soonest and most often, the last is what the shop is for."""

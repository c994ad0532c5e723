"""What counts as the reward of an advertisement: a click on the creative, and an order after one."""

from datetime import timedelta
from typing import Final

from decisions.domain import Reward

VIEWED: Final = "Promotion Viewed"
CLICKED: Final = "Promotion Clicked"
ORDERED: Final = "Order Completed"

CLICK: Final = "clicked"
ORDER: Final = "ordered"

REWARDS: Final = (
    Reward(CLICK, CLICKED, "promotion_id", 0.05, timedelta(hours=1)),
    Reward(ORDER, ORDERED, "", 1.0, timedelta(days=7)),
)
"""In the order of growing intent. An order names no creative (its property is ""): it counts for the creative that the
unit clicked last within the time before it, for that one alone, and only where the click counted."""

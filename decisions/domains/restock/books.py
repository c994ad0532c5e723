"""The books of restock: events that are written when a period is over, for each item in a store.

Storefronts tell of sales; what those cost is in orders, in the stock and in what it costs to hold it. Values are
currency units as of other events, so that a metric adds all of them up.
"""

from typing import Final

from experiments.analysis import metrics

PURCHASE_BOOKED: Final = metrics.PURCHASE_BOOKED
"""value: minus the cost of what was ordered. quantity: pieces ordered."""
VALUED: Final = metrics.STOCK_VALUED
"""value: what stock on hand and on order was worth more at the end. quantity: days on which stock was counted."""
HOLDING_BOOKED: Final = metrics.HOLDING_BOOKED
"""value: minus what holding the stock cost. quantity: pieces x days that it was held, rounded."""
STOCK_OUT_BOOKED: Final = metrics.STOCK_OUT_BOOKED
"""value: 0. quantity: days on which there was nothing left at a count."""
NOT_VALUED: Final = "Stock Not Valued"
"""An item in a store that the books leave out; its property `reason` says why."""

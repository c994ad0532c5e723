"""The metrics that recommendation brings along: what decides about slates, and what must not suffer from them."""

from typing import Final

from decisions.domain import MetricTemplate
from decisions.usual_metrics import COMPLAINTS, CONVERSION, PAGE_TIME, RETURNS, REVENUE

METRICS: Final = (
    CONVERSION,
    REVENUE,
    MetricTemplate(
        key="click-through",
        name="Click-through rate",
        about="Clicks on products by views of product lists, each counted within the window.",
        kind="RATIO",
        role="SECONDARY",
        events=("Product Clicked",),
        what="COUNT",
        denominator_events=("Product List Viewed",),
        denominator_what="COUNT",
    ),
    MetricTemplate(
        key="order-value",
        name="Average order value",
        about="Value of all orders by their number; only units that order have one.",
        kind="RATIO",
        role="DIAGNOSTIC",
        events=("Order Completed",),
        what="SUM_VALUE",
        denominator_events=("Order Completed",),
        denominator_what="COUNT",
    ),
    RETURNS,
    COMPLAINTS,
    PAGE_TIME,
)

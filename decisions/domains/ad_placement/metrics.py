"""The metrics that advertising on own slots is judged by: outcomes of units, never what a model attributes.

Those that other domains bring along too (conversion, revenue, returns, complaints, page time) are defined alike.
"""

from typing import Final

from decisions.domain import MetricTemplate
from decisions.domains.ad_placement.reward import CLICKED, ORDERED, VIEWED

METRICS: Final = (
    MetricTemplate(
        key="revenue",
        name="Revenue per visitor",
        about="Value of orders less refunds and cancellations.",
        kind="SUM",
        role="DECISION",
        events=(ORDERED, "Order Refunded", "Order Cancelled"),
        what="SUM_VALUE",
    ),
    MetricTemplate(
        key="conversion",
        name="Conversion",
        about="Share of units that order within the window after their first exposure.",
        kind="CONVERSION",
        role="SECONDARY",
        events=(ORDERED,),
        what="ANY",
    ),
    MetricTemplate(
        key="ad-click-through",
        name="Click-through rate of advertisements",
        about="Clicks on promotions by views of promotions, each counted within the window.",
        kind="RATIO",
        role="SECONDARY",
        events=(CLICKED,),
        what="COUNT",
        denominator_events=(VIEWED,),
        denominator_what="COUNT",
    ),
    MetricTemplate(
        key="ad-value",
        name="Value of clicked advertisements per visitor",
        about="Sum of the value of clicks on promotions, where the storefront sends the bid as the value of the click.",
        kind="SUM",
        role="SECONDARY",
        events=(CLICKED,),
        what="SUM_VALUE",
    ),
    MetricTemplate(
        key="attributed-return",
        name="Attributed return on spend",
        about="Value of orders by value of clicked promotions, where the bid is sent with the click. Never decides.",
        kind="RATIO",
        role="DIAGNOSTIC",
        events=(ORDERED,),
        what="SUM_VALUE",
        denominator_events=(CLICKED,),
        denominator_what="SUM_VALUE",
    ),
    MetricTemplate(
        key="returns",
        name="Returns",
        about="Share of units that send something back.",
        kind="CONVERSION",
        role="GUARDRAIL",
        events=("Order Refunded",),
        what="ANY",
        direction="DECREASE",
        margin=0.1,
    ),
    MetricTemplate(
        key="complaints",
        name="Complaint rate",
        about="Share of units that complain.",
        kind="CONVERSION",
        role="GUARDRAIL",
        events=("Complaint Filed",),
        what="ANY",
        direction="DECREASE",
        margin=0.2,
    ),
    MetricTemplate(
        key="page-time",
        name="Time to load a page",
        about="Mean milliseconds that the storefront reports as the value of Page Timed.",
        kind="RATIO",
        role="GUARDRAIL",
        events=("Page Timed",),
        what="SUM_VALUE",
        direction="DECREASE",
        margin=0.05,
        denominator_events=("Page Timed",),
        denominator_what="COUNT",
    ),
)

"""The metrics that domains share, so that one key means one thing in a project whatever domain made it first."""

from typing import Final

from decisions.domain import MetricTemplate

CONVERSION: Final = MetricTemplate(
    key="conversion",
    name="Conversion",
    about="Share of units that order within the window after their first exposure.",
    kind="CONVERSION",
    role="DECISION",
    events=("Order Completed",),
    what="ANY",
)
REVENUE: Final = MetricTemplate(
    key="revenue",
    name="Revenue per visitor",
    about="Value of orders less refunds and cancellations.",
    kind="SUM",
    role="SECONDARY",
    events=("Order Completed", "Order Refunded", "Order Cancelled"),
    what="SUM_VALUE",
)
RETURNS: Final = MetricTemplate(
    key="returns",
    name="Returns",
    about="Share of units that send something back.",
    kind="CONVERSION",
    role="GUARDRAIL",
    events=("Order Refunded",),
    what="ANY",
    direction="DECREASE",
    margin=0.1,
)
COMPLAINTS: Final = MetricTemplate(
    key="complaints",
    name="Complaint rate",
    about="Share of units that complain.",
    kind="CONVERSION",
    role="GUARDRAIL",
    events=("Complaint Filed",),
    what="ANY",
    direction="DECREASE",
    margin=0.2,
)
PAGE_TIME: Final = MetricTemplate(
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
)

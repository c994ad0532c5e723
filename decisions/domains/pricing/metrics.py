"""The metrics that prices are judged by: totals of what is randomised in a period, never of a visitor."""

from typing import Final

from decisions.domain import MetricTemplate
from decisions.usual_metrics import REVENUE
from experiments.vocabulary import CONTRIBUTION_BOOKED

CONTRIBUTION: Final = MetricTemplate(
    key="contribution",
    name="Contribution",
    about="Price less cost of all pieces sold, refunds taken off; lines without a known cost are left out.",
    kind="SUM",
    role="DECISION",
    events=(CONTRIBUTION_BOOKED,),
    what="SUM_VALUE",
)
UNITS: Final = MetricTemplate(
    key="units-sold",
    name="Pieces sold",
    about="Pieces in orders; those sent back later are counted too.",
    kind="SUM",
    role="SECONDARY",
    events=("Order Completed",),
    what="SUM_QUANTITY",
)
PRICE_INDEX: Final = MetricTemplate(
    key="price-index",
    name="Mean price paid",
    about="Value of orders by pieces in them: what a piece brought on average.",
    kind="RATIO",
    role="SECONDARY",
    events=("Order Completed",),
    what="SUM_VALUE",
    denominator_events=("Order Completed",),
    denominator_what="SUM_QUANTITY",
)
RETURNED: Final = MetricTemplate(
    key="returned-pieces",
    name="Pieces returned",
    about="Pieces sent back by pieces sold.",
    kind="RATIO",
    role="GUARDRAIL",
    events=("Order Refunded",),
    what="SUM_QUANTITY",
    direction="DECREASE",
    margin=0.1,
    denominator_events=("Order Completed",),
    denominator_what="SUM_QUANTITY",
)
ORDERS_BY_VIEWS: Final = MetricTemplate(
    key="orders-by-views",
    name="Orders by product views",
    about="Order lines by views of products: how many of those who look buy.",
    kind="RATIO",
    role="DIAGNOSTIC",
    events=("Order Completed",),
    what="COUNT",
    denominator_events=("Product Viewed",),
    denominator_what="COUNT",
)

METRICS: Final = (CONTRIBUTION, REVENUE, UNITS, PRICE_INDEX, RETURNED, ORDERS_BY_VIEWS)

"""The metrics that restock is judged by: sales, what the books say they cost, and how often something was missing."""

from dataclasses import replace
from typing import Final

from decisions.domain import MetricTemplate
from decisions.domains.restock.books import HOLDING_BOOKED, PURCHASE_BOOKED, STOCK_OUT_BOOKED, VALUED
from decisions.usual_metrics import REVENUE

SOLD: Final = "Order Completed"
LOST: Final = "Demand Lost"
"""The shop's own word that somebody asked for pieces that were not there; `quantity` says how many."""
WASTED: Final = "Stock Wasted"
"""The shop's own word that pieces were thrown away; `quantity` says how many, `value` what they had cost."""
CASH: Final = (*REVENUE.events, PURCHASE_BOOKED, HOLDING_BOOKED)

METRICS: Final = (
    MetricTemplate(
        key="stock-profit",
        name="Profit with stock valued",
        about="Net sales less purchases and holding, and what stock on hand and on order was worth more at the end.",
        kind="SUM",
        role="DECISION",
        events=(*CASH, VALUED),
        what="SUM_VALUE",
    ),
    MetricTemplate(
        key="cash-view",
        name="Cash within the period",
        about="Net sales less purchases and holding. Prefers whoever orders little: what is left at the end counts for "
        "nothing. Shown beside the profit, never to decide by.",
        kind="SUM",
        role="DIAGNOSTIC",
        events=CASH,
        what="SUM_VALUE",
    ),
    replace(REVENUE, name="Revenue", role="GUARDRAIL", margin=0.05),
    MetricTemplate(
        key="stock-out-rate",
        name="Stock-out rate",
        about="Days on which a count found nothing left, of the days on which stock was counted.",
        kind="RATIO",
        role="SECONDARY",
        events=(STOCK_OUT_BOOKED,),
        what="SUM_QUANTITY",
        direction="DECREASE",
        denominator_events=(VALUED,),
        denominator_what="SUM_QUANTITY",
    ),
    MetricTemplate(
        key="fill-rate",
        name="Fill rate",
        about="Pieces sold of the pieces asked for, where the shop reports Demand Lost with the pieces that it lacked.",
        kind="RATIO",
        role="SECONDARY",
        events=(SOLD,),
        what="SUM_QUANTITY",
        denominator_events=(SOLD, LOST),
        denominator_what="SUM_QUANTITY",
    ),
    MetricTemplate(
        key="holding-cost",
        name="Holding cost",
        about="What holding the stock cost; booked as a negative amount.",
        kind="SUM",
        role="DIAGNOSTIC",
        events=(HOLDING_BOOKED,),
        what="SUM_VALUE",
    ),
    MetricTemplate(
        key="turns",
        name="Stock turns a day",
        about="Pieces sold for each piece that lay on the shelf for a day.",
        kind="RATIO",
        role="SECONDARY",
        events=(SOLD,),
        what="SUM_QUANTITY",
        denominator_events=(HOLDING_BOOKED,),
        denominator_what="SUM_QUANTITY",
    ),
    MetricTemplate(
        key="waste",
        name="Pieces wasted",
        about="Pieces thrown away, where the shop reports Stock Wasted. Their cost is in the profit already: they are "
        "not among the stock any more.",
        kind="SUM",
        role="SECONDARY",
        events=(WASTED,),
        what="SUM_QUANTITY",
        direction="DECREASE",
    ),
)

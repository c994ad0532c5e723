"""The metrics that advertising on own slots is judged by: outcomes of units, never what a model attributes."""

from dataclasses import replace
from typing import Final

from decisions.domain import MetricTemplate
from decisions.domains.ad_placement.reward import CLICKED, ORDERED, VIEWED
from decisions.usual_metrics import COMPLAINTS, CONVERSION, PAGE_TIME, RETURNS, REVENUE

METRICS: Final = (
    replace(REVENUE, role="DECISION"),
    replace(CONVERSION, role="SECONDARY"),
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
    RETURNS,
    COMPLAINTS,
    PAGE_TIME,
)

"""The experiments of the demonstration and their metrics, as plain data: what is tried, and what decides about it."""

from dataclasses import dataclass

from simulation.truth import RECOMMENDATIONS

CONTROL = "control"
ENROLMENT_DAYS = 14
WINDOW_DAYS = 7
HORIZON_DAYS = ENROLMENT_DAYS + WINDOW_DAYS
VISITORS_PER_DAY = 800
SLATE_SIZE = 20
DECISION_POINT = "home"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDesign:
    """A metric in the product's own words; `cap` in currency units."""

    key: str
    name: str
    kind: str
    events: tuple[str, ...]
    what: str
    description: str
    denominator_events: tuple[str, ...] = ()
    denominator_what: str = ""
    cap: int | None = None
    covariate_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentDesign:
    """An experiment with one treatment. metrics: (key, role, margin), the deciding one first."""

    key: str
    name: str
    hypothesis: str
    treatment: str
    control_name: str
    treatment_name: str
    metrics: tuple[tuple[str, str, float | None], ...]
    minimum_effect: float = 0.2

    @property
    def is_decision(self) -> bool:
        """Whether its variants decide differently, and not just look different."""
        return self.key == RECOMMENDATIONS


METRICS = (
    MetricDesign(
        key="conversion",
        name="Conversion",
        kind="CONVERSION",
        events=("Order Completed",),
        what="ANY",
        description="Share of visitors who order within seven days of their first exposure.",
    ),
    MetricDesign(
        key="revenue",
        name="Revenue per visitor",
        kind="SUM",
        events=("Order Completed", "Order Refunded", "Order Cancelled"),
        what="SUM_VALUE",
        cap=400,
        description="Orders less refunds and cancellations, capped at 400 a visitor.",
    ),
    MetricDesign(
        key="views",
        name="Product views per visitor",
        kind="COUNT",
        events=("Product Viewed",),
        what="COUNT",
        covariate_days=7,
        description="How much visitors look around; the week before exposure removes noise.",
    ),
    MetricDesign(
        key="order-value",
        name="Average order value",
        kind="RATIO",
        events=("Order Completed",),
        what="SUM_VALUE",
        denominator_events=("Order Completed",),
        denominator_what="COUNT",
        description="Value of all orders by their number.",
    ),
)

_USUAL = (("conversion", "DECISION", None), ("revenue", "SECONDARY", None), ("views", "GUARDRAIL", 0.1))

EXPERIMENTS = (
    ExperimentDesign(
        key=RECOMMENDATIONS,
        name="Recommendations on the home page",
        hypothesis="Items that fit what a visitor looked at sell better than the shop's bestsellers.",
        treatment="trained",
        control_name="Bestsellers",
        treatment_name="Trained model",
        metrics=_USUAL,
    ),
    ExperimentDesign(
        key="button-colour",
        name="Colour of the order button",
        hypothesis="A green button is pressed more often than a blue one.",
        treatment="green",
        control_name="Blue",
        treatment_name="Green",
        metrics=_USUAL,
    ),
    ExperimentDesign(
        key="lazy-banner",
        name="Banner that loads late",
        hypothesis="The page is faster when the banner loads after everything else.",
        treatment="late",
        control_name="At once",
        treatment_name="Late",
        metrics=_USUAL,
    ),
    ExperimentDesign(
        key="pushy-upsell",
        name="Upsell before the checkout",
        hypothesis="Offering a second piece before the checkout makes orders larger.",
        treatment="upsell",
        control_name="None",
        treatment_name="Upsell",
        metrics=(("order-value", "DECISION", None), ("conversion", "GUARDRAIL", 0.1), ("revenue", "SECONDARY", None)),
    ),
)


def metric(key: str) -> MetricDesign:
    """Return the metric with that key. Raises KeyError."""
    return {design.key: design for design in METRICS}[key]


def experiment(key: str) -> ExperimentDesign:
    """Return the experiment with that key. Raises KeyError."""
    return {design.key: design for design in EXPERIMENTS}[key]

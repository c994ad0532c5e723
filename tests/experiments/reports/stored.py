"""Experiments in the database with looks at them, made by the actions; the scorecards are those of `material`."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from experiments.actions.design import MetricDefinition, VariantDraft
from experiments.analysis.scorecard import Scorecard
from experiments.analysis.verdict import Verdict
from experiments.models import Scorecard as StoredScorecard
from experiments.queries.plans import plan_of
from tests.experiments.reports import material
from tests.fixtures.records import make_draft, make_project, make_running

DEFINITIONS = (
    MetricDefinition(
        key="conversion",
        name="Conversion",
        kind="CONVERSION",
        numerator_events=["Order Completed"],
        numerator_what="ANY",
        description="Visitors who order within seven days",
    ),
    MetricDefinition(
        key="refunds",
        name="Refunds per visitor",
        kind="COUNT",
        numerator_events=["Order Refunded"],
        numerator_what="COUNT",
        direction="DECREASE",
    ),
    MetricDefinition(
        key="revenue",
        name="Revenue per visitor",
        kind="SUM",
        numerator_events=["Order Completed"],
        numerator_what="SUM_VALUE",
        covariate_days=14,
    ),
)
ROLES = (("DECISION", None), ("GUARDRAIL", 0.05), ("SECONDARY", None))
VARIANTS = (
    VariantDraft("control", "Fee as today", 500_000, control=True),
    VariantDraft("treatment", "Free from 39", 500_000),
)


def draft(project_id: int, *, key: str = "free-shipping", **changes: Any) -> int:
    """Return the id of a complete draft."""
    values = {"definitions": DEFINITIONS, "roles": ROLES, "variants": VARIANTS, **changes}
    return make_draft(project_id, key=key, now=material.START, **values)


def running(project_id: int, *, key: str = "free-shipping", **changes: Any) -> int:
    """Return the id of an experiment that was launched at the start of the material."""
    values = {"definitions": DEFINITIONS, "roles": ROLES, "variants": VARIANTS, **changes}
    return make_running(project_id, key=key, now=material.START, **values)


def keep(experiment_id: int, card: Scorecard, verdict: Verdict) -> Scorecard:
    """Store a look at an experiment and return its scorecard."""
    card = replace(card, plan_sha256=plan_of(experiment_id).sha256())
    StoredScorecard.objects.create(
        experiment_id=experiment_id,
        look=card.look,
        window_end=card.window_end,
        received_before=card.received_before,
        plan_sha256=card.plan_sha256,
        content=card.to_json().decode(),
        sha256=card.sha256(),
        verdict_state=verdict.state.value,
        verdict=verdict.to_dict(),
    )
    return card


def earlier(card: Scorecard, looks: int) -> Scorecard:
    """Return the scorecard as it would have been that many days before."""
    end = card.window_end - timedelta(days=looks) if card.window_end else None
    return replace(card, look=card.look - looks, window_end=end)


def shop(key: str = "harbour") -> int:
    """Return the id of a project."""
    return make_project(key=key, now=material.START)

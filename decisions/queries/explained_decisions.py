"""A logged decision for programs: what was logged, all that its version comes from, and why it is as it is."""

from typing import Any

from decisions.queries.explanations import as_document, explain
from decisions.queries.lineage import decision_lineage
from decisions.queries.made import decision_by_id
from decisions.queries.points import points_of


def explained_decision(decision_id: str, *, project_id: int, item: str = "") -> dict[str, Any]:
    """Return a decision as plain values; item: one that is asked about. Raises DecisionUnknown."""
    lineage = decision_lineage(decision_id, project_ids=[project_id])
    decision = decision_by_id(decision_id, project_ids=[project_id])
    domain = next((point.domain for point in points_of(project_id) if point.key == decision.point), "")
    return {**lineage, "explanation": as_document(explain(decision, domain, item=item))}

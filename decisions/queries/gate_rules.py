"""The rule by which a training of a model is judged: what was asked for, within what its decision points allow."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from decisions.queries.points import points_of
from models_registry.gates import GateMalformed, GateRule
from models_registry.queries.versions import ModelFacts


def gate_rule(model: ModelFacts, *, said: Mapping[str, Any], margin: float, metric: str | None = None) -> GateRule:
    """Return the rule that JSON stands for.

    Where it names no margin or metric, those of the training and of its recipe are taken. A recipe is judged by its own
    metric alone, so that no figure goes by the name of another.
    A limit of latency that nobody mentions is half of the shortest deadline of the points that ask the model: the other
    half is for everything else that a decision does. `"latency_ms": null` asks for no limit.

    Raises:
        GateMalformed: the JSON is no rule, or one of another metric.
    """
    judged_by = metric or GateRule().metric
    rule = GateRule.from_dict({"margin": margin, "metric": judged_by, **said})
    if rule.metric != judged_by:
        raise GateMalformed(f"The recipe is judged by {judged_by}, and not by {rule.metric}.")
    deadlines = [point.deadline_ms for point in points_of(model.project_id) if point.model_id == model.id]
    if "latency_ms" in said or not deadlines:
        return rule
    return replace(rule, latency_ms=min(deadlines) / 2.0)

"""The metrics of pricing as data."""

from decisions.domains.pricing.metrics import METRICS


def test_metrics__decide_by_contribution_and_guard_returns():
    roles = {template.key: template.role for template in METRICS}
    assert [key for key, role in roles.items() if role == "DECISION"] == ["contribution"]
    assert [key for key, role in roles.items() if role == "GUARDRAIL"] == ["returned-pieces"]
    assert all((template.margin is not None) == (template.role == "GUARDRAIL") for template in METRICS)


def test_metrics__none_is_a_share_of_units():
    assert {template.kind for template in METRICS} == {"SUM", "RATIO"}

"""Pacing of budgets."""

from decisions.domains.ad_placement.pacing import multipliers
from tests.oracles.compare import Case
from tests.oracles.methods.means import Answer


def adaptive_pacing(case: Case) -> Answer:
    """The multiplier after each period."""
    inputs = case["inputs"]
    found = multipliers(
        inputs["mu0"],
        inputs["observed_spend"],
        target=inputs["target_spend_per_period"],
        step=inputs["step"],
        most=inputs["mu_max"],
    )
    return {"multipliers": list(found)}

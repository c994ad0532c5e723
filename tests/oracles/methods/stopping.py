"""Exact confidence sequences, futility, a running test's power, selection by size, and adaptive allocation."""

import numpy as np

from experiments.statistics import adaptive, confidence, exact_sequences, futility, midway, selection
from experiments.statistics.adaptive import AdaptiveEstimate, Weighting
from experiments.statistics.distributions import normal_isf
from experiments.statistics.futility import SpendingRule
from experiments.statistics.means import checked, welch
from experiments.statistics.posterior import lift_likelihood
from experiments.statistics.results import Undefined
from tests.oracles.compare import Case
from tests.oracles.methods.inputs import arms
from tests.oracles.methods.means import Answer, defined, named_ends
from tests.oracles.methods.sequential import SPENDING

WEIGHTINGS = {
    "uniform": Weighting.UNIFORM,
    "constant_allocation_lvdl": Weighting.CONSTANT_ALLOCATION,
    "two_point": Weighting.TWO_POINT,
}


def bernoulli_confidence_sequence(case: Case) -> Answer:
    inputs = case["inputs"]
    found = exact_sequences.bernoulli_interval(
        inputs["successes"],
        inputs["n"],
        alpha=inputs["alpha"],
        planned=inputs["t_opt"],
        planned_alpha=inputs["alpha_opt"],
    )
    return named_ends(found)


def gamma_exponential_boundary(case: Case) -> Answer:
    inputs = case["inputs"]
    rho = exact_sequences.one_sided_rho(inputs["alpha_opt"], inputs["v_opt"])
    return {
        "bound": exact_sequences.gamma_exponential_bound(inputs["v"], alpha=inputs["alpha"], rho=rho, c=inputs["c"])
    }


def gs_futility_beta_spending(case: Case) -> Answer:
    """A single futility bound is not a list in the reference."""
    inputs = case["inputs"]
    found = futility.beta_spending(
        tuple(inputs["information"]),
        alpha=inputs["alpha_one_sided"],
        beta=inputs["beta"],
        alpha_rule=SpendingRule(SPENDING[inputs["alpha_spending"]], inputs.get("alpha_parameter")),
        beta_rule=SpendingRule(SPENDING[inputs["beta_spending"]], inputs.get("beta_parameter")),
        binding=inputs["binding"],
    )
    single = not isinstance(case["expected"]["z_futility"], list)
    return {
        "z_efficacy": list(found.efficacy),
        "z_futility": found.futility[0] if single else list(found.futility),
        "drift_shift": found.drift**2,
        "inflation_factor": found.inflation,
        "avg_sample_ratio_h1": found.expected_planned,
        "avg_sample_ratio_h0": found.expected_null,
    }


def power_mid_experiment(case: Case) -> Answer:
    """The lift's delta-method error is the reference's; extrapolation and search are ours."""
    inputs = case["inputs"]
    pair = defined(checked(welch(*arms(inputs))))
    likelihood = lift_likelihood(pair)
    assert not isinstance(likelihood, Undefined)
    alpha = inputs["alpha"]
    planned = inputs.get("n_opt_total")

    def multiplier(units: float) -> float:
        if not inputs["sequential"]:
            return normal_isf(alpha / 2.0)
        return confidence.two_sided(units, confidence.approximate_g(alpha, planned), alpha)

    found = midway.remaining_units(
        effect=inputs["relative_mde"],
        se=likelihood[1],
        units=pair.control.n + pair.treatment.n,
        power=inputs["target_power"],
        multiplier=multiplier,
    )
    return {
        "scaling_factor": found.growth,
        "additional_users_total": found.additional_units,
        "power_now": found.power_now,
    }


def selection_conditional(case: Case) -> Answer:
    inputs = case["inputs"]
    cutoff = inputs["selected_if_estimate_greater_than"]
    found = selection.conditional_effect(inputs["estimate"], inputs["std_error"], cutoff)
    return {
        "conditional_mle": found.most_likely,
        "median_unbiased": found.median_unbiased,
        "ci_lower": found.lower,
        "ci_upper": found.upper,
        "bias_at_mle": found.bias_if_true,
    }


def aggregate_winner_curse(case: Case) -> Answer:
    inputs = case["inputs"]
    found = selection.portfolio_total(inputs["estimates"], inputs["std_errors"], inputs["z_threshold"])
    return {"naive_total": found.naive, "bias_total": found.bias, "adjusted_total": found.adjusted}


def _estimated(found: AdaptiveEstimate | Undefined) -> AdaptiveEstimate:
    assert isinstance(found, AdaptiveEstimate)
    return found


def adaptively_weighted_aipw(case: Case) -> Answer:
    inputs = case["inputs"]
    data = adaptive.aipw_scores(inputs["rewards"], inputs["arms"], inputs["assignment_probs"])
    size = data.scores.shape[1]
    rewards, chosen = np.array(inputs["rewards"]), np.array(inputs["arms"])
    answer: Answer = {"naive_means": [float(rewards[chosen == arm].mean()) for arm in range(size)]}
    for name, weighting in WEIGHTINGS.items():
        how = {"weighting": weighting, "decay": inputs["floor_decay_alpha"]}
        each = [_estimated(adaptive.arm_estimate(data, arm, **how)) for arm in range(size)]
        against = [_estimated(adaptive.contrast(data, size - 1, other, **how)) for other in range(size - 1)]
        answer[name] = {
            "estimate": [found.estimate for found in each],
            "std_error": [found.se for found in each],
            "contrast_last_minus_others": [found.estimate for found in against],
            "contrast_se": [found.se for found in against],
        }
    return answer

"""Posteriors, priors from past experiments, and which arm is best."""

from experiments.statistics import best_arm
from experiments.statistics.arm_posteriors import BetaArm, NormalArm, beta_arm
from experiments.statistics.empirical_bayes import empirical_prior
from experiments.statistics.means import checked, welch
from experiments.statistics.posterior import NormalPosterior, NormalPrior, lift_likelihood, posterior
from experiments.statistics.proportions import plug_in_pair
from experiments.statistics.results import Undefined
from tests.oracles.compare import Case
from tests.oracles.methods.inputs import arms, counts
from tests.oracles.methods.means import Answer, defined, named_ends


def _posterior(estimate: float, se: float, prior: NormalPrior | None) -> NormalPosterior:
    found = posterior(estimate, se, prior)
    assert isinstance(found, NormalPosterior)
    return found


def bayes_normal_effect(case: Case) -> Answer:
    """The prior is one of the lift; for lower-is-better metrics winning and both risks change sides."""
    inputs = case["inputs"]
    pair = plug_in_pair(counts(inputs)) if "successes" in inputs["control"] else defined(checked(welch(*arms(inputs))))
    given = inputs["prior"]
    prior = NormalPrior(given["mean"], given["variance"]) if given["proper"] else None
    if inputs["effect"] == "relative":
        likelihood = lift_likelihood(pair)
        assert not isinstance(likelihood, Undefined)
    else:
        likelihood = (pair.difference, pair.se)
        if prior is not None and given["scale"] == "relative":
            prior = prior.on_absolute_scale(pair.control.mean)
    found = _posterior(*likelihood, prior)
    lower_is_better = inputs["lower_is_better"]
    gain, loss = found.expected_gain, found.expected_loss
    return {
        "posterior_mean": found.mean,
        "posterior_sd": found.sd,
        **named_ends(found.interval(inputs["alpha"])),
        "chance_to_win": 1.0 - found.chance_above_zero if lower_is_better else found.chance_above_zero,
        "risk_of_keeping_control": loss if lower_is_better else gain,
        "risk_of_choosing_treatment": gain if lower_is_better else loss,
    }


def normal_shrinkage(case: Case) -> Answer:
    inputs = case["inputs"]
    prior = NormalPrior(inputs["prior_mean"], inputs["prior_variance"])
    found = _posterior(inputs["estimate"], inputs["std_error"], prior)
    return {
        "shrunk": found.mean,
        "posterior_sd": found.sd,
        "shrink_factor": found.weight,
        "prob_positive": found.chance_above_zero,
    }


def empirical_bayes_prior(case: Case) -> Answer:
    found = empirical_prior(case["inputs"]["past_effects"], case["inputs"]["past_std_errors"])
    assert not isinstance(found, Undefined)
    return {"tau2": found.prior.variance, "prior_mean": found.prior.mean, "shrunk": list(found.shrunk)}


def _beta(arm: dict[str, int], prior: dict[str, float]) -> BetaArm:
    return beta_arm(arm["successes"], arm["n"], prior_a=prior["a"], prior_b=prior["b"])


def beta_binomial(case: Case) -> Answer:
    inputs = case["inputs"]
    control, treatment = (_beta(inputs[name], inputs["prior"]) for name in ("control", "treatment"))
    credible = treatment.interval(0.05)
    return {
        "prob_treatment_better": best_arm.probability_greater(treatment, control),
        "expected_loss_choose_treatment": best_arm.expected_shortfall(treatment, [control]),
        "expected_loss_choose_control": best_arm.expected_shortfall(control, [treatment]),
        "posterior_mean_control": control.mean,
        "posterior_mean_treatment": treatment.mean,
        "cri_treatment": [credible.lower, credible.upper],
    }


def prob_best(case: Case) -> Answer:
    arms_ = [_beta(arm, case["inputs"]["prior"]) for arm in case["inputs"]["arms"]]
    return {"prob_best": list(best_arm.probability_best(arms_))}


def prob_best_gaussian(case: Case) -> Answer:
    inputs = case["inputs"]
    pairs = zip(inputs["posterior_means"], inputs["posterior_sds"], strict=True)
    shares = best_arm.probability_best([NormalArm(mean, sd) for mean, sd in pairs])
    allocation = best_arm.top_two_allocation(shares, leader=inputs["beta"])
    return {"prob_best": list(shares), "top_two_allocation": list(allocation)}


def potential_value_remaining(case: Case) -> Answer:
    inputs = case["inputs"]
    arms_ = [_beta(arm, inputs["prior"]) for arm in inputs["arms"]]
    shares = best_arm.probability_best(arms_)
    chosen = shares.index(max(shares))
    others = [arm for i, arm in enumerate(arms_) if i != chosen]
    return {
        "best_arm": chosen,
        "pvr_95": best_arm.potential_value_remaining(arms_, chosen, percentile=inputs["percentile"]),
        "expected_regret": best_arm.expected_shortfall(arms_[chosen], others),
    }

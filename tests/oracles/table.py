"""Which function answers which oracle method, and the one list of methods that have no answer yet."""

from collections.abc import Callable

from tests.oracles.compare import Case
from tests.oracles.methods import (
    bandits,
    bayes,
    covariates,
    means,
    pacing,
    planning,
    pricing,
    rows,
    sequential,
    stopping,
)
from tests.oracles.methods.means import Answer

EXACT: dict[str, Callable[[Case], Answer]] = {
    "welch_t": means.welch_t,
    "welch_t_raw": means.welch_t,
    "proportion_pooled_chi2": means.proportion_pooled_chi2,
    "proportion_z": means.proportion_z,
    "proportion_unpooled_z": means.proportion_unpooled_z,
    "proportion_diff_ci": means.proportion_diff_ci,
    "risk_ratio_ci": means.risk_ratio_ci,
    "one_proportion_ci": means.one_proportion_ci,
    "mean_test_log_ratio_ci": means.mean_test_log_ratio_ci,
    "relative_lift_fieller": means.relative_lift_fieller,
    "noninferiority_t": means.noninferiority_t,
    "noninferiority_proportion": means.noninferiority_proportion,
    "edge_case": means.edge_case,
    "min_n_skewness": means.min_n_skewness,
    "ratio_delta": covariates.ratio_delta,
    "lin_regression_adjustment": covariates.lin_regression_adjustment,
    "lin_missing_covariate": covariates.lin_missing_covariate,
    "srm_chi2": covariates.srm_chi2,
    "srm_z": covariates.srm_chi2,
    "srm_binomial": covariates.srm_exact,
    "srm_sequential": covariates.srm_sequential,
    "asymptotic_cs_radius": sequential.asymptotic_cs_radius,
    "asymptotic_cs_two_sided_unit": sequential.asymptotic_cs_two_sided_unit,
    "anytime_valid_t": sequential.anytime_valid_t,
    "normal_mixture_boundary": sequential.normal_mixture_boundary,
    "normal_mixture_log_evalue": sequential.normal_mixture_log_evalue,
    "msprt_normal": sequential.msprt_normal,
    "msprt_bernoulli": sequential.msprt_bernoulli,
    "gs_pocock": sequential.gs_pocock,
    "gs_obrien_fleming": sequential.gs_obrien_fleming,
    "gs_wang_tsiatis": sequential.gs_wang_tsiatis,
    "gs_lan_demets": sequential.gs_lan_demets,
    "gs_sample_size": sequential.gs_sample_size,
    "gs_power": sequential.gs_power,
    "gs_final_inference": sequential.gs_final_inference,
    "conditional_power": sequential.conditional_power,
    "multiple_testing": planning.multiple_testing,
    "fixed_sequence": planning.fixed_sequence,
    "graphical_gatekeeping": planning.graphical_gatekeeping,
    "e_bh": planning.e_bh,
    "fcr_intervals": planning.fcr_intervals,
    "dunnett_critical_value": planning.dunnett_critical_value,
    "power_two_proportions": planning.power_two_proportions,
    "power_t": planning.power_t,
    "power_z": planning.power_z,
    "power_two_sample_gpower": planning.power_two_sample_gpower,
    "power_cuped_multiarm": planning.power_cuped_multiarm,
    "design_effect": planning.design_effect,
    "adaptive_pacing": pacing.adaptive_pacing,
    "bayes_normal_effect": bayes.bayes_normal_effect,
    "beta_binomial": bayes.beta_binomial,
    "empirical_bayes_prior": bayes.empirical_bayes_prior,
    "normal_shrinkage": bayes.normal_shrinkage,
    "prob_best": bayes.prob_best,
    "prob_best_gaussian": bayes.prob_best_gaussian,
    "potential_value_remaining": bayes.potential_value_remaining,
    "bernoulli_confidence_sequence": stopping.bernoulli_confidence_sequence,
    "gamma_exponential_boundary": stopping.gamma_exponential_boundary,
    "gs_futility_beta_spending": stopping.gs_futility_beta_spending,
    "power_mid_experiment": stopping.power_mid_experiment,
    "selection_conditional": stopping.selection_conditional,
    "aggregate_winner_curse": stopping.aggregate_winner_curse,
    "adaptively_weighted_aipw": stopping.adaptively_weighted_aipw,
    "cluster_cr2_satterthwaite": rows.cluster_cr2_satterthwaite,
    "cluster_robust_diff": rows.cluster_robust_diff,
    "mann_whitney": rows.mann_whitney,
    "proportion_exact_or_lr": rows.proportion_exact_or_lr,
    "quantile_ab_always_valid": rows.quantile_ab_always_valid,
    "quantile_ci_exact": rows.quantile_ci_exact,
    "randomisation_test": rows.randomisation_test,
    "revenue_decomposition": rows.revenue_decomposition,
    "segment_heterogeneity": rows.segment_heterogeneity,
    "switchback_horvitz_thompson": rows.switchback_horvitz_thompson,
    "triggered_dilution": rows.triggered_dilution,
    "winsorize": rows.winsorize,
    "beta_ts_discounted": bandits.beta_ts_discounted,
    "gaussian_ts_discounted": bandits.gaussian_ts_discounted,
    "lints_posterior": bandits.lints_posterior,
    "logistic_ts_laplace": bandits.logistic_ts_laplace,
    "monotone_demand_pava": pricing.monotone_demand_pava,
}
"""Answers that are compared key by key."""

LOOSE: dict[str, Callable[[Case], list[str]]] = {
    "relative_lift_delta": means.relative_lift_delta,
    "proportion_unpooled_t": means.proportion_unpooled_t,
    "ratio_delta_relative": covariates.ratio_delta_relative,
    "cuped_pooled_theta": covariates.cuped_means,
    "cuped_pooled_theta_relative": covariates.cuped_means,
    "cuped_ratio": covariates.cuped_ratio,
    "cuped_ratio_relative": covariates.cuped_ratio,
    "post_stratification": covariates.post_stratification,
    "asymptotic_cs_two_sided": sequential.asymptotic_cs,
    "asymptotic_cs_one_sided": sequential.asymptotic_cs,
    "asymptotic_cs_cuped": sequential.asymptotic_cs_cuped,
    "proportion_fisher": rows.proportion_fisher,
    "quantile_cluster_delta": rows.quantile_cluster_delta,
    "quantile_outer_ci": rows.quantile_outer_ci,
}
"""Conventions that are not ours: the looser rule of the case's note, as a list of what is wrong."""

BINDING: dict[str, set[str]] = {
    "mean_test_log_ratio_ci": {"estimate", "ci_lower", "ci_upper", "p_value", "statistic"},
    "ratio_delta": {"estimate", "std_error", "ci_lower", "ci_upper", "p_value", "statistic"},
    "relative_lift_fieller": {"lift", "g", "bounded", "ci_lower", "ci_upper", "log_ci_lower", "log_ci_upper"},
}
"""Where a case also holds values of a convention that is not ours: the keys that bind."""


def binding_keys(case: Case) -> set[str] | None:
    """Return the keys that bind, or None for all."""
    if case["method"] == "proportion_z":
        inputs = case["inputs"]
        plain = not inputs["pooled"] and not inputs["continuity_correction"]
        return {"estimate", "p_value", "ci_lower", "ci_upper"} if plain else {"estimate", "p_value"}
    return BINDING.get(case["method"])


_MODELS = "belongs to decisions (bandits, off-policy evaluation), not to this package"
_LATER = "learning policies choose by Thompson sampling; upper confidence bounds are not offered"
_PEER = "another product's assignment: a compatibility question, ours has golden vectors of its own"

NOT_YET: dict[str, str] = {
    "asymptotic_cs_ratio": "p-value of a delta-method lift: must not be adopted",
    "bucket_ranges": _PEER,
    "choose_variation": _PEER,
    "experiment_run": _PEER,
    "hash_growthbook": _PEER,
    "hash_planout": _PEER,
    "in_namespace": _PEER,
    "linucb_disjoint": _LATER,
    "off_policy_evaluation": _MODELS,
    "power_two_proportions_arcsine": "Cohen's h: a convention that the engine does not offer",
    "ucb1": _LATER,
}
"""Methods without an answer, each with the reason. A method is in exactly one of the three tables."""

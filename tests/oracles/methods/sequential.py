"""Confidence sequences, group-sequential bounds, and inference after them."""

import math

from experiments.statistics import confidence, group_sequential, lift
from experiments.statistics.distributions import normal_sf
from experiments.statistics.final_inference import final_inference
from experiments.statistics.means import checked, welch
from experiments.statistics.moments import Moments
from experiments.statistics.power import units_for_t
from experiments.statistics.results import Undefined
from experiments.statistics.spending import Spending, spent
from tests.oracles.compare import Case, differences
from tests.oracles.methods.covariates import cuped_means as cuped_loose
from tests.oracles.methods.inputs import arms, mean_arm
from tests.oracles.methods.means import Answer, defined

SPENDING = {
    "lan_demets_obf": Spending.OBRIEN_FLEMING,
    "lan_demets_pocock": Spending.POCOCK,
    "kim_demets_power": Spending.POWER,
    "hwang_shih_decani": Spending.HWANG_SHIH_DECANI,
}


def asymptotic_cs_radius(case: Case) -> Answer:
    inputs = case["inputs"]
    return {"z_radius_in_se": confidence.two_sided(inputs["n"], inputs["g"], inputs["alpha"])}


def asymptotic_cs_two_sided_unit(case: Case) -> Answer:
    inputs = case["inputs"]
    exact = confidence.tuned_g(inputs["alpha"], inputs["t_opt"])
    near = confidence.approximate_g(inputs["alpha"], inputs["t_opt"])
    return {
        "rho2_exact": 1.0 / exact,
        "rho2_approx": 1.0 / near,
        "margin_exact": [confidence.two_sided(t, exact, inputs["alpha"]) / math.sqrt(t) for t in inputs["t"]],
        "margin_approx": [confidence.two_sided(t, near, inputs["alpha"]) / math.sqrt(t) for t in inputs["t"]],
    }


def asymptotic_cs(case: Case) -> list[str]:
    """The absolute sequence with the common approximation of g, exactly; never the p-value of the lift."""
    inputs, expected = case["inputs"], case["expected"]
    pair = defined(checked(welch(*arms(inputs))))
    if inputs["effect"] == "relative":
        point = lift.lift(pair)
        same = not isinstance(point, Undefined) and abs(point - expected["estimate"]) < 1e-8
        return [] if same else [f"lift: {point}"]
    n = pair.control.n + pair.treatment.n
    side = inputs.get("alternative", "two-sided")
    alpha = inputs["alpha"]
    g = confidence.approximate_g(alpha if side == "two-sided" else 2.0 * alpha, inputs["n_opt_total"])
    multiplier = confidence.two_sided(n, g, alpha) if side == "two-sided" else confidence.one_sided(n, g, alpha)
    answer = {
        "estimate": pair.difference,
        "std_error": pair.se,
        "rho": 1.0 / math.sqrt(g),
        "ci_lower": -math.inf if side == "less" else pair.difference - multiplier * pair.se,
        "ci_upper": math.inf if side == "greater" else pair.difference + multiplier * pair.se,
        "p_value": confidence.always_valid_p(confidence.log_e_value(pair.statistic, n, g)),
    }
    return differences(case, answer)


def asymptotic_cs_cuped(case: Case) -> list[str]:
    return cuped_loose(
        case | {"expected": {"estimate": case["expected"]["estimate"], "std_error": case["expected"]["std_error"]}}
    )


def anytime_valid_t(case: Case) -> Answer:
    inputs = case["inputs"]
    log_e = confidence.log_e_value_t(inputs["t_statistic"], inputs["df"], inputs["n"], inputs["g"])
    return {
        "log_e_value": log_e,
        "p_value": confidence.always_valid_p(log_e),
        "ci_radius_in_se_alpha05": confidence.t_multiplier(inputs["df"], inputs["n"], inputs["g"], 0.05),
    }


def normal_mixture_boundary(case: Case) -> Answer:
    inputs = case["inputs"]
    v, alpha, root = inputs["v"], inputs["alpha"], math.sqrt(inputs["v"])
    two = confidence.approximate_g(inputs["alpha_opt"], inputs["v_opt"])
    one = confidence.approximate_g(2.0 * inputs["alpha_opt"], inputs["v_opt"])
    return {
        "two_sided": root * confidence.two_sided(v, two, alpha),
        "one_sided": root * confidence.one_sided_mixture(v, one, alpha),
    }


def normal_mixture_log_evalue(case: Case) -> Answer:
    inputs = case["inputs"]
    z, v = inputs["s"] / math.sqrt(inputs["v"]), inputs["v"]
    two = confidence.approximate_g(inputs["alpha_opt"], inputs["v_opt"])
    one = confidence.approximate_g(2.0 * inputs["alpha_opt"], inputs["v_opt"])
    return {
        "log_e_two_sided": confidence.log_e_value(z, v, two),
        "log_e_one_sided": confidence.log_e_value_one_sided(z, v, one),
    }


def msprt_normal(case: Case) -> Answer:
    inputs = case["inputs"]
    ratio = confidence.msprt_likelihood_ratio(
        inputs["diff_in_means"] - inputs["theta0"],
        2.0 * inputs["variance_per_arm"],
        inputs["n_per_arm"],
        inputs["mixing_variance"],
    )
    return {"likelihood_ratio": ratio, "p_value_at_n": min(1.0, 1.0 / ratio)}


def msprt_bernoulli(case: Case) -> Answer:
    inputs = case["inputs"]
    c, t = inputs["p_control"], inputs["p_treatment"]
    variance = c * (1.0 - c) + t * (1.0 - t)
    ratio = confidence.msprt_likelihood_ratio(t - c, variance, inputs["n_per_arm"], inputs["mixing_variance"])
    return {"likelihood_ratio": ratio, "p_value_at_n": min(1.0, 1.0 / ratio)}


def gs_lan_demets(case: Case) -> Answer:
    inputs = case["inputs"]
    kind = SPENDING[inputs["spending"]]
    parameter = inputs.get("rho", inputs.get("gamma"))
    information = tuple(inputs["information"])
    bounds = group_sequential.lan_demets(information, inputs["alpha_two_sided"], spending=kind, parameter=parameter)
    return {
        "z_bounds": list(bounds),
        "cumulative_alpha_one_sided": [spent(t, inputs["alpha_two_sided"] / 2.0, kind, parameter) for t in information],
        "nominal_p_one_sided": [normal_sf(bound) for bound in bounds],
    }


def _shape(delta: float, case: Case) -> Answer:
    bounds = group_sequential.wang_tsiatis(case["inputs"]["K"], case["inputs"]["alpha"], delta)
    return {"z_bounds": list(bounds), "constant": bounds[-1]}


def gs_pocock(case: Case) -> Answer:
    return _shape(0.5, case)


def gs_obrien_fleming(case: Case) -> Answer:
    return _shape(0.0, case)


def gs_wang_tsiatis(case: Case) -> Answer:
    inputs = case["inputs"]
    return {"z_bounds": list(group_sequential.wang_tsiatis(inputs["K"], inputs["alpha_two_sided"], inputs["delta"]))}


def gs_power(case: Case) -> Answer:
    inputs = case["inputs"]
    information = tuple((k + 1) / inputs["K"] for k in range(inputs["K"]))
    bounds = group_sequential.lan_demets(
        information, 2.0 * inputs["alpha_one_sided"], spending=SPENDING[inputs["spending"]]
    )
    reached, expected = group_sequential.power(information, bounds, inputs["drift_at_final"])
    return {"power": reached, "expected_information_fraction": expected}


def gs_sample_size(case: Case) -> Answer:
    inputs = case["inputs"]
    information = tuple((k + 1) / inputs["K"] for k in range(inputs["K"]))
    alpha = 2.0 * inputs["alpha_one_sided"]
    if inputs["type"] == "asOF":
        bounds = group_sequential.lan_demets(information, alpha)
    else:
        bounds = group_sequential.wang_tsiatis(inputs["K"], alpha, 0.0)
    inflation = group_sequential.inflation(information, bounds, alpha, inputs["power"])
    drift = group_sequential.drift_for_power(information, bounds, inputs["power"])
    _, stopped = group_sequential.power(information, bounds, drift)
    fixed = sum(units_for_t(difference=inputs["effect_sd_units"], sd=1.0, alpha=alpha, power=inputs["power"]))
    return {
        "inflation_factor": inflation,
        "n_fixed": fixed,
        "max_n_total": inflation * fixed,
        "expected_n_h1": inflation * fixed * stopped,
    }


def conditional_power(case: Case) -> Answer:
    inputs = case["inputs"]
    return {
        "conditional_power": group_sequential.conditional_power(
            inputs["z_interim"],
            inputs["information_fraction"],
            inputs["final_critical_value"],
            inputs["drift_at_full_information"],
        )
    }


def gs_final_inference(case: Case) -> Answer:
    """The standard deviation is that of all units about their common mean, as the reference estimates it."""
    inputs = case["inputs"]
    fractions = tuple(inputs["information"])
    alpha = 2.0 * inputs["alpha_one_sided"]
    bounds = group_sequential.lan_demets(fractions, alpha, spending=SPENDING[inputs["spending"]])
    seen: Moments | None = None
    information: list[float] = []
    estimates: list[float] = []
    for n, mean, sd in zip(inputs["n_per_stage"], inputs["stage_means"], inputs["stage_sds"], strict=True):
        stage = mean_arm({"n": n, "mean": mean, "var": sd**2})
        seen = stage if seen is None else seen.merge(stage)
        information.append(seen.n / seen.variance("y"))
        estimates.append(seen.mean_of("y"))
    last = final_inference(tuple(information), bounds, estimates[-1] * math.sqrt(information[-1]), alpha)
    half = [bound / math.sqrt(at) for bound, at in zip(bounds, information, strict=True)]
    return {
        "final_p": [None, last.p_value],
        "final_ci_lower": [None, last.lower],
        "final_ci_upper": [None, last.upper],
        "median_unbiased": [None, last.median_unbiased],
        "rci_lower": [e - h for e, h in zip(estimates, half, strict=True)],
        "rci_upper": [e + h for e, h in zip(estimates, half, strict=True)],
        "repeated_p": [_repeated_p(k, fractions, estimates, information) for k in range(len(fractions))],
    }


def _repeated_p(look: int, fractions: tuple[float, ...], estimates: list[float], information: list[float]) -> float:
    """Return the smallest one-sided alpha at which the look's statistic crosses its bound."""
    z = estimates[look] * math.sqrt(information[look])
    low, high = 1e-9, 0.5
    for _ in range(60):
        middle = math.sqrt(low * high)
        if group_sequential.lan_demets(fractions[: look + 1], 2.0 * middle)[-1] > z:
            low = middle
        else:
            high = middle
    return high

"""Multiplicity and power."""

import math

from experiments.statistics import gatekeeping, multiplicity, power
from tests.oracles.compare import Case
from tests.oracles.methods.means import Answer

PROCEDURES = {
    "bonferroni": multiplicity.bonferroni,
    "holm": multiplicity.holm,
    "holm-sidak": multiplicity.holm_sidak,
    "hochberg": multiplicity.hochberg,
    "hommel": multiplicity.hommel,
    "BH": multiplicity.benjamini_hochberg,
    "BY": multiplicity.benjamini_yekutieli,
}


def multiple_testing(case: Case) -> Answer:
    inputs = case["inputs"]
    adjusted = PROCEDURES[inputs["procedure"]](inputs["p_values"])
    alpha = inputs.get("alpha", 0.05)
    return {"adjusted": adjusted, "rejected_indices": [i for i, p in enumerate(adjusted) if p <= alpha]}


def fixed_sequence(case: Case) -> Answer:
    inputs = case["inputs"]
    return {"rejected_indices": gatekeeping.fixed_sequence(inputs["p_values_in_order"], inputs["alpha"])}


def graphical_gatekeeping(case: Case) -> Answer:
    inputs = case["inputs"]
    rejected = gatekeeping.graphical(inputs["p_values"], inputs["weights"], inputs["transition"], inputs["alpha"])
    return {"rejected_indices": rejected}


def e_bh(case: Case) -> Answer:
    inputs = case["inputs"]
    return {"rejected_indices": multiplicity.e_benjamini_hochberg(inputs["e_values"], inputs["alpha"])}


def fcr_intervals(case: Case) -> Answer:
    inputs = case["inputs"]
    selected = inputs["selected_indices"]
    found = gatekeeping.false_coverage_intervals(inputs["estimates"], inputs["std_errors"], selected, inputs["q"])
    level = gatekeeping.false_coverage_level(len(selected), len(inputs["estimates"]), inputs["q"])
    return {"level_each": level, "ci": [[interval.lower, interval.upper] for interval in found]}


def dunnett_critical_value(case: Case) -> Answer:
    inputs = case["inputs"]
    df = math.inf if inputs["df"] == "infinity" else float(inputs["df"])
    loadings = multiplicity.equal_loadings(inputs["treatments"])
    return {"critical_value": multiplicity.dunnett_critical(inputs["alpha"], loadings, df)}


def power_two_proportions(case: Case) -> Answer:
    inputs = case["inputs"]
    base, ratio = inputs["p_control"], inputs["ratio"]
    common = {"alpha": inputs["alpha"], "power": inputs["power"], "ratio": ratio}
    if inputs["solve_for"] == "n_per_arm":
        return {"n_per_arm": power.units_for_proportion(control=base, treatment=inputs["p_treatment"], **common)[0]}
    rate = power.detectable_rate(control=base, units=inputs["n_per_arm"], **common)
    return {"p_treatment": rate, "mde_absolute": rate - base, "mde_relative": rate / base - 1.0}


def power_t(case: Case) -> Answer:
    inputs = case["inputs"]
    alpha = inputs["alpha"]
    if "cohen_d" in inputs:
        reached = power.power_t(
            difference=inputs["cohen_d"],
            sd=1.0,
            n_control=inputs["n_control"],
            n_treatment=inputs["n_treatment"],
            alpha=alpha,
        )
        return {"power": reached}
    if inputs["solve_for"] == "delta":
        n = inputs["n_per_arm"]
        found = power.detectable_difference_t(
            sd=inputs["sd"], n_control=n, n_treatment=n, alpha=alpha, power=inputs["power"]
        )
        return {"delta": found}
    if inputs["solve_for"] == "n_per_arm":
        units, _ = power.units_for_t(difference=inputs["delta"], sd=inputs["sd"], alpha=alpha, power=inputs["power"])
        return {"n_per_arm": units}
    return _power_from_totals(case)


def _power_from_totals(case: Case) -> Answer:
    inputs = case["inputs"]
    sd, n, alpha = math.sqrt(inputs["variance"]), inputs["n_total"], inputs["alpha"]
    answer: Answer = {"n_total": n, "effect_size": inputs["effect_size"], "power": inputs["power"]}
    if inputs["solve_for"] == "n_obs":
        found = power.units_for_t(difference=inputs["effect_size"], sd=sd, alpha=alpha, power=inputs["power"])
        return answer | {"n_total": math.ceil(sum(found))}
    if inputs["solve_for"] == "effect_size":
        size = power.detectable_difference_t(
            sd=sd, n_control=n / 2, n_treatment=n / 2, alpha=alpha, power=inputs["power"]
        )
        return answer | {"effect_size": size}
    reached = power.power_t(difference=inputs["effect_size"], sd=sd, n_control=n / 2, n_treatment=n / 2, alpha=alpha)
    return answer | {"power": reached}


def power_z(case: Case) -> Answer:
    inputs = case["inputs"]
    control, _ = power.units_for_mean(
        variance_control=1.0,
        variance_treatment=1.0,
        difference=inputs["cohen_d"],
        alpha=inputs["alpha"],
        power=inputs["power"],
        ratio=inputs["ratio_treatment_to_control"],
    )
    return {"n_control": control}


def power_two_sample_gpower(case: Case) -> Answer:
    inputs = case["inputs"]
    shares = inputs["allocations"]
    ratio = shares[1] / shares[0]
    common = {"alpha": inputs["alpha"], "power": inputs["power"], "ratio": ratio}
    if inputs["kind"] == "proportion":
        base = inputs["p_control"]
        control, _ = power.units_for_proportion(control=base, treatment=base + inputs["mde_absolute"], **common)
    else:
        control, _ = power.units_for_mean(
            variance_control=inputs["variance"],
            variance_treatment=inputs["variance"],
            difference=inputs["mde_absolute"],
            **common,
        )
    return {"n_total": control / shares[0]}


def power_cuped_multiarm(case: Case) -> Answer:
    inputs = case["inputs"]
    variance = inputs["sd"] ** 2
    control, _ = power.units_for_mean(
        variance_control=variance,
        variance_treatment=variance,
        difference=inputs["mde_absolute"],
        alpha=inputs["alpha"] / (inputs["arms"] - 1),
        power=inputs["power"],
        variance_left=1.0 - inputs["pre_post_correlation"] ** 2,
    )
    return {"n_per_arm": control, "total": inputs["arms"] * control}


def design_effect(case: Case) -> Answer:
    inputs = case["inputs"]
    factor = power.design_effect(
        mean_size=inputs["mean_cluster_size"], icc=inputs["icc"], cv_size=inputs["cv_cluster_size"]
    )
    total = factor * inputs["n_individual_total"]
    return {"design_effect": factor, "n_total": total, "clusters": math.ceil(total / inputs["mean_cluster_size"])}

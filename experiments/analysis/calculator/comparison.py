"""What one look says of arms that are known by their summary numbers: the request, and the answer with its reasons."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from experiments.analysis.calculator.reading import CalculationInvalid, blamed, check_sizes
from experiments.analysis.summaries import (
    LARGEST_COUNT,
    SampleRatio,
    SummaryComparison,
    SummaryInvalid,
    compare,
    conversions,
    sample_ratio,
    totals,
    values,
)
from experiments.statistics.designs import SMALLEST_ALPHA
from experiments.statistics.moments import Moments
from experiments.vocabulary import MetricKind

SCHEMA = 1
MOST_TREATMENTS = 10
"""As many exact tests of a thousand units take about a second."""
SMALLEST, LARGEST = 1e-30, 1e45
"""Sizes of numbers that are computed with: sums of squares of 1e15 units are large."""
KINDS: Final = {"conversion": MetricKind.CONVERSION, "mean": MetricKind.SUM, "ratio": MetricKind.RATIO}
FIELDS: Final = {
    "conversion": ("units", "conversions"),
    "mean": ("units", "mean", "sd", "nonzero"),
    "ratio": ("units", "numerator", "denominator", "numerator_squares", "denominator_squares", "products"),
}
"""What describes an arm, by the kind of metric."""
OPTIONAL: Final = frozenset({"nonzero"})


def _count(description: str) -> Meta:
    return Meta(description=description, extra_json_schema={"minimum": 0, "maximum": LARGEST_COUNT})


class ArmRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One arm: units and conversions; units, mean and sd; or units and the sums of both parts of a ratio."""

    units: Annotated[int, _count("Units in the arm.")]
    conversions: Annotated[int | None, _count("Conversion: units that converted.")] = None
    mean: Annotated[float | None, Meta(description="Mean: average per unit, units without a value included.")] = None
    sd: Annotated[
        float | None,
        Meta(description="Mean: standard deviation between units.", extra_json_schema={"minimum": 0}),
    ] = None
    nonzero: Annotated[int | None, _count("Mean: units with a value other than 0; may be left out.")] = None
    numerator: Annotated[float | None, Meta(description="Ratio: sum of the numerator over units.")] = None
    denominator: Annotated[float | None, Meta(description="Ratio: sum of the denominator over units.")] = None
    numerator_squares: Annotated[float | None, Meta(description="Ratio: sum over units of the squared numerator.")] = (
        None
    )
    denominator_squares: Annotated[
        float | None, Meta(description="Ratio: sum over units of the squared denominator.")
    ] = None
    products: Annotated[float | None, Meta(description="Ratio: sum over units of numerator times denominator.")] = None


class CompareRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arms to compare; `split` are the planned weights, control first, equal ones if left out.

    Numbers other than 0 have a size from 1e-30 to 1e45.
    """

    control: ArmRequest
    treatments: Annotated[tuple[ArmRequest, ...], Meta(min_length=1, max_length=MOST_TREATMENTS)]
    kind: Annotated[Literal["conversion", "mean", "ratio"], Meta(description="Of the metric.")] = "conversion"
    alpha: Annotated[
        float,
        Meta(
            description="Intervals have level 1 - alpha.",
            extra_json_schema={"minimum": SMALLEST_ALPHA, "exclusiveMaximum": 1},
        ),
    ] = 0.05
    split: Annotated[
        tuple[float, ...],
        Meta(
            description="Planned weights of any scale, control first; equal if left out or empty.",
            max_length=1 + MOST_TREATMENTS,
        ),
    ] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """What one look says: each treatment against control, and whether the split holds."""

    alpha: float
    comparisons: tuple[SummaryComparison, ...]
    sample_ratio: SampleRatio


def compared(request: CompareRequest) -> Compared:
    """Return what one look says of the arms. Raises CalculationInvalid."""
    check_sizes(request, smallest=SMALLEST, largest=LARGEST)
    if not SMALLEST_ALPHA <= request.alpha <= 1.0 - SMALLEST_ALPHA:
        raise CalculationInvalid("alpha", f"must be between {SMALLEST_ALPHA:g} and 1, not {request.alpha:g}")
    arms = [_arm(request.kind, place, arm) for place, arm in _placed(request)]
    try:
        found = compare(KINDS[request.kind], arms[0], arms[1:], alpha=request.alpha)
        counts = [arm.n for arm in arms]
        ratio = sample_ratio(counts, request.split or [1.0] * len(arms))
    except SummaryInvalid as error:
        raise blamed(error, {}) from error
    return Compared(request.alpha, found, ratio)


def comparison_figures(found: Compared) -> dict[str, Any]:
    """Return the answer as plain values."""
    return {"schema": SCHEMA, **asdict(found)}


def arm_of(kind: str, numbers: Sequence[object], place: str) -> dict[str, object]:
    """Return an arm as plain values from numbers in the order of `FIELDS`. Raises CalculationInvalid."""
    names = FIELDS[kind]
    least = sum(name not in OPTIONAL for name in names)
    if not least <= len(numbers) <= len(names):
        wanted = ", ".join(f"{name} if known" if name in OPTIONAL else name for name in names)
        raise CalculationInvalid(place, f"needs {wanted}; not {len(numbers)} numbers")
    return dict(zip(names, numbers, strict=False))


def _placed(request: CompareRequest) -> Iterator[tuple[str, ArmRequest]]:
    yield "control", request.control
    for number, arm in enumerate(request.treatments):
        yield f"treatments[{number}]", arm


def _arm(kind: str, place: str, arm: ArmRequest) -> Moments:
    given = {name: value for name in arm.__struct_fields__ if (value := getattr(arm, name)) is not None}
    for name in given:
        if name not in FIELDS[kind]:
            raise CalculationInvalid(f"{place}.{name}", f"does not describe an arm of a {kind}", hint="Leave it out.")
    for name in FIELDS[kind]:
        if name not in given and name not in OPTIONAL:
            needed = ", ".join(wanted for wanted in FIELDS[kind] if wanted not in OPTIONAL)
            raise CalculationInvalid(f"{place}.{name}", "is missing", hint=f"An arm of a {kind} needs {needed}.")
    n = given.pop("units")
    try:
        match kind:
            case "conversion":
                return conversions(n, given["conversions"])
            case "mean":
                return values(n, **given)
            case _:
                return totals(n, **given)
    except SummaryInvalid as error:
        found = blamed(error, {"n": "units"})
        raise CalculationInvalid(f"{place}.{found.field}", found.problem, hint=found.hint) from error

"""`/api/v1/calculator`: a test planned, or finished arms compared, from summary numbers alone."""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from experiments.analysis.calculator.comparison import Compared, CompareRequest, compared, comparison_figures
from experiments.analysis.calculator.power import PowerRequest, planned, power_figures
from experiments.analysis.calculator.reading import CalculationInvalid, read
from experiments.api.base import ServerView
from experiments.api.schemas import JSON, PROBLEMS, Schema, schema_of
from experiments.statistics.calculator import Answer

POWER_EXAMPLES: Final[Mapping[str, dict[str, Any]]] = {
    "How long?": {"rate": 0.04, "effect": 0.05, "per_day": 2000},
    "What can four weeks find?": {"kind": "mean", "mean": 2.5, "sd": 30, "r2": 0.3, "days": 28, "per_day": 5000},
    "With a guardrail": {
        "rate": 0.04,
        "effect": 0.05,
        "treatments": 2,
        "guardrails": [{"name": "errors", "rate": 0.01, "margin": 0.2, "lower_is_better": True}],
    },
}
_SUMS: Final = {
    "units": 5000,
    "numerator": 61000.0,
    "denominator": 9000.0,
    "numerator_squares": 1490000.0,
    "denominator_squares": 23000.0,
    "products": 158000.0,
}
COMPARE_EXAMPLES: Final[Mapping[str, dict[str, Any]]] = {
    "Conversions": {
        "control": {"units": 10000, "conversions": 400},
        "treatments": [{"units": 10000, "conversions": 460}],
        "split": [50, 50],
    },
    "Revenue": {
        "kind": "mean",
        "control": {"units": 5000, "mean": 2.5, "sd": 30, "nonzero": 210},
        "treatments": [{"units": 5000, "mean": 3.1, "sd": 33, "nonzero": 240}],
    },
    "Revenue per order": {
        "kind": "ratio",
        "control": _SUMS,
        "treatments": [_SUMS | {"numerator": 62500.0, "numerator_squares": 1560000.0}],
    },
}
_SCHEMA_NUMBER: Final[Schema] = {"schema": {"const": 1}}


def _with(found: Schema, **properties: Schema) -> Schema:
    """Return the schema of an object with further properties, all of them required."""
    return found | {
        "properties": {**properties, **found["properties"]},
        "required": [*properties, *found["required"]],
    }


def _examples(bodies: Mapping[str, dict[str, Any]]) -> list[OpenApiExample]:
    return [OpenApiExample(title, value=body, request_only=True) for title, body in bodies.items()]


class CalculatorView(ServerView):
    """An endpoint that computes from its body alone; a refusal points at the field to mend."""

    def handle_exception(self, exc: Exception) -> Response:
        """Return the problem, with the field where one is to blame."""
        answer = super().handle_exception(exc)
        if isinstance(exc, CalculationInvalid) and exc.field:
            answer.data["errors"] = [{"pointer": _pointer(exc.field), "detail": exc.problem}]
        return answer


class Power(CalculatorView):
    """`POST /api/v1/calculator/power`."""

    @extend_schema(
        operation_id="calculator_power",
        summary="How many units and weeks, how small a lift, or how much power",
        description="What `bin/manage power` computes. Give an effect, or units or days, or both.",
        request={JSON: schema_of(PowerRequest)},
        responses={
            (200, JSON): _with(schema_of(Answer), **_SCHEMA_NUMBER, design=schema_of(PowerRequest)),
            **PROBLEMS,
        },
        examples=_examples(POWER_EXAMPLES),
    )
    def post(self, request: Request) -> Response:
        """Return the design with every figure filled in."""
        asked = read(PowerRequest, request.data)
        return Response(power_figures(asked, planned(asked)))


class Compare(CalculatorView):
    """`POST /api/v1/calculator/compare`."""

    @extend_schema(
        operation_id="calculator_compare",
        summary="What one look says of finished arms",
        description="What `bin/manage power --compare` computes, by the functions that judge an experiment.",
        request={JSON: schema_of(CompareRequest)},
        responses={(200, JSON): _with(schema_of(Compared), **_SCHEMA_NUMBER), **PROBLEMS},
        examples=_examples(COMPARE_EXAMPLES),
    )
    def post(self, request: Request) -> Response:
        """Return each treatment's comparison with control, and whether the split holds."""
        return Response(comparison_figures(compared(read(CompareRequest, request.data))))


def _pointer(field: str) -> str:
    """Return the JSON pointer of a field: guardrails[0].margin is #/guardrails/0/margin."""
    return "#/" + field.replace("[", "/").replace("]", "").replace(".", "/")

"""The form `Compare results`: arms as they were typed, and the request that the API takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.utils.translation import gettext_lazy as _

from experiments.analysis.calculator.comparison import (
    FIELDS,
    MOST_TREATMENTS,
    OPTIONAL,
    Compared,
    CompareRequest,
    compared,
)
from experiments.analysis.calculator.reading import CalculationInvalid, read
from experiments.reports.calculator.fields import Form, Shown, Spec, read_field, shown, typed_of
from experiments.reports.wording import Text

LEAST_ARMS: Final = 2
_COUNT: Final = _("A whole number, 0 or more.")
_SPECS: Final[dict[str, Spec]] = {
    spec.name: spec
    for spec in (
        Spec("units", _("Visitors"), Form.WHOLE, _COUNT),
        Spec("conversions", _("Converted"), Form.WHOLE, _("A whole number, and not more than the visitors.")),
        Spec("mean", _("Average"), Form.NUMBER, _("A number.")),
        Spec("sd", _("Standard deviation"), Form.NUMBER, _("A number, 0 or more.")),
        Spec("nonzero", _("With a value"), Form.WHOLE, _("A whole number, and not more than the visitors; or empty.")),
        Spec("numerator", _("Sum above"), Form.NUMBER, _("A number.")),
        Spec("denominator", _("Sum below"), Form.NUMBER, _("A number.")),
        Spec("numerator_squares", _("Squares above"), Form.NUMBER, _("At least what the sum above requires.")),
        Spec("denominator_squares", _("Squares below"), Form.NUMBER, _("At least what the sum below requires.")),
        Spec("products", _("Products"), Form.NUMBER, _("Not more than both sums of squares allow.")),
        Spec(
            "weight",
            _("Planned share"),
            Form.NUMBER,
            _("A number above 0, for every variant or for none."),
            help=_("50 and 50 is half and half; empty everywhere: equal parts."),
        ),
    )
}
_ALPHA: Final = Spec(
    "alpha", _("False alarms without any effect, %"), Form.PERCENT, _("Above 0 and below 100."), default="5"
)
_MISSING: Final = _("Fill this in.")
_EXAMPLES: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "conversion": (("10000", "400"), ("10000", "460")),
    "mean": (("5000", "2.5", "30", "210"), ("5000", "3.1", "33", "240")),
    "ratio": (
        ("5000", "61000", "9000", "1490000", "23000", "158000"),
        ("5000", "62500", "9000", "1560000", "23000", "158000"),
    ),
}


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One arm of the form; number 0 is the control."""

    number: int
    fields: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class CompareForm:
    """The form as typed, and the answer if there is one."""

    kind: str
    headings: tuple[Text, ...]
    arms: tuple[ArmRow, ...]
    alpha: Shown
    more: int | None
    found: Compared | None
    fault: bool
    example: bool


def compare_form(given: Mapping[str, str]) -> CompareForm:
    """Return the form with its answer; without anything typed, those of an example."""
    typed = typed_of(given)
    kind = typed.get("kind", "")
    kind = kind if kind in FIELDS else "conversion"
    example = not any(name.startswith("a0_") for name in typed)
    count = _arms(typed.get("arms", ""))
    rows = tuple(tuple(_spec(name, number) for name in (*FIELDS[kind], "weight")) for number in range(count))
    typed = {_ALPHA.name: _ALPHA.default, **(_example(kind) if example else {}), **typed}
    wrong: dict[str, Text] = {}
    used = [n for n, row in enumerate(rows) if n < LEAST_ARMS or any(typed.get(spec.name) for spec in row)]
    body = _body(kind, [rows[number] for number in used], typed, wrong)
    found = None
    if not wrong:
        try:
            found = compared(read(CompareRequest, body))
        except CalculationInvalid as error:
            wrong = _blame(error, used)
    return CompareForm(
        kind=kind,
        headings=tuple(spec.label for spec in rows[0]),
        arms=tuple(ArmRow(number, tuple(shown(spec, typed, wrong) for spec in row)) for number, row in enumerate(rows)),
        alpha=shown(_ALPHA, typed, wrong),
        more=count + 1 if count <= MOST_TREATMENTS else None,
        found=found,
        fault=bool(wrong),
        example=example,
    )


def _arms(text: str) -> int:
    """Return how many arms the form has, control included."""
    asked = int(text) if text.isascii() and text.isdigit() else LEAST_ARMS
    return min(max(asked, LEAST_ARMS), 1 + MOST_TREATMENTS)


def _spec(name: str, number: int) -> Spec:
    spec = _SPECS[name]
    return replace(spec, name=f"a{number}_{name}", help=spec.help if number == 0 else "")


def _example(kind: str) -> dict[str, str]:
    return {
        f"a{number}_{name}": value
        for number, values in enumerate(_EXAMPLES[kind])
        for name, value in zip(FIELDS[kind], values, strict=True)
    }


def _body(
    kind: str, rows: Sequence[tuple[Spec, ...]], typed: Mapping[str, str], wrong: dict[str, Text]
) -> dict[str, object]:
    """Return the request as plain values; fields that cannot be read are added to `wrong`."""
    arms: list[dict[str, object]] = []
    weights: list[object] = []
    for row in rows:
        arm: dict[str, object] = {}
        for spec in row[:-1]:
            name = spec.name.partition("_")[2]
            value = read_field(spec, typed, wrong)
            if value is not None:
                arm[name] = value
            elif spec.name not in wrong and name not in OPTIONAL:
                wrong[spec.name] = _MISSING
        weight = read_field(row[-1], typed, wrong)
        if weight is not None:
            weights.append(weight)
        arms.append(arm)
    alpha = read_field(_ALPHA, typed, wrong)
    if weights and len(weights) < len(arms):
        wrong.setdefault("a0_weight", _SPECS["weight"].rule)
    return {
        "kind": kind,
        "control": arms[0],
        "treatments": arms[1:],
        "split": weights,
        **({} if alpha is None else {"alpha": alpha}),
    }


def _blame(error: CalculationInvalid, used: Sequence[int]) -> dict[str, Text]:
    """Return the form's field that holds what was refused, with its rule; treatments[0].sd is a1_sd.

    used: the rows of the form that the arms of the request came from, control first.
    """
    place, _dot, name = error.field.partition(".")
    if place == "alpha":
        return {"alpha": _ALPHA.rule}
    if place.startswith("split"):
        return {"a0_weight": _SPECS["weight"].rule}
    number = 0 if place == "control" else 1 + int(place.removeprefix("treatments[").removesuffix("]") or 0)
    number = used[number]
    return {f"a{number}_{name}": _SPECS[name].rule if name in _SPECS else error.message}

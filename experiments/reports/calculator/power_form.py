"""The form `How long?`: from what was typed to the request that the API takes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.utils.translation import gettext_lazy as _

from experiments.analysis.calculator.power import Planned, PowerRequest, planned
from experiments.analysis.calculator.reading import CalculationInvalid, read
from experiments.analysis.plan import SequentialMethod
from experiments.reports.calculator.fields import Form, Shown, Spec, read_field, shown, typed_of
from experiments.reports.wording import METHODS as METHOD_WORDS
from experiments.reports.wording import Text

GUARDRAILS: Final = 3
_SHARE: Final = _("Above 0 and below 100.")
_ABOVE_ZERO: Final = _("A number above 0.")

KINDS: Final[tuple[tuple[str, Text], ...]] = (
    ("conversion", _("A share: who buys, clicks, signs up")),
    ("mean", _("An average: revenue or orders per visitor")),
    ("ratio", _("A ratio: revenue per order, clicks per view")),
)
_BASELINES: Final[dict[str, tuple[Spec, ...]]] = {
    "conversion": (Spec("rate", _("Rate today, %"), Form.PERCENT, _SHARE, default="4"),),
    "mean": (
        Spec("mean", _("Average per visitor today"), Form.NUMBER, _ABOVE_ZERO, default="2.5"),
        Spec(
            "sd",
            _("Standard deviation between visitors"),
            Form.NUMBER,
            _ABOVE_ZERO,
            help=_("Count visitors without a purchase as 0."),
            default="30",
        ),
    ),
    "ratio": (
        Spec("mean", _("Ratio today"), Form.NUMBER, _ABOVE_ZERO, default="60"),
        Spec(
            "sd",
            _("Its standard deviation per visitor"),
            Form.NUMBER,
            _ABOVE_ZERO,
            help=_("Of the linearised ratio: the standard error of a past readout times the root of its visitors."),
            default="90",
        ),
    ),
}
_QUESTION: Final = (
    Spec("per_day", _("Visitors a day, all variants"), Form.NUMBER, _ABOVE_ZERO, default="5000"),
    Spec(
        "effect",
        _("Smallest lift worth finding, %"),
        Form.PERCENT,
        _("Not 0, above −100, and not more than the metric can grow; a tiny lift cannot be found."),
        default="10",
    ),
    Spec(
        "weeks",
        _("Weeks you have"),
        Form.NUMBER,
        _("More than the days that each visitor is watched, with enough visitors for every variant."),
        help=_("Leave this or the lift empty to have it computed; with both you get the chance to find the lift."),
    ),
)
_OPTIONS: Final = (
    Spec("treatments", _("Variants beside the control"), Form.WHOLE, _("A whole number from 1 to 50."), default="1"),
    Spec(
        "window_days",
        _("Days each visitor is watched"),
        Form.WHOLE,
        _("A whole number from 0 to 365."),
        default="7",
    ),
    Spec(
        "power", _("Chance to find the lift, %"), Form.PERCENT, _("Above the false alarms and below 100."), default="80"
    ),
    Spec(
        "alpha",
        _("False alarms without any effect, %"),
        Form.PERCENT,
        _("Above 0 and below 50."),
        help=_("Two-sided, all variants and decision metrics together."),
        default="5",
    ),
    Spec(
        "method",
        _("Looks before the end"),
        Form.CHOICE,
        _("Choose one of the list."),
        default="group-sequential",
        choices=(
            ("group-sequential", METHOD_WORDS[SequentialMethod.GROUP_SEQUENTIAL]),
            ("confidence-sequence", METHOD_WORDS[SequentialMethod.CONFIDENCE_SEQUENCE]),
            ("fixed", METHOD_WORDS[SequentialMethod.FIXED_HORIZON]),
        ),
    ),
    Spec(
        "looks",
        _("Number of looks"),
        Form.WHOLE,
        _("A whole number from 1 to 120, fewer with many guardrails, and one where there is one look at the end."),
        help=_("Empty: 14, or one at the end."),
    ),
    Spec(
        "r2",
        _("Variance that history explains, %"),
        Form.PERCENT,
        _("0 or more and below 100."),
        help=_("With metrics that use the days before exposure (CUPED)."),
    ),
    Spec(
        "triggered",
        _("Visitors that the change can reach, %"),
        Form.PERCENT,
        _("Above 0, at most 100."),
        default="100",
    ),
    Spec("decision_metrics", _("Decision metrics"), Form.WHOLE, _("A whole number from 1 to 50."), default="1"),
    Spec("control_share", _("Share of the control, %"), Form.PERCENT, _SHARE, help=_("Empty: all variants alike.")),
    Spec(
        "cluster_size",
        _("Visitors per cluster"),
        Form.NUMBER,
        _("1 or more."),
        help=_("Where whole stores or towns are assigned."),
    ),
    Spec("icc", _("Correlation within clusters"), Form.NUMBER, _("Between 0 and 1.")),
    Spec("cluster_cv", _("Variation of cluster sizes"), Form.NUMBER, _("0 or more.")),
)
_GUARDRAIL: Final = (
    Spec("name", _("Name"), Form.TEXT),
    Spec("rate", _("Rate today, %"), Form.PERCENT, _SHARE),
    Spec("mean", _("or average"), Form.NUMBER, _ABOVE_ZERO),
    Spec("sd", _("with standard deviation"), Form.NUMBER, _ABOVE_ZERO),
    Spec("margin", _("Largest loss you accept, %"), Form.PERCENT, _SHARE),
    Spec("lower_is_better", _("Lower is better"), Form.CHECK),
)
_ROWS: Final = tuple(
    tuple(replace(spec, name=f"g{place}_{spec.name}") for spec in _GUARDRAIL) for place in range(GUARDRAILS)
)
_MISSING: Final = _("Fill this in.")
_NO_QUESTION: Final = _("Give a lift to find, or the weeks you have.")
_PLACES: Final = {"days": "weeks", "units": "weeks", "guardrails": "effect"}
"""Fields of the form for those of the request that it has not."""


@dataclass(frozen=True, slots=True)
class PowerForm:
    """The form as typed, the request it makes, and the answer if there is one.

    fault: something is wrong with what was typed. example: nothing was typed, the figures are an example.
    """

    kind: str
    baseline: tuple[Shown, ...]
    question: tuple[Shown, ...]
    options: tuple[Shown, ...]
    guardrails: tuple[tuple[Shown, ...], ...]
    request: PowerRequest | None
    found: Planned | None
    fault: bool
    open: bool
    example: bool


def power_form(given: Mapping[str, str]) -> PowerForm:
    """Return the form with its answer; without anything typed, those of an example."""
    typed = typed_of(given)
    kind = typed.get("kind", "")
    kind = kind if kind in _BASELINES else "conversion"
    typed["kind"] = kind
    example = not any(spec.name in typed for spec in (*_BASELINES[kind], *_QUESTION))
    plain = {spec.name: spec.default for spec in _main(kind)}
    usual = {spec.name: spec.default for spec in _OPTIONS if spec.default}
    typed = {**(plain if example else {}), **usual, **typed}
    wrong: dict[str, Text] = {}
    body = _body(typed, wrong)
    request, found = None, None
    if not wrong:
        try:
            request = read(PowerRequest, body)
            found = planned(request)
        except CalculationInvalid as error:
            wrong = _blame(error, kind, [place for place, row in enumerate(_ROWS) if _filled(row, typed)])
    return _form(typed, wrong, request, found, example=example)


def _form(
    typed: dict[str, str], wrong: dict[str, Text], request: PowerRequest | None, found: Planned | None, *, example: bool
) -> PowerForm:
    kind = typed["kind"]
    guardrails = tuple(tuple(shown(spec, typed, wrong) for spec in row) for row in _ROWS)
    options = tuple(shown(spec, typed, wrong) for spec in _OPTIONS)
    rest = [field for row in (options, *guardrails) for field in row]
    changed = any(typed.get(spec.name, "") not in ("", spec.default) for spec in _OPTIONS)
    return PowerForm(
        kind=kind,
        baseline=tuple(shown(spec, typed, wrong) for spec in _BASELINES[kind]),
        question=tuple(shown(spec, typed, wrong) for spec in _QUESTION),
        options=options,
        guardrails=guardrails,
        request=request,
        found=found,
        fault=bool(wrong),
        open=changed or any(field.error for field in rest) or any(field.value for row in guardrails for field in row),
        example=example,
    )


def _body(typed: Mapping[str, str], wrong: dict[str, Text]) -> dict[str, object]:
    """Return the request as plain values; fields that cannot be read are added to `wrong`."""
    body: dict[str, object] = {"kind": typed["kind"]}
    for spec in (*_main(typed["kind"]), *_OPTIONS):
        value = read_field(spec, typed, wrong)
        if value is not None:
            body[spec.name] = value
    weeks = body.pop("weeks", None)
    if isinstance(weeks, float):
        body["days"] = weeks * 7.0
    rows = (row for row in _ROWS if _filled(row, typed))
    body["guardrails"] = [dict(_guardrail(row, typed, wrong)) for row in rows]
    return body


def _filled(row: tuple[Spec, ...], typed: Mapping[str, str]) -> bool:
    return any(typed.get(spec.name) for spec in row)


def _guardrail(row: tuple[Spec, ...], typed: Mapping[str, str], wrong: dict[str, Text]) -> Iterator[tuple[str, object]]:
    yield "name", typed.get(row[0].name) or row[0].name.partition("_")[0]
    for spec in row[1:]:
        value = read_field(spec, typed, wrong)
        if value is not None:
            yield spec.name.partition("_")[2], value


def _blame(error: CalculationInvalid, kind: str, places: Sequence[int]) -> dict[str, Text]:
    """Return the form's field that holds what was refused, with its rule; guardrails[0].margin is g0_margin.

    places: the rows of the form that the guardrails of the request came from.
    """
    field = _PLACES.get(error.field, error.field)
    if field.startswith("guardrails["):
        place, _dot, name = field.removeprefix("guardrails[").replace("]", "").partition(".")
        field = f"g{places[int(place)]}_{name or 'rate'}"
    specs = {spec.name: spec for row in (_main(kind), _OPTIONS, *_ROWS) for spec in row}
    if error.problem.startswith("is missing"):
        return {field: _NO_QUESTION if field == "effect" else _MISSING}
    return {field: specs[field].rule if field in specs else error.message}


def _main(kind: str) -> tuple[Spec, ...]:
    return (*_BASELINES[kind], *_QUESTION)

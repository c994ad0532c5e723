"""The verdict's reasons as sentences in the language of the page; `experiments.analysis.wording` is their grammar."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from experiments.analysis import wording
from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.reasons import Parameter, ReasonCode, ReasonItem
from experiments.reports import figures
from experiments.reports.figures import Shape, shape_of
from experiments.reports.names import Names

_DIFFERENCES = frozenset({"difference", "lower", "upper"})
_NAMES_OF_VARIANTS = frozenset({"variant", "reference", "other"})


def sentences_of(reasons: Sequence[ReasonItem], *, names: Names, plan: AnalysisPlan, currency: str) -> list[str]:
    """Return the sentences of a verdict's reasons in their order.

    Of several checks that block only the first tells what to do: one cause fails many, and each says its own below.
    """
    found: list[str] = []
    blocked = False
    for reason in reasons:
        if blocked and reason.code is ReasonCode.CHECK_BLOCKS:
            check = str(reason.params["check"])
            found.append(_("The check “%(check)s” failed as well.") % {"check": _text("check", check, names)})
            continue
        blocked = blocked or reason.code is ReasonCode.CHECK_BLOCKS
        found.append(sentence_of(reason, names=names, plan=plan, currency=currency))
    return found


def sentence_of(reason: ReasonItem, *, names: Names, plan: AnalysisPlan, currency: str) -> str:
    """Return the sentence of a reason with its values written as the page writes numbers."""
    shape = _shape(reason.params.get("metric"), plan)
    decimals = _decimals(reason.params, shape)
    values = {name: _value(name, value, names, shape, currency, decimals) for name, value in reason.params.items()}
    if isinstance(check := reason.params.get("check"), str):
        values["advice"] = _(advice) if (advice := wording.ADVICE.get(check)) else ""
    return (_(wording.REASONS[reason.code]) % _Lenient(values)).rstrip()


class _Lenient(dict[str, str]):
    """Values of a sentence; one that the verdict did not give is said to be missing, not an error."""

    def __missing__(self, name: str) -> str:
        return _("(unknown)")


def _shape(metric: Parameter, plan: AnalysisPlan) -> Shape:
    return next((shape_of(planned.spec) for planned in plan.metrics if planned.spec.key == metric), Shape.NUMBER)


def _decimals(params: Mapping[str, Parameter], shape: Shape) -> int:
    scale = 100.0 if shape is Shape.SHARE else 1.0
    found = [value * scale for name, value in params.items() if name in _DIFFERENCES and isinstance(value, float)]
    return figures.decimals_for(*found)


def _value(name: str, value: Parameter, names: Names, shape: Shape, currency: str, decimals: int) -> str:
    if value is None:
        return _("no end") if name in ("lower", "upper") else _("not defined")
    if isinstance(value, str):
        return _text(name, value, names)
    if name in _DIFFERENCES:
        return figures.difference(float(value), shape, currency, decimals)
    if name == "chance":
        return figures.chance(float(value))
    if name in ("margin", "alpha"):
        return figures.percent(float(value))
    return figures.count(int(value)) if float(value).is_integer() else f"{value:.1f}"


def _text(name: str, value: str, names: Names) -> str:
    if name == "metric":
        return names.metric(value)
    if name in _NAMES_OF_VARIANTS:
        return _("“%(name)s”") % {"name": names.variant(value)}
    if name == "check":
        return _(wording.CHECKS.get(value, value))
    if name == "why":
        return _(wording.UNDEFINED.get(value, value))
    return value

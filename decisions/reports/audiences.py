"""Audiences as people read them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from experiments.reports.wording import UNITS, Text
from experiments.vocabulary import UnitKind

_SHOWN_VALUES: Final = 5
_CONDITIONS: Final[dict[str, Text]] = {
    "eq": pgettext_lazy("audience", "%(name)s is %(value)s"),
    "ne": pgettext_lazy("audience", "%(name)s is not %(value)s"),
    "in": pgettext_lazy("audience", "%(name)s is one of %(value)s"),
    "not_in": pgettext_lazy("audience", "%(name)s is none of %(value)s"),
    "gt": pgettext_lazy("audience", "%(name)s is above %(value)s"),
    "gte": pgettext_lazy("audience", "%(name)s is at least %(value)s"),
    "lt": pgettext_lazy("audience", "%(name)s is below %(value)s"),
    "lte": pgettext_lazy("audience", "%(name)s is at most %(value)s"),
    "prefix": pgettext_lazy("audience", "%(name)s begins with %(value)s"),
    "semver_gte": pgettext_lazy("audience", "%(name)s is version %(value)s or later"),
    "semver_lt": pgettext_lazy("audience", "%(name)s is a version before %(value)s"),
    "matches": pgettext_lazy("audience", "%(name)s matches %(value)s"),
}
EVERYBODY: Final = gettext_lazy("everybody")


def audience_words(audience: Mapping[str, Any] | None) -> Text:
    """Return an audience in words; None is everybody."""
    return _expression(audience, inner=False) if audience else EVERYBODY


def scope_words(audience: Mapping[str, Any] | None, unit_kind: str | None) -> Text:
    """Return for whom a version holds: everybody, or an audience and what was randomised in its test."""
    if not audience:
        return EVERYBODY
    told = _expression(audience, inner=False)
    if unit_kind is None:
        return told
    return _("%(audience)s (tested by %(unit)s)") % {"audience": told, "unit": unit_words(unit_kind)}


def unit_words(kind: str) -> Text:
    """Return the name of what is randomised."""
    return UNITS[UnitKind(kind)] if kind in {known.value for known in UnitKind} else kind


def _expression(expression: Mapping[str, Any], *, inner: bool) -> str:
    if "all" in expression or "any" in expression:
        word = "all" if "all" in expression else "any"
        parts = [_expression(part, inner=True) for part in expression[word]]
        joined = (pgettext("audience", " and ") if word == "all" else pgettext("audience", " or ")).join(parts)
        return f"({joined})" if inner and len(parts) > 1 else joined
    if "not" in expression:
        return pgettext("audience", "not: %(condition)s") % {"condition": _expression(expression["not"], inner=True)}
    told = {"name": str(expression.get("attribute")), "value": _value(expression.get("value"))}
    pattern = _CONDITIONS.get(str(expression.get("op")))
    return str(pattern % told) if pattern is not None else f"{told['name']} {expression.get('op')} {told['value']}"


def _value(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        shown = ", ".join(map(_value, value[:_SHOWN_VALUES]))
        return shown if len(value) <= _SHOWN_VALUES else f"{shown} …"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)

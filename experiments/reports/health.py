"""The health card: each validity check with its figures and what to do, those that want attention first."""

from collections.abc import Iterable
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from experiments.analysis import wording
from experiments.analysis.scorecard import CheckResult, Outcome, Scorecard
from experiments.reports import figures
from experiments.reports.names import Names
from experiments.reports.page import CheckLine, Fact, Health
from experiments.reports.wording import Text, Tone, Words
from experiments.vocabulary import CheckLevel

PASS = Words(gettext_lazy("passed"), Tone.GOOD, "✔")
FAIL = Words(gettext_lazy("failed: it blocks a decision"), Tone.BAD, "✖")
WARN = Words(gettext_lazy("warning"), Tone.WARN, "▲")
INTERPRET = Words(gettext_lazy("read with care"), Tone.WARN, "◆")
ERROR = Words(gettext_lazy("could not be computed"), Tone.WARN, "?")
FIGURES: Final[dict[str, Text]] = {
    "day": gettext_lazy("worst day"),
    "epoch": gettext_lazy("worst epoch"),
    "level": gettext_lazy("worst part"),
    "filter": gettext_lazy("filter"),
    "metric": gettext_lazy("metric"),
    "variant": gettext_lazy("variant"),
    "units": gettext_lazy("units"),
    "before": gettext_lazy("before exposure"),
    "p": gettext_lazy("p-value"),
    "p_redrawn": gettext_lazy("p-value by drawing again"),
    "p_clusters": gettext_lazy("p-value by errors over clusters"),
    "draws": gettext_lazy("draws"),
    "carried": gettext_lazy("carried over, of the control's value"),
    "carried_of_effect": gettext_lazy("carried over, of the effect"),
    "earlier": gettext_lazy("failed at an earlier look"),
    "rows": gettext_lazy("rows"),
    "mismatched": gettext_lazy("mismatched"),
    "share": gettext_lazy("share"),
    "browser": gettext_lazy("browser"),
    "share_of_others": gettext_lazy("share in the other browsers"),
    "crossovers": gettext_lazy("in several variants"),
    "conflicts": gettext_lazy("customers whose visitors met different variants"),
    "uneven_split": gettext_lazy("uneven split"),
    "events": gettext_lazy("events"),
    "unverified": gettext_lazy("unverified"),
    "duplicates": gettext_lazy("repeated"),
    "quarantined": gettext_lazy("in quarantine"),
    "immature": gettext_lazy("window open"),
    "late": gettext_lazy("too late"),
    "messages": gettext_lazy("messages"),
    "changes": gettext_lazy("changes"),
    "epochs": gettext_lazy("epochs"),
    "days": gettext_lazy("days"),
    "minimum": gettext_lazy("at least"),
    "repurchase_days": gettext_lazy("days until shoppers buy again"),
    "detectable": gettext_lazy("smallest lift that can be seen"),
    "planned": gettext_lazy("smallest lift worth finding"),
    "skewness": gettext_lazy("skewness"),
    "units_needed": gettext_lazy("units needed"),
    "error": gettext_lazy("error"),
}
_FOR_ANALYSTS: Final = frozenset(
    {"chi_square", "df", "p_fixed", "p_sequential", "alpha", "tests", "block_share", "skewness_of_difference", "cells"}
)
"""Figures that only the JSON shows."""
_SHOWN_WITH_ANOTHER: Final = frozenset({"expected", "dimension"})
_PERCENTAGES: Final = frozenset({"share", "share_of_others", "detectable", "planned", "carried", "carried_of_effect"})
_PROBABILITIES: Final = frozenset({"p", "p_redrawn", "p_clusters"})
_FAILED: Final = {CheckLevel.BLOCK: FAIL, CheckLevel.WARN: WARN, CheckLevel.INTERPRET: INTERPRET}


def health_of(card: Scorecard, names: Names) -> Health:
    """Return the card of a scorecard's checks; those that do not apply to the experiment are left out."""
    applicable = [check for check in card.checks if check.outcome is not Outcome.NOT_APPLICABLE]
    lines = [(check, _line(check, names)) for check in applicable]
    attention = [(check, line) for check, line in lines if check.outcome is not Outcome.PASSED]
    attention.sort(key=lambda pair: (_severity(pair[0]), str(pair[1].title)))
    passed = tuple(line for check, line in lines if check.outcome is Outcome.PASSED)
    summary, tone = _summary([check for check, _line in attention], len(applicable))
    return Health(summary=summary, tone=tone, attention=tuple(line for _check, line in attention), passed=passed)


def _summary(attention: Iterable[CheckResult], total: int) -> tuple[Text, Tone]:
    outcomes = [(check.level, check.outcome) for check in attention]
    blocking = sum(level is CheckLevel.BLOCK for level, _outcome in outcomes)
    if blocking:
        text = ngettext("%(n)s check blocks a decision", "%(n)s checks block a decision", blocking) % {"n": blocking}
        return text, Tone.BAD
    if outcomes:
        n = len(outcomes)
        return ngettext("%(n)s check wants attention", "%(n)s checks want attention", n) % {"n": n}, Tone.WARN
    return ngettext("%(n)s check passed", "All %(n)s checks passed", total) % {"n": total}, Tone.GOOD


def _severity(check: CheckResult) -> int:
    return list(CheckLevel).index(check.level)


def _line(check: CheckResult, names: Names) -> CheckLine:
    outcome = _words(check)
    return CheckLine(
        title=_(wording.CHECKS.get(check.code, check.code)),
        outcome=outcome.label,
        tone=outcome.tone,
        glyph=outcome.glyph,
        figures=tuple(_facts(check, names)),
        advice=_(wording.ADVICE.get(check.advice, "")) if check.outcome is not Outcome.PASSED else "",
    )


def _words(check: CheckResult) -> Words:
    if check.outcome is Outcome.PASSED:
        return PASS
    if check.outcome is Outcome.ERROR:
        return ERROR
    return _FAILED[check.level]


def _facts(check: CheckResult, names: Names) -> Iterable[Fact]:
    order = {name: place for place, name in enumerate(FIGURES)}
    named = [(*name.partition(":")[::2], value) for name, value in check.figures.items()]
    for stem, variant, value in sorted(named, key=lambda entry: order.get(entry[0], len(order))):
        if stem in _FOR_ANALYSTS or stem in _SHOWN_WITH_ANOTHER:
            continue
        label = str(FIGURES.get(stem, stem.replace("_", " ")))
        shown = _with_expected(check, variant, _figure(stem, value, names)) if stem == "units" else None
        if stem == "level":
            shown = _part(check, str(value))
        label = f"{label} · {names.variant(variant)}" if variant else label
        yield Fact(label, _figure(stem, value, names) if shown is None else shown)


def _with_expected(check: CheckResult, variant: str, units: Text) -> Text:
    """Return the units beside those that the split leads one to expect, where the check says so."""
    expected = check.figures.get(f"expected:{variant}")
    if expected is None:
        return units
    return _("%(units)s, expected %(expected)s") % {"units": units, "expected": _number("expected", float(expected))}


def _part(check: CheckResult, level: str) -> Text:
    """Return the level of a dimension, such as `browser: safari`."""
    return f"{check.figures.get('dimension')}: {level or _('(none)')}"


def _figure(name: str, value: float | str | None, names: Names) -> Text:
    if value is None:
        return _("not defined")
    if isinstance(value, str):
        return {"metric": names.metric, "variant": names.variant}.get(name, str)(value)
    if name in ("uneven_split", "earlier"):
        return _("yes") if value else _("no")
    return _number(name, float(value))


def _number(name: str, value: float) -> str:
    if name == "before":
        return f"{value:.4g}"
    if name in _PROBABILITIES:
        return figures.probability(value)
    if name in _PERCENTAGES:
        return figures.share(value)
    if value.is_integer() or abs(value) >= 1000.0:
        return figures.count(round(value))
    return f"{value:.1f}"

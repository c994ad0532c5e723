"""The offline gate of a version in words: what it was compared with, and what came out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from decisions.reports.gate_checks import CheckLine, SliceLine, check_lines, slice_lines
from decisions.reports.gate_reasons import reason_in_words
from decisions.reports.numbers import offline, offline_change
from decisions.reports.wording import GATE_PASSED, GATE_REFUSED, METRICS, REFERENCES
from experiments.reports import figures
from experiments.reports.wording import Text, Words


@dataclass(frozen=True, slots=True)
class GateLine:
    """The comparison with one reference over the same people."""

    reference: Text
    users: str
    candidate: str
    beside: str
    difference: str
    interval: str


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate's judgment; `rule` says what was asked for, `reasons` why it refused."""

    words: Words
    metric: Text
    rule: str
    reasons: tuple[str, ...]
    lines: tuple[GateLine, ...]
    slices: tuple[SliceLine, ...]
    checks: tuple[CheckLine, ...]


@dataclass(frozen=True, slots=True)
class MetricLine:
    """An offline figure of the version beside those of its references; "–" where there is none."""

    label: Text
    candidate: str
    references: tuple[str, ...]


_REFERENCES_IN_ORDER: Final = ("popularity", "champion")


def gate_of(stored: Mapping[str, Any]) -> Gate:
    """Return a stored judgment in words."""
    rule = stored.get("rule") or {}
    metric = str(rule.get("metric", ""))
    passed = stored.get("passed") is True
    return Gate(
        words=GATE_PASSED if passed else GATE_REFUSED,
        metric=METRICS.get(metric, metric),
        rule=_rule(rule),
        reasons=tuple(reason_in_words(reason, stored) for reason in stored.get("reasons") or ()),
        lines=tuple(_line(entry) for entry in stored.get("comparisons") or ()),
        slices=slice_lines(stored, REFERENCES),
        checks=check_lines(stored),
    )


def short_metric(key: str) -> str:
    """Return the name of an offline figure without what it means; that of a reference's figure says whose it is."""
    for reference in _REFERENCES_IN_ORDER:
        if key.startswith(f"{reference}_"):
            told = {"reference": reference_label(reference), "metric": short_metric(key.removeprefix(f"{reference}_"))}
            return _("%(reference)s: %(metric)s") % told
    return str(METRICS.get(key, key)).replace("：", ":").split(":")[0]


def reference_label(name: str) -> Text:
    """Return what a version was compared with."""
    return REFERENCES.get(name, name)


def reference_names(metrics: Mapping[str, float]) -> tuple[str, ...]:
    """Return the references that a version's metrics have figures of."""
    return tuple(name for name in _REFERENCES_IN_ORDER if any(key.startswith(f"{name}_") for key in metrics))


def metric_lines(metrics: Mapping[str, float]) -> tuple[MetricLine, ...]:
    """Return the offline figures that people know, each beside those of the references."""
    return tuple(_metric_lines(metrics, reference_names(metrics)))


def _metric_lines(metrics: Mapping[str, float], references: tuple[str, ...]) -> Iterator[MetricLine]:
    for key, label in METRICS.items():
        if key in metrics:
            yield MetricLine(
                label, offline(metrics[key]), tuple(_beside(metrics, f"{name}_{key}") for name in references)
            )


def _beside(metrics: Mapping[str, float], key: str) -> str:
    return offline(metrics[key]) if key in metrics else "–"


def _rule(rule: Mapping[str, Any]) -> str:
    if not rule:
        return ""
    margin = float(rule.get("margin", 0.0))
    told = {"margin": offline(margin), "confidence": figures.percent(float(rule.get("confidence", 0.95)))}
    pattern = _("It may be worse than the most popular items by less than %(margin)s, with %(confidence)s confidence.")
    if margin == 0.0:
        pattern = _("It must be better than the most popular items, with %(confidence)s confidence.")
    return " ".join(filter(None, (pattern % told, _champion_rule(rule.get("champion_margin")))))


def _champion_rule(margin: float | None) -> str:
    if margin is None:
        return ""
    if margin < 0.0:
        return _("It must be better than the champion by more than %(margin)s.") % {"margin": offline(-margin)}
    if margin == 0.0:
        return _("It must be better than the champion.")
    return _("It may be worse than the champion by less than %(margin)s.") % {"margin": offline(margin)}


def _line(entry: Mapping[str, Any]) -> GateLine:
    beside = entry.get("reference_mean")
    lower, upper = (offline_change(entry.get(end), beside=beside) for end in ("lower", "upper"))
    return GateLine(
        reference=reference_label(str(entry.get("reference"))),
        users=figures.count(int(entry.get("users") or 0)),
        candidate=offline(entry.get("candidate_mean")),
        beside=offline(beside),
        difference=offline_change(entry.get("difference"), beside=beside),
        interval="" if entry.get("lower") is None else _("%(lower)s to %(upper)s") % {"lower": lower, "upper": upper},
    )

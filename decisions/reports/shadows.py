"""How the shadow of a model compares with what is served, in words."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from decisions.queries.shadows import ShadowFacts
from decisions.reports.gates import short_metric
from decisions.reports.numbers import offline, offline_change
from decisions.reports.wording import REASONS
from experiments.reports import figures
from experiments.reports.page import Fact
from experiments.reports.times import moment
from experiments.reports.wording import Text
from models_registry.queries.versions import VersionFacts

ALIKE = 0.8
"""Slates that share so much look alike to shoppers."""


@dataclass(frozen=True, slots=True)
class ShadowBlock:
    """What shadow mode saw in the last seven days, and whether that fits the offline figures."""

    sentence: str
    facts: tuple[Fact, ...]
    reasons: tuple[Fact, ...]
    offline: str


def shadow_block(facts: ShadowFacts, shadow: VersionFacts, champion: VersionFacts | None, zone: str) -> ShadowBlock:
    """Return the comparison of a shadow with what is served."""
    return ShadowBlock(
        sentence=_sentence(facts),
        facts=_facts(facts, zone),
        reasons=tuple(Fact(_reason(code), figures.count(count)) for code, count in facts.reasons.items()),
        offline=_offline(facts, shadow, champion),
    )


def _sentence(facts: ShadowFacts) -> str:
    if not facts.drawn:
        return _("No decision has been compared in the last seven days.")
    told = {"compared": figures.count(facts.compared), "drawn": figures.count(facts.drawn)}
    return (
        ngettext(
            "%(compared)s of %(drawn)s decision that was drawn could be compared. None of it was shown to anybody.",
            "%(compared)s of %(drawn)s decisions that were drawn could be compared. None of it was shown to anybody.",
            facts.drawn,
        )
        % told
    )


def _facts(facts: ShadowFacts, zone: str) -> tuple[Fact, ...]:
    if not facts.compared:
        return ()
    return (
        Fact(_("Shared by the first 10"), _share(facts.overlap)),
        Fact(_("Agreement of the order (Kendall's tau)"), offline(facts.rank)),
        Fact(_("Time, median"), _ms(facts.p50_ms)),
        Fact(_("Time, 99 of 100"), _ms(facts.p99_ms)),
        Fact(_("Newest"), "–" if facts.newest is None else moment(facts.newest, zone)),
    )


def _offline(facts: ShadowFacts, shadow: VersionFacts, champion: VersionFacts | None) -> str:
    """Return whether live slates differ as much as the offline figures say that they should matter."""
    metric = str((shadow.gate.get("rule") or {}).get("metric") or "")
    if champion is None or facts.overlap is None or metric not in shadow.metrics or metric not in champion.metrics:
        return ""
    change = shadow.metrics[metric] - champion.metrics[metric]
    told = {"metric": short_metric(metric), "change": offline_change(change, beside=champion.metrics[metric])}
    if facts.overlap >= ALIKE:
        return _("Offline, %(metric)s differs by %(change)s; live, it would show nearly the same.") % told
    if change > 0.0:
        return _("Offline, %(metric)s differs by %(change)s, and live it would show other things: try it.") % told
    return _("Offline, %(metric)s differs by %(change)s, and live it would show other things: it is no better.") % told


def _reason(code: str) -> Text:
    if code == "DROPPED":
        return _("not compared: the machine was busy")
    if code == "FAILED":
        return _("comparing failed; the log of the edge names the fault")
    return REASONS[code].label if code in REASONS else code


def _share(value: float | None) -> str:
    return "–" if value is None else figures.percent(round(value, 3))


def _ms(value: float | None) -> str:
    return "–" if value is None else _("%(number)s ms") % {"number": offline(value)}

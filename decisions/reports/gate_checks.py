"""What a gate checked besides the comparisons, in words: slices, calibration, constraint tests, limits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from decisions.reports.numbers import offline, offline_change
from experiments.reports import figures
from experiments.reports.wording import Text, Tone, Words

SLICES: Final[dict[str, Text]] = {
    "new": gettext_lazy("People without a history"),
    "returning": gettext_lazy("People with a history"),
}
TESTS: Final[dict[str, Text]] = {
    "eligible": gettext_lazy("Only what may be shown: in stock, not excluded, within its caps"),
    "different": gettext_lazy("Nothing twice in a slate"),
    "complete": gettext_lazy("As many as were asked for"),
}
LIMITS: Final[dict[str, Text]] = {
    "latency_ms": gettext_lazy("Time of 99 in 100 requests"),
    "size_mb": gettext_lazy("Size of the artifact"),
}
_UNITS: Final = {"latency_ms": "ms", "size_mb": "MB"}

AS_ASKED: Final = Words(gettext_lazy("as asked for"), Tone.GOOD, "✔")
NOT_AS_ASKED: Final = Words(gettext_lazy("not as asked for"), Tone.WARN, "✖")
ONLY_SHOWN: Final = Words(gettext_lazy("shown, not judged"), Tone.MUTED, "○")


@dataclass(frozen=True, slots=True)
class SliceLine:
    """A part of the people beside one reference."""

    name: Text
    reference: str
    users: str
    difference: str
    interval: str
    words: Words


@dataclass(frozen=True, slots=True)
class CheckLine:
    """A check, what was found, what the rule allows, and whether that is as it should be."""

    name: Text
    found: str
    allowed: str
    words: Words
    note: str = ""


def slice_lines(stored: Mapping[str, Any], references: Mapping[str, Text]) -> tuple[SliceLine, ...]:
    """Return the slices of a stored judgment; none of one from before there were slices."""
    margin = float(((stored.get("rule") or {}).get("slices") or {}).get("margin", 0.0))
    return tuple(_slice(entry, margin, references) for entry in stored.get("slices") or ())


def check_lines(stored: Mapping[str, Any]) -> tuple[CheckLine, ...]:
    """Return calibration, constraint tests and limits of a stored judgment, as far as there are any."""
    found = stored.get("calibration")
    return (
        *(_calibration(found) if found else ()),
        *(_constraint(entry) for entry in stored.get("constraints") or ()),
        *(_limit(entry) for entry in stored.get("limits") or ()),
    )


def slice_name(name: str) -> Text:
    """Return the name of a slice for people."""
    return SLICES.get(name, name)


def slate_test_name(name: str) -> Text:
    """Return what a test of the slates asks for."""
    return TESTS.get(name, name)


def _slice(entry: Mapping[str, Any], margin: float, references: Mapping[str, Text]) -> SliceLine:
    found = entry["comparison"]
    beside = found.get("reference_mean")
    lower, upper = (offline_change(found.get(end), beside=beside) for end in ("lower", "upper"))
    upper_bound = found.get("upper")
    words = NOT_AS_ASKED if upper_bound is None or upper_bound < -margin else AS_ASKED
    return SliceLine(
        name=slice_name(str(entry["slice"])),
        reference=str(references.get(found["reference"], found["reference"])),
        users=figures.count(int(found.get("users") or 0)),
        difference=offline_change(found.get("difference"), beside=beside),
        interval="" if found.get("lower") is None else _("%(lower)s to %(upper)s") % {"lower": lower, "upper": upper},
        words=words if entry.get("judged") else ONLY_SHOWN,
    )


def _calibration(found: Mapping[str, Any]) -> Iterator[CheckLine]:
    told = {"rows": figures.count(int(found["rows"])), "responses": figures.count(round(found["observed"]))}
    words = AS_ASKED if found["within"] else NOT_AS_ASKED
    most = float(found["most_ratio"])
    yield CheckLine(
        name=_("Expected responses by observed ones"),
        found=offline(found["ratio"]),
        allowed=_("%(least)s to %(most)s") % {"least": offline(1.0 / most), "most": offline(most)},
        words=words,
        note=_("%(responses)s responses in %(rows)s rows") % told,
    )
    yield CheckLine(
        name=_("Calibration error beyond chance, as a share of the rate"),
        found=_("not defined") if found["error_share"] is None else figures.percent(round(found["error_share"], 3)),
        allowed=_("up to %(most)s") % {"most": figures.percent(found["most_error"])},
        words=words,
    )


def _constraint(entry: Mapping[str, Any]) -> CheckLine:
    failing, slates = entry["violations"], figures.count(int(entry["slates"]))
    found = _("not tested")
    if failing is not None:
        found = _("%(failing)s of %(slates)s slates fail") % {"failing": figures.count(failing), "slates": slates}
    return CheckLine(
        name=slate_test_name(str(entry["test"])),
        found=found,
        allowed=_("none"),
        words=AS_ASKED if failing == 0 else NOT_AS_ASKED,
    )


def _limit(entry: Mapping[str, Any]) -> CheckLine:
    name, found, most = str(entry["name"]), entry["found"], entry["most"]
    unit = _UNITS.get(name, "")
    words = ONLY_SHOWN
    if most is not None:
        words = AS_ASKED if found is not None and found <= most else NOT_AS_ASKED
    return CheckLine(
        name=LIMITS.get(name, name),
        found=_("not measured") if found is None else f"{offline(found)} {unit}",
        allowed=_("no limit") if most is None else _("up to %(most)s") % {"most": f"{offline(most)} {unit}"},
        words=words,
        note=str(entry.get("about") or ""),
    )

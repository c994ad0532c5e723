"""Why a gate refused, in the language of the page, from the figures that are stored with the reason."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from decisions.reports.gate_checks import slate_test_name, slice_name
from decisions.reports.numbers import offline, offline_change
from decisions.reports.wording import REFERENCES
from experiments.reports import figures
from models_registry.gates import GateCode

Stored = Mapping[str, Any]


def reason_in_words(reason: Stored, stored: Stored) -> str:
    """Return the sentence of one reason of a stored judgment; that of the gate itself where there is no other."""
    tell = _SENTENCES.get(str(reason.get("code")))
    told = None if tell is None else tell(reason, stored)
    return told or str(reason.get("sentence", reason.get("code")))


def _too_few(_reason: Stored, stored: Stored) -> str | None:
    compared = stored.get("comparisons") or ()
    if not compared:
        return None
    told = {
        "users": figures.count(compared[0]["users"]),
        "least": figures.count(int((stored.get("rule") or {}).get("least_users", 0))),
    }
    return _("Only %(users)s people could be judged by; the rule asks for %(least)s.") % told


def _not_finite(_reason: Stored, _stored: Stored) -> str:
    return _("A figure is not a finite number.")


def _behind(reason: Stored, stored: Stored) -> str | None:
    reference = "champion" if reason.get("code") == GateCode.WORSE_THAN_CHAMPION else "popularity"
    compared = next((one for one in stored.get("comparisons") or () if one["reference"] == reference), None)
    if compared is None or compared.get("lower") is None:
        return None
    told = {
        "reference": str(REFERENCES.get(reference, reference)),
        "lower": offline_change(compared["lower"], beside=compared["reference_mean"]),
    }
    margin = (stored.get("rule") or {}).get("champion_margin")
    if reference == "champion" and margin is not None and margin < 0.0:
        told["least"] = offline(-margin)
        return (
            _("It must be better than %(reference)s by more than %(least)s: the difference can be as low as %(lower)s.")
            % told
        )
    return _("It may be worse than %(reference)s: the difference can be as low as %(lower)s.") % told


def _slice(reason: Stored, _stored: Stored) -> str:
    return _("It is worse for a part of the people: %(slice)s.") % {"slice": slice_name(str(reason.get("about")))}


def _uncalibrated(_reason: Stored, stored: Stored) -> str | None:
    found = stored.get("calibration")
    if not found:
        return None
    told = {"ratio": offline(found["ratio"]), "error": figures.percent(round(found["error_share"] or 0.0, 3))}
    return (
        _(
            "Its probabilities are not what they say: expected by observed responses is %(ratio)s, and the error beyond"
            " chance is %(error)s of the rate."
        )
        % told
    )


def _calibration_unknown(_reason: Stored, stored: Stored) -> str | None:
    found = stored.get("calibration")
    if not found:
        return None
    told = {"responses": figures.count(round(found["observed"])), "least": figures.count(found["least_responses"])}
    return _("Only %(responses)s responses were observed; to judge probabilities by takes %(least)s.") % told


def _violated(reason: Stored, stored: Stored) -> str | None:
    found = next((one for one in stored.get("constraints") or () if one["test"] == reason.get("about")), None)
    if found is None or found["violations"] is None:
        return None
    told = {
        "test": slate_test_name(str(found["test"])),
        "failing": figures.count(found["violations"]),
        "slates": figures.count(found["slates"]),
    }
    return _("%(failing)s of %(slates)s slates fail a test: %(test)s.") % told


def _not_tested(reason: Stored, _stored: Stored) -> str:
    return _("The slates were not tested for this: %(test)s.") % {"test": slate_test_name(str(reason.get("about")))}


def _beyond(reason: Stored, stored: Stored) -> str | None:
    name = "latency_ms" if reason.get("code") == GateCode.TOO_SLOW else "size_mb"
    found = next((one for one in stored.get("limits") or () if one["name"] == name), None)
    if found is None or found["found"] is None or found["most"] is None:
        return None
    told = {"found": offline(found["found"]), "most": offline(found["most"])}
    if name == "latency_ms":
        return _("It is too slow: 99 of 100 requests take up to %(found)s ms; the rule allows %(most)s ms.") % told
    return _("It is too large: %(found)s MB; the rule allows %(most)s MB.") % told


def _not_measured(_reason: Stored, _stored: Stored) -> str:
    return _("The rule sets a limit to something that was not measured.")


_SENTENCES: Final[dict[str, Callable[[Stored, Stored], str | None]]] = {
    GateCode.TOO_FEW_USERS: _too_few,
    GateCode.METRIC_NOT_FINITE: _not_finite,
    GateCode.WORSE_THAN_POPULARITY: _behind,
    GateCode.WORSE_THAN_CHAMPION: _behind,
    GateCode.SLICE_WORSE: _slice,
    GateCode.NOT_CALIBRATED: _uncalibrated,
    GateCode.CALIBRATION_UNKNOWN: _calibration_unknown,
    GateCode.CONSTRAINT_VIOLATED: _violated,
    GateCode.CONSTRAINT_NOT_TESTED: _not_tested,
    GateCode.TOO_SLOW: _beyond,
    GateCode.TOO_LARGE: _beyond,
    GateCode.LATENCY_UNKNOWN: _not_measured,
    GateCode.SIZE_UNKNOWN: _not_measured,
}

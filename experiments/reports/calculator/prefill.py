"""The calculator's address with a draft's own figures already in its form."""

from urllib.parse import urlencode

from django.urls import reverse

from experiments.queries.baselines import PlanningStart, planning_start
from experiments.vocabulary import MetricKind

_KINDS = {
    MetricKind.CONVERSION: "conversion",
    MetricKind.COUNT: "mean",
    MetricKind.SUM: "mean",
    MetricKind.RATIO: "ratio",
}


def calculator_url(experiment_id: int) -> str:
    """Return where the experiment's length is computed, from what past looks know of its decision metric."""
    start = planning_start(experiment_id)
    address = reverse("calculator")
    return address if start is None else f"{address}?{urlencode(_typed(start))}"


def _typed(start: PlanningStart) -> dict[str, str]:
    """Return what a person would type; figures that nobody knows stay empty."""
    kind = _KINDS[start.kind]
    known = start.known
    typed = {
        "kind": kind,
        "effect": _percent(start.minimum_effect),
        "treatments": str(start.treatments),
        "window_days": str(start.window_days),
        "control_share": "" if start.control_share is None else _percent(start.control_share),
    }
    if known is None:
        return typed
    if kind == "conversion":
        typed["rate"] = _percent(known.mean)
    else:
        typed |= {"mean": f"{known.mean:.6g}", "sd": f"{known.sd:.6g}"}
    if known.r2 > 0.0:
        typed["r2"] = _percent(known.r2)
    if known.per_day is not None:
        typed["per_day"] = f"{known.per_day:.0f}"
    return typed


def _percent(share: float) -> str:
    return f"{share * 100.0:.6g}"

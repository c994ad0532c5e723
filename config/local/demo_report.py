"""The demonstration's readout as lines of text."""

from collections.abc import Iterator
from datetime import datetime

from experiments.analysis.reasons import Verdict
from experiments.analysis.scorecard import Comparison
from experiments.queries.looks import latest_look


def latest_verdict(experiment_id: int) -> str | None:
    """Return the state of the newest verdict, or None before the first look."""
    look = latest_look(experiment_id)
    return look.verdict.state.value if look else None


def latest_window_end(experiment_id: int) -> datetime | None:
    """Return up to when the newest look has seen, or None before the first."""
    look = latest_look(experiment_id)
    return look.scorecard.window_end if look else None


def readout_lines(experiment_id: int) -> Iterator[str]:
    """Yield the newest scorecard as text: verdict with reasons, then a line for each comparison and check."""
    look = latest_look(experiment_id)
    if look is None:
        yield "no data yet"
        return
    yield from _verdict(look.verdict)
    for count in look.scorecard.variants:
        yield f"  {count.variant:<12} {count.units:>8} units"
    for comparison in look.scorecard.comparisons:
        yield _comparison(comparison)
    for check in look.scorecard.checks:
        yield f"  check {check.code:<28} {check.outcome.value}"


def _verdict(verdict: Verdict) -> Iterator[str]:
    winner = f" {verdict.winner}" if verdict.winner else ""
    yield f"verdict: {verdict.state.value}{winner}"
    for reason in verdict.reasons:
        values = ", ".join(f"{name} {value}" for name, value in reason.params.items())
        yield f"  {reason.code.value}: {values}"


def _comparison(comparison: Comparison) -> str:
    lift = comparison.lift
    name = f"  {comparison.role.value:<10} {comparison.metric:<12} {comparison.variant}"
    if lift.value is None or lift.interval.lower is None or lift.interval.upper is None:
        return f"{name}: {comparison.reason or lift.interval.status}"
    reduced = comparison.adjustment.variance_reduction if comparison.adjustment else 0.0
    return f"{name}: {lift.value:+.1%} ({lift.interval.lower:+.1%} to {lift.interval.upper:+.1%})" + (
        f", variance -{reduced:.0%} by history" if reduced else ""
    )

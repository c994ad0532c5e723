"""The demonstration's readout as lines of text."""

from collections.abc import Iterator
from datetime import datetime

from experiments.analysis.scorecard import Comparison, Outcome
from experiments.analysis.wording import sentence
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
    """Yield the newest scorecard as text: verdict with reasons, then a line for each comparison and failed check."""
    look = latest_look(experiment_id)
    if look is None:
        yield "no data yet"
        return
    winner = f" {look.verdict.winner}" if look.verdict.winner else ""
    yield f"verdict at look {look.number}: {look.verdict.state.value}{winner}"
    for reason in look.verdict.reasons:
        yield f"  {sentence(reason)}"
    for count in look.scorecard.variants:
        yield f"  {count.variant:<12} {count.units:>8} units with a complete window"
    for comparison in look.scorecard.comparisons:
        yield _comparison(comparison)
    passed = [check for check in look.scorecard.checks if check.outcome is not Outcome.FAILED]
    yield f"  {len(passed)} of {len(look.scorecard.checks)} validity checks raise nothing"


def _comparison(comparison: Comparison) -> str:
    lift = comparison.lift
    name = f"  {comparison.role.value:<10} {comparison.metric:<12}"
    if lift.value is None or lift.interval.lower is None or lift.interval.upper is None:
        return f"{name}: {comparison.reason or lift.interval.status}"
    reduced = comparison.adjustment.variance_reduction if comparison.adjustment else 0.0
    told = f", variance -{reduced:.0%} by history" if reduced else ""
    return f"{name}: {lift.value:+.1%} ({lift.interval.lower:+.1%} to {lift.interval.upper:+.1%}){told}"

"""What the demonstration tells of its experiments, as lines of text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from experiments.analysis.scorecard import Comparison, Outcome
from experiments.analysis.wording import sentence
from experiments.queries.looks import latest_look
from simulation.designs import CONTROL, experiment
from simulation.live import Run
from simulation.truth import RECOMMENDATIONS, Truth


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict beside the truth: right, wrong or undecided."""

    experiment: str
    verdict: str
    truth: str
    judgement: str


def latest_verdict(experiment_id: int) -> str | None:
    """Return the state of the newest verdict, or None before the first look."""
    look = latest_look(experiment_id)
    return look.verdict.state.value if look else None


def latest_window_end(experiment_id: int) -> datetime | None:
    """Return up to when the newest look has seen, or None before the first."""
    look = latest_look(experiment_id)
    return look.scorecard.window_end if look else None


def judge_all(ids: Mapping[str, int], truth: Truth) -> list[Judged]:
    """Return how the newest verdict of each experiment stands to the truth."""
    found = []
    for key, experiment_id in ids.items():
        verdict = latest_verdict(experiment_id)
        found.append(Judged(key, verdict or "no look", truth.right_verdict(key), truth.judgement(key, verdict)))
    return found


def verdict_lines(judged: list[Judged]) -> Iterator[str]:
    """Yield a table of the verdicts beside the truth."""
    yield f"  {'experiment':<22} {'verdict':<15} {'truth':<15}"
    for one in judged:
        yield f"  {one.experiment:<22} {one.verdict:<15} {one.truth:<15} {one.judgement}"
    counts = {name: sum(one.judgement == name for one in judged) for name in ("right", "wrong", "undecided")}
    yield "  " + ", ".join(f"{count} {name}" for name, count in counts.items())


def truth_lines(run: Run) -> Iterator[str]:
    """Yield the true effect of the trained model, from the slates that were shown; nothing without visitors."""
    control, treated = (run.true_conversion(name) for name in (CONTROL, experiment(RECOMMENDATIONS).treatment))
    if control and treated is not None:
        yield (
            f"  true conversion by the slates that were shown: {control:.2%} with bestsellers, {treated:.2%} with the "
            f"model, {treated / control - 1.0:+.1%}"
        )


def readout_lines(experiment_id: int) -> Iterator[str]:
    """Yield the newest scorecard as text: verdict with reasons, then a line for each comparison and failed check."""
    look = latest_look(experiment_id)
    if look is None:
        yield "  no data yet"
        return
    winner = f" {look.verdict.winner}" if look.verdict.winner else ""
    yield f"  verdict at look {look.number}: {look.verdict.state.value}{winner}"
    for reason in look.verdict.reasons:
        yield f"    {sentence(reason)}"
    for count in look.scorecard.variants:
        yield f"    {count.variant:<12} {count.units:>8} units with a complete window"
    for comparison in look.scorecard.comparisons:
        yield _comparison(comparison)
    passed = [check for check in look.scorecard.checks if check.outcome is not Outcome.FAILED]
    yield f"    {len(passed)} of {len(look.scorecard.checks)} validity checks raise nothing"


def _comparison(comparison: Comparison) -> str:
    lift = comparison.lift
    name = f"    {comparison.role.value:<10} {comparison.metric:<12}"
    if lift.value is None or lift.interval.lower is None or lift.interval.upper is None:
        return f"{name}: {comparison.reason or lift.interval.status}"
    reduced = comparison.adjustment.variance_reduction if comparison.adjustment else 0.0
    told = f", variance -{reduced:.0%} by history" if reduced else ""
    return f"{name}: {lift.value:+.1%} ({lift.interval.lower:+.1%} to {lift.interval.upper:+.1%}){told}"

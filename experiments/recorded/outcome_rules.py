"""What one outcome of a manifest may get wrong, by the source of the data."""

from collections.abc import Iterator

from experiments.recorded.faults import Fault
from experiments.recorded.manifest import Manifest
from experiments.recorded.manifest_parts import FIGURES, OutcomeKind, OutcomePart, SourceKind, ValueKind
from experiments.vocabulary import MetricRole

_ROW_PARTS = ("column", "before", "numerator", "denominator")


def outcome_faults(manifest: Manifest, outcome: OutcomePart) -> Iterator[Fault]:
    """Yield what is wrong with the outcome; paths begin inside it."""
    yield from _role(outcome)
    yield from _cap(manifest, outcome)
    if manifest.source is SourceKind.ROWS:
        yield from _rows(manifest, outcome)
    else:
        yield from _aggregates(manifest, outcome)


def _role(outcome: OutcomePart) -> Iterator[Fault]:
    if outcome.role is MetricRole.GUARDRAIL and outcome.margin is None:
        yield Fault((), "a guardrail needs a margin", "add margin: 0.02 for a loss of 2 % that would be acceptable.")
    if outcome.role is not MetricRole.GUARDRAIL and outcome.margin is not None:
        yield Fault(("margin",), "only guardrails have a margin", "remove it, or make the role GUARDRAIL.")


def _cap(manifest: Manifest, outcome: OutcomePart) -> Iterator[Fault]:
    if outcome.cap is None:
        return
    if manifest.source is SourceKind.AGGREGATES:
        yield Fault(("cap",), "totals cannot be capped", "remove it.")
    elif manifest.columns.cluster is not None:
        yield Fault(("cap",), "clustered outcomes cannot be capped", "remove it, or cap the values in the data.")
    elif outcome.kind is OutcomeKind.BINARY:
        yield Fault(("cap",), "a value of 0 or 1 has no cap", "remove it.")
    elif outcome.kind is OutcomeKind.COUNT and outcome.cap != int(outcome.cap):
        yield Fault(("cap",), "a count is capped at a whole number", f"write {int(outcome.cap)} or the number above.")


def _rows(manifest: Manifest, outcome: OutcomePart) -> Iterator[Fault]:
    if manifest.columns.cluster is not None and any(part.before is not None for part in outcome.parts):
        yield Fault((), "values from before cannot be used with clusters", "remove before.")
    for name in (*FIGURES, "recorded"):
        if getattr(outcome, name) is not None:
            yield Fault((name,), "means nothing for source: rows", "remove it, or write source: aggregates.")
    ratio = outcome.kind is OutcomeKind.RATIO
    needed = ("numerator", "denominator") if ratio else ("column",)
    foreign = ("column", "before") if ratio else ("numerator", "denominator")
    for name in needed:
        if getattr(outcome, name) is None:
            yield Fault((), f"{name} is missing", f"a {outcome.kind} outcome needs {' and '.join(needed)}.")
    for name in foreign:
        if getattr(outcome, name) is not None:
            where = "inside numerator and denominator" if ratio and name == "before" else "only in a ratio"
            fix = (
                f"write it {where}, or remove it." if name != "column" else "name columns in numerator and denominator."
            )
            yield Fault((name,), f"does not belong to a {outcome.kind} outcome", fix)
    for part in outcome.parts:
        kind = part.before.kind if part.before is not None else None
        if kind is not None and (kind is ValueKind.MONEY) != (part.kind is ValueKind.MONEY):
            yield Fault((), f"before is {kind}, the outcome {part.kind}", "name a column of the same kind.")
    if len({part.before is None for part in outcome.parts}) > 1:
        yield Fault((), "before is given for one half of the ratio", "give it for both, or for none.")


def _aggregates(manifest: Manifest, outcome: OutcomePart) -> Iterator[Fault]:
    for name in _ROW_PARTS:
        if getattr(outcome, name) is not None:
            yield Fault((name,), "means nothing for source: aggregates", "remove it, or write source: rows.")
    if outcome.kind is OutcomeKind.RATIO:
        yield Fault(("kind",), "totals of a ratio do not tell how it varies", "import user rows instead.")
        return
    if outcome.units is None:
        yield Fault((), "units is missing", "name the column with the number of units.")
    yield from _figures(outcome)
    pairs = {name for name in FIGURES if getattr(outcome, name) is not None and outcome.is_pair(name)}
    if pairs and any(getattr(outcome, name) is not None and name not in pairs for name in FIGURES):
        yield Fault((), "mixes single columns and pairs", "write {control: ..., treatment: ...} for every figure.")
    if manifest.columns.metric is None and outcome.recorded is not None:
        yield Fault(("recorded",), "there is no metric column", "add columns.metric, or remove it.")
    if manifest.columns.metric is not None and outcome.recorded is None:
        yield Fault((), "recorded is missing", "write its value in the metric column.")


def _figures(outcome: OutcomePart) -> Iterator[Fault]:
    given = {name for name in FIGURES[1:] if getattr(outcome, name) is not None}
    forms: tuple[set[str], ...]
    if outcome.kind is OutcomeKind.BINARY:
        forms, told = ({"successes"}, {"mean"}), "successes, or mean"
    else:
        forms, told = ({"sum", "sum_of_squares"}, {"mean", "variance"}), "sum and sum_of_squares, or mean and variance"
    if given not in forms:
        shown = ", ".join(name for name in FIGURES[1:] if name in given) or "nothing"
        yield Fault((), f"a {outcome.kind} outcome is given by {told}, not by {shown}", f"name the columns of {told}.")

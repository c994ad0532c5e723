"""What a manifest that fits the schema may still get wrong: parts that contradict or lack each other."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from zoneinfo import available_timezones

from experiments.recorded.faults import Fault, Path, did_you_mean
from experiments.recorded.manifest import Manifest
from experiments.recorded.manifest_parts import PLACEHOLDER, ObjectiveKind, SourceKind, VariantPart
from experiments.recorded.outcome_rules import outcome_faults
from experiments.recorded.periods import counts_afterwards
from experiments.vocabulary import MetricRole

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

_ROWS_ONLY = ("unit", "shown", "time", "time_format", "time_zone", "cluster")
_AGGREGATES_ONLY = ("metric", "checkpoint", "units")


def rule_faults(manifest: Manifest) -> list[Fault]:
    """Return everything in the manifest that contradicts itself; empty when it can be used."""
    return [fault for rule in _RULES for fault in rule(manifest)]


def _variants(manifest: Manifest) -> Iterator[Fault]:
    controls = [index for index, variant in enumerate(manifest.variants) if variant.control]
    if not controls:
        yield Fault(("variants",), "no variant is the control", "write control: true for the one it is compared with.")
    for index in controls[1:]:
        yield Fault(("variants", index, "control"), "is a second control", "keep control: true for one variant only.")
    yield from _repeated(
        (((("variants", index, "key"), variant.key) for index, variant in enumerate(manifest.variants))),
        "give every variant its own key.",
    )
    weighted = [variant.weight is not None for variant in manifest.variants]
    if any(weighted) and not all(weighted):
        index = weighted.index(False)
        yield Fault(("variants", index), "has no weight, but others have", "give every variant a weight, or none.")


def _values(manifest: Manifest) -> Iterator[Fault]:
    yield from _distinct(manifest, "recorded", lambda variant: variant.recorded_values)
    if manifest.columns.shown is None:
        for index, variant in enumerate(manifest.variants):
            if variant.shown is not None:
                yield Fault(
                    ("variants", index, "shown"), "has no column to stand in", "add columns.shown, or remove it."
                )
        return
    yield from _distinct(manifest, "shown", lambda variant: variant.shown_values)


def _distinct(manifest: Manifest, name: str, values: Callable[[VariantPart], Iterable[str]]) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for index, variant in enumerate(manifest.variants):
        for value in values(variant):
            path: Path = ("variants", index, name)
            if value in seen:
                yield Fault(path, f"{value!r} already means {seen[value]}", "a value can mean one variant only.")
            elif value == "" or value in manifest.null_tokens:
                yield Fault(path, f"{value!r} means that nothing is known", "take it out of here or of null_tokens.")
            seen[value] = variant.key


def _columns(manifest: Manifest) -> Iterator[Fault]:
    columns = manifest.columns
    other = _ROWS_ONLY if manifest.source is SourceKind.AGGREGATES else _AGGREGATES_ONLY
    for name in other:
        if getattr(columns, name) is not None:
            yield Fault(("columns", name), f"means nothing for source: {manifest.source}", "remove it.")
    if manifest.source is SourceKind.AGGREGATES and manifest.dimensions:
        yield Fault(("dimensions",), "aggregates have no units to divide", "remove it.")
    if columns.units is not None and columns.metric is not None:
        yield Fault(("columns", "units"), "would be counted once for each metric", "remove it.")
    for name in ("time_format", "time_zone"):
        if getattr(columns, name) is not None and columns.time is None:
            yield Fault(("columns", name), "there is no time column", "add columns.time, or remove it.")
    if columns.time_format is not None and "%" not in columns.time_format:
        yield Fault(("columns", "time_format"), "names no part of a time", 'write it like "%d/%m/%Y %H:%M".')
    if columns.time_zone is not None and columns.time_zone not in available_timezones():
        zones = sorted(available_timezones())
        near = did_you_mean(columns.time_zone, zones)
        fix = near if near.startswith("did") else "use a name such as Asia/Shanghai, or UTC."
        yield Fault(("columns", "time_zone"), f"{columns.time_zone!r} is not a time zone", fix)
    yield from _repeated(
        ((("dimensions", index), column) for index, column in enumerate(manifest.dimensions)), "name it once."
    )


def _experiment(manifest: Manifest) -> Iterator[Fault]:
    part, column = manifest.experiment, manifest.columns.experiment
    path: Path = ("experiment", "key")
    if not part.many and not _KEY.fullmatch(part.key):
        yield Fault(path, f"{part.key!r} is not a key", f"the only word in braces is {PLACEHOLDER}.")
    if part.many and not _KEY.fullmatch(part.key.replace(PLACEHOLDER, "x")):
        yield Fault(path, f"{part.key!r} does not make keys", f"use {PLACEHOLDER} once and otherwise plain characters.")
    if part.many and column is None:
        yield Fault(path, f"has {PLACEHOLDER}, but there is no experiment column", "add columns.experiment.")
    if part.recorded is not None and column is None:
        yield Fault(
            ("experiment", "recorded"), "there is no experiment column", "add columns.experiment, or remove it."
        )
    if column is not None and part.many == (part.recorded is not None):
        yield Fault(
            ("columns", "experiment"),
            "it must be clear which experiments to import",
            f"write experiment.recorded to take one, or {PLACEHOLDER} in experiment.key to take all; not both.",
        )


def _outcomes(manifest: Manifest) -> Iterator[Fault]:
    yield from _repeated(
        ((("outcomes", index, "name"), outcome.name) for index, outcome in enumerate(manifest.outcomes)),
        "give every outcome its own name.",
    )
    if not any(outcome.role is MetricRole.DECISION for outcome in manifest.outcomes):
        yield Fault(("outcomes",), "no outcome decides", "give at least one the role DECISION.")
    for index, outcome in enumerate(manifest.outcomes):
        for fault in outcome_faults(manifest, outcome):
            yield Fault(("outcomes", index, *fault.path), fault.message, fault.fix)
    if manifest.columns.metric is not None:
        yield from _repeated(
            (
                (("outcomes", index, "recorded"), str(outcome.recorded))
                for index, outcome in enumerate(manifest.outcomes)
                if outcome.recorded is not None
            ),
            "every outcome has its own value in the metric column.",
        )


def _before(manifest: Manifest) -> Iterator[Fault]:
    measured = {part.column for outcome in manifest.outcomes for part in outcome.parts}
    for index, outcome in enumerate(manifest.outcomes):
        for part in outcome.parts:
            if part.before is not None and part.before.column in measured:
                yield Fault(
                    ("outcomes", index),
                    f"{part.before.column!r} is an outcome and cannot be what was known before",
                    "name a column that was complete before the experiment began.",
                )
    for index, column in enumerate(manifest.dimensions):
        if column in measured:
            yield Fault(("dimensions", index), f"{column!r} is an outcome", "name what was known before exposure.")


def _period(manifest: Manifest) -> Iterator[Fault]:
    """Ask when a covariate was measured that by its name may count what units met after they were assigned."""
    for index, outcome in enumerate(manifest.outcomes):
        for part in outcome.parts:
            before = part.before
            if before is None or before.period is not None or not counts_afterwards(before.column):
                continue
            yield Fault(
                ("outcomes", index),
                f"{before.column!r} may have been counted after units were assigned, which would bias the result",
                "remove before; or, if it was complete before anyone was assigned, say of what time: before.period.",
            )


def _rows_are_units(manifest: Manifest) -> Iterator[Fault]:
    if not manifest.rows_are_units:
        return
    if manifest.source is SourceKind.AGGREGATES:
        yield Fault(("rows_are_units",), "means nothing for source: aggregates", "remove it.")
    elif manifest.columns.unit is not None or manifest.columns.cluster is not None:
        yield Fault(("rows_are_units",), "units are named in columns", "remove it.")


def _pairs(manifest: Manifest) -> Iterator[Fault]:
    if not any(outcome.paired for outcome in manifest.outcomes):
        return
    for index, outcome in enumerate(manifest.outcomes):
        if not outcome.paired:
            yield Fault(("outcomes", index), "has single columns, others have pairs", "write pairs for every figure.")
    for index, variant in enumerate(manifest.variants):
        if variant.control and variant.recorded is not None:
            yield Fault(
                ("variants", index, "recorded"),
                "the control has no rows of its own when figures come in pairs",
                "remove it.",
            )


def _objective(manifest: Manifest) -> Iterator[Fault]:
    objective = manifest.objective
    saving = objective.kind is ObjectiveKind.NON_INFERIORITY_WITH_SAVING
    for name in ("margin", "saving"):
        given = getattr(objective, name) is not None
        if saving and not given:
            yield Fault(("objective",), f"{name} is missing", f"add objective.{name}.")
        if given and not saving:
            yield Fault(("objective", name), "means nothing for superiority", "remove it, or change objective.kind.")


def _csv(manifest: Manifest) -> Iterator[Fault]:
    if manifest.csv.delimiter == manifest.csv.quote:
        yield Fault(("csv",), "delimiter and quote are the same", "they must differ.")


def _repeated(entries: Iterable[tuple[Path, str]], fix: str) -> Iterator[Fault]:
    seen: Counter[str] = Counter()
    for path, value in entries:
        if seen[value]:
            yield Fault(path, f"{value!r} is there twice", fix)
        seen[value] += 1


_RULES: tuple[Callable[[Manifest], Iterator[Fault]], ...] = (
    _experiment,
    _variants,
    _values,
    _columns,
    _outcomes,
    _before,
    _period,
    _rows_are_units,
    _pairs,
    _objective,
    _csv,
)

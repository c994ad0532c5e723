"""What besides the treatment sets the variants of an experiment apart, as far as apps above know it.

An app above adds a source with `register`, so that this one need not know it. The launch checklist warns of what is
found, and every scorecard carries it as a check.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from experiments.analysis.inputs import Confound

ConfoundSource = Callable[[int, datetime], Iterable[Confound]]
"""(experiment, wall time) -> what was known of it by then; the same for ever, so that looks can be derived again."""

_sources: list[ConfoundSource] = []


def register(source: ConfoundSource) -> None:
    """Add a source of an app above; adding it again changes nothing."""
    if source not in _sources:
        _sources.append(source)


def confounds_of(experiment_id: int, *, known_before: datetime) -> tuple[Confound, ...]:
    """Return what sets the variants apart besides the treatment, in the order of the sources."""
    return tuple(found for source in _sources for found in source(experiment_id, known_before))

"""Assigning with everything that is known: the draw, what units met before, links and previews."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from decisions.serving.bundle import LiveBundle
from decisions.serving.known import VISITOR, Known, is_customer_alone
from decisions.serving.preview import Preview, with_preview
from experiments.assignment.engine import assign
from experiments.assignment.links import through_links
from experiments.assignment.snapshot import Assignment
from experiments.vocabulary import Reason


class Asked(NamedTuple):
    """What a request asks: plain ids by kind, of any type; `keys` of experiments, None for all that concern them."""

    units: Mapping[str, Any]
    attributes: Mapping[str, Any]
    keys: Sequence[str] | None = None
    personalised: bool = True
    preview: Preview | None = None


class Given(NamedTuple):
    """What the units get; `visitors` are the stored ids of those that a customer alone was, by what they met."""

    assignments: tuple[Assignment, ...]
    visitors: Mapping[int, str] = MappingProxyType({})

    @property
    def visitor(self) -> str | None:
        """The visitor whom a token of the answer names: it has room for one, and the others are known to have met."""
        return next(iter(self.visitors.values()), None)


def give(asked: Asked, at: datetime, bundle: LiveBundle, known: Known) -> Given:
    """Return what the units get at a moment of project time. Never raises."""
    found = assign(
        asked.units,
        asked.attributes,
        at,
        known.sticky,
        bundle.snapshot,
        keys=asked.keys,
        personalised=asked.personalised,
    )
    if is_customer_alone(asked.units):
        return _through_links(found, asked, at, bundle, known)
    return Given(with_preview(found, asked.preview, asked.keys))


def _through_links(found: Sequence[Assignment], asked: Asked, at: datetime, bundle: LiveBundle, known: Known) -> Given:
    linked = known.linked
    answers = through_links(
        found,
        asked.units,
        asked.attributes,
        at,
        None if linked is None else {number: met.variant for number, met in linked.items()},
        bundle.snapshot,
        personalised=asked.personalised,
    )
    answers = with_preview(answers, asked.preview, asked.keys)
    kept = [a.experiment_id or 0 for a in answers if a.reason is Reason.STICKY and a.unit_kind == VISITOR]
    return Given(answers, {number: linked[number].visitor for number in kept} if linked else {})

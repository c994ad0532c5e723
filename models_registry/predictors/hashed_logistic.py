"""The predictor of a logistic regression on hashed features and their crosses."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models_registry.artifacts import Artifact
from models_registry.predictors.crosses import (
    Layout,
    Unsigned,
    crossed,
    places_of,
    read_layout,
    read_numbers,
    spread_fields,
    spread_subject,
    word_shares,
)
from models_registry.predictors.history import inside
from models_registry.predictors.popularity import read_items
from models_registry.predictors.protocol import Indices, Scores
from models_registry.predictors.reading import ensure_bounded, floats, largest, number
from models_registry.predictors.responses import (
    CLICK,
    LARGEST_SHIFT,
    ORDER,
    Calibration,
    paid,
    read_calibration,
    read_order_rate,
)
from models_registry.vocabulary import PredictorKind

HAS_ORDERS: Final = "has_orders"


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """The weights of one response: a table of 2^bits, a bias, and how log-odds become probabilities."""

    table: Scores
    bias: float
    calibration: Calibration


@dataclass(frozen=True, slots=True, eq=False)
class _Standing:
    """What is the same at every request: log-odds of the actions alone, and their fields as `crossed` reads them."""

    fields: Unsigned
    clicks: Scores
    orders: Scores | None


@dataclass(frozen=True, slots=True, eq=False)
class HashedLogistic:
    """log-odds = bias + weights of the facts, of the action's fields and words, and of every fact x field.

    numbers: actions x layout.numbers. order: after a click, None where `order_rate` stands for all.
    """

    items: tuple[str, ...]
    numbers: Indices
    layout: Layout
    click: Weights
    order: Weights | None
    order_rate: float
    standing: _Standing
    kind: PredictorKind = PredictorKind.HASHED_LOGISTIC

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        """Return for each candidate the probability of what is paid for; `history` has the facts of the moment."""
        self.layout.ensure_subject(history)
        places = slice(None) if candidates is None else inside(candidates, len(self.items))
        crosses = crossed(spread_subject(history), self.standing.fields[places], self.layout.bits)
        crosses = crosses.reshape(len(crosses), self.layout.context * self.layout.fields)
        facts = places_of(history, self.layout.bits)
        clicks = _probability(self.click, facts, crosses, self.standing.clicks[places])
        orders: Scores | float = self.order_rate
        flags = self.numbers[places, -1]
        if self.order is not None and self.standing.orders is not None and flags.any():
            orders = _probability(self.order, facts, crosses, self.standing.orders[places])
        return paid(clicks, orders, flags)

    def adapted(self, items: tuple[str, ...], numbers: Indices) -> "HashedLogistic":
        """Return the same model for other actions, known by their numbers. Raises ArtifactMalformed."""
        self.layout.ensure_numbers(items, numbers)
        return _hashed_logistic(items, numbers, self.layout, self.click, self.order, self.order_rate)


def hashed_logistic_of(artifact: Artifact) -> HashedLogistic:
    """Return the predictor of an artifact. Raises ArtifactMalformed."""
    items = read_items(artifact)
    layout = read_layout(artifact)
    numbers = read_numbers(artifact, layout, len(items))
    order = _read_weights(artifact, ORDER, layout) if artifact.manifest.settings.get(HAS_ORDERS) is True else None
    click = _read_weights(artifact, CLICK, layout)
    return _hashed_logistic(items, numbers, layout, click, order, read_order_rate(artifact))


def _hashed_logistic(
    items: tuple[str, ...],
    numbers: Indices,
    layout: Layout,
    click: Weights,
    order: Weights | None,
    order_rate: float,
) -> HashedLogistic:
    fields = numbers[:, : layout.fields]
    words = numbers[:, layout.fields : -1]
    own, told, shares = places_of(fields, layout.bits), places_of(words, layout.bits), word_shares(words)

    def standing(weights: Weights) -> Scores:
        sums: Scores = weights.table[own].sum(axis=1) + (weights.table[told] * shares).sum(axis=1)
        return sums + np.float32(weights.bias)

    fixed = _Standing(spread_fields(fields), standing(click), None if order is None else standing(order))
    return HashedLogistic(items, numbers, layout, click, order, order_rate, fixed)


def _probability(weights: Weights, facts: Indices, crosses: Indices, standing: Scores) -> Scores:
    logits = weights.table.take(crosses).sum(axis=1)
    logits += standing
    logits += weights.table[facts].sum()
    return weights.calibration(logits)


def _read_weights(artifact: Artifact, name: str, layout: Layout) -> Weights:
    table = floats(artifact, f"{name}.weights", layout.size)
    calibration = read_calibration(artifact, name)
    summed = layout.context + layout.fields + layout.words + layout.context * layout.fields
    ensure_bounded(f"{name}.weights", (largest(table) * summed + LARGEST_SHIFT) * max(1.0, calibration.slope))
    return Weights(table, number(artifact, f"{name}_bias", least=-LARGEST_SHIFT, most=LARGEST_SHIFT), calibration)

"""The network in Keras. Keras is imported when one is built, never with this module."""

from dataclasses import dataclass
from typing import Any, Final

from models_registry.predictors.crosses import Layout

_SPREAD: Final = 0.05
"""Half the range of the numbers that embeddings begin with."""


@dataclass(frozen=True, slots=True)
class CrossNetwork:
    """model(places, words, shares) gives two log-odds for each row: of a click, and of an order after one.

    places: of facts, then fields, in the table. words: places of the title's words. shares: how much each counts. The
    other members are its layers: x <- x0 * (x W + b) + x for each of `cross`, `deep` beside them, `head` on both.
    """

    embeddings: Any
    cross: tuple[Any, ...]
    deep: tuple[Any, ...]
    head: Any
    model: Any


def cross_network(layout: Layout, *, width: int, crosses: int, hidden: tuple[int, ...]) -> CrossNetwork:
    """Return the network with fresh weights (DCN v2, parallel; Wang et al. 2021)."""
    from keras import Input, Model, initializers, layers, ops

    own = layout.context + layout.fields
    places = Input((own,), dtype="int32", name="places")
    words = Input((layout.words,), dtype="int32", name="words")
    shares = Input((layout.words,), dtype="float32", name="shares")
    table = layers.Embedding(layout.size, width, initializers.RandomUniform(-_SPREAD, _SPREAD), name="embeddings")
    told = ops.sum(table(words) * ops.expand_dims(shares, -1), axis=1)
    inputs = layers.Concatenate()([layers.Reshape((own * width,))(table(places)), told])
    cross = tuple(layers.Dense((own + 1) * width) for _ in range(crosses))
    state = inputs
    for layer in cross:
        state = inputs * layer(state) + state
    deep = tuple(layers.Dense(units, "relu") for units in hidden)
    beside = inputs
    for layer in deep:
        beside = layer(beside)
    head = layers.Dense(2)
    logits = head(layers.Concatenate()([state, beside]))
    return CrossNetwork(table, cross, deep, head, Model([places, words, shares], logits))

"""The two networks in Keras. Keras is imported when one is built, never with this module."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from decisions.domains.recommendation.features import CATEGORY, HISTORY, ITEM, RATING
from decisions.policy import Scores
from models_registry.predictors.history import LONGEST_HISTORY

RANKING_WIDTHS: Final = (64, 32)
"""The hidden layers of the ranking network; after them comes one output."""
_SPREAD: Final = 0.05
"""Half the range of the numbers that embeddings begin with."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a network is: items and categories of the catalogue, numbers per item, category and hidden layer."""

    items: int
    categories: int
    width: int
    category_width: int = 8
    hidden: int = 64


@dataclass(frozen=True, slots=True)
class TwoTowerNetwork:
    """user(history, weights) gives vectors; item(place, own, rating) gives vectors and biases.

    own: 1 where an item may use what was learnt of it alone, 0 where its text must do. inputs and tower are the layers
    of `user`, which reads them as tower(sum of weights x (inputs + text_input(text of the item))). text_input,
    text_vector and text_bias are dense layers without bias on the texts of items.
    """

    inputs: Any
    tower: tuple[Any, ...]
    text_input: Any
    text_vector: Any
    text_bias: Any
    user: Any
    item: Any

    @property
    def variables(self) -> list[Any]:
        """What training changes."""
        return [*self.user.trainable_variables, *self.item.trainable_variables]


@dataclass(frozen=True, slots=True)
class RankingNetwork:
    """model(history, weights, places, categories, ratings) gives one output for each place.

    embeddings, categories and dense are its layers; the dense ones read user, item, category and rating in this order.
    """

    embeddings: Any
    categories: Any
    dense: tuple[Any, ...]
    model: Any


def two_tower(sizes: Sizes, text: Scores) -> TwoTowerNetwork:
    """Return the network with fresh weights: the history's mean through two dense layers, items by embedding and text.

    text: items x any number, the vectors of the items' texts.
    """
    from keras import Input, Model, layers, ops

    texts = _fixed(text)
    text_input, text_vector, text_bias = (
        layers.Dense(width, use_bias=False) for width in (sizes.width, sizes.width, 1)
    )
    history, weights, user_input, inputs = _user(sizes, "inputs")
    told = ops.sum(texts(history) * ops.expand_dims(weights, -1), axis=1)
    tower = (layers.Dense(sizes.hidden, "relu"), layers.Dense(sizes.width))
    vector = layers.Add()([user_input, text_input(told)])
    for layer in tower:
        vector = layer(vector)
    place = Input((), dtype="int32", name=ITEM)
    own, rating = (Input((), dtype="float32", name=name) for name in ("own", RATING))
    rated_vector, rated_bias = (layers.Dense(width, use_bias=False) for width in (sizes.width, 1))
    about, rated = texts(place), ops.expand_dims(rating, -1)
    used = ops.expand_dims(own, -1)
    own_bias = layers.Embedding(sizes.items, 1, embeddings_initializer="zeros")(place)
    item_vector = layers.Add()(
        [_embedding(sizes.items, sizes.width)(place) * used, text_vector(about), rated_vector(rated)]
    )
    bias = layers.Add()([own_bias * used, text_bias(about), rated_bias(rated)])
    return TwoTowerNetwork(
        inputs=inputs,
        tower=tower,
        text_input=text_input,
        text_vector=text_vector,
        text_bias=text_bias,
        user=Model([history, weights], vector),
        item=Model([place, own, rating], [item_vector, ops.squeeze(bias, -1)]),
    )


def ranking(sizes: Sizes) -> RankingNetwork:
    """Return the 64-32-1 network with fresh weights: relu, relu, sigmoid on user, item, category and rating."""
    from keras import Input, Model, layers, ops

    history, weights, user, embeddings = _user(sizes, "embeddings")
    place, category, rating = (Input((None,), dtype=kind, name=name) for name, kind in _ITEM_INPUTS)
    categories = _embedding(sizes.categories, sizes.category_width)
    item = embeddings(place)
    repeated = ops.zeros_like(item) + ops.expand_dims(user, 1)
    hidden = layers.Concatenate()([repeated, item, categories(category), ops.expand_dims(rating, -1)])
    dense = (*(layers.Dense(width, "relu") for width in RANKING_WIDTHS), layers.Dense(1, "sigmoid"))
    for layer in dense:
        hidden = layer(hidden)
    return RankingNetwork(
        embeddings=embeddings,
        categories=categories,
        dense=dense,
        model=Model([history, weights, place, category, rating], ops.squeeze(hidden, -1)),
    )


_ITEM_INPUTS: Final = ((ITEM, "int32"), (CATEGORY, "int32"), (RATING, "float32"))


def _user(sizes: Sizes, name: str) -> tuple[Any, Any, Any, Any]:
    """Return the inputs of a history and its weights, the weighted sum of its embeddings, and their layer."""
    from keras import Input, ops

    history = Input((LONGEST_HISTORY,), dtype="int32", name=HISTORY)
    weights = Input((LONGEST_HISTORY,), dtype="float32", name="weights")
    table = _embedding(sizes.items, sizes.width, name)
    return history, weights, ops.sum(table(history) * ops.expand_dims(weights, -1), axis=1), table


def _fixed(table: Scores) -> Any:
    """Return an embedding that training does not change."""
    from keras import layers

    layer = layers.Embedding(*table.shape, trainable=False)
    layer.build()
    layer.embeddings.assign(np.asarray(table, dtype=np.float32))
    return layer


def _embedding(count: int, width: int, name: str | None = None) -> Any:
    from keras import initializers, layers

    return layers.Embedding(count, width, initializers.RandomUniform(-_SPREAD, _SPREAD), name=name)

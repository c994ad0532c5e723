"""The two networks in Keras. Keras is imported when one is built, never with this module."""

from dataclasses import dataclass
from typing import Any, Final

from decisions.domains.recommendation.features import CATEGORY, HISTORY, ITEM, RATING
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
    """user(history, weights) gives vectors; item(place, category, rating) gives vectors and biases.

    inputs and tower are the layers of `user`, which reads them as tower(sum of weights x inputs).
    """

    inputs: Any
    tower: tuple[Any, ...]
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


def two_tower(sizes: Sizes) -> TwoTowerNetwork:
    """Return the network with fresh weights: the history's mean through two dense layers, items by embedding."""
    from keras import Input, Model, layers, ops

    history, weights, user_input, inputs = _user(sizes, "inputs")
    tower = (layers.Dense(sizes.hidden, "relu"), layers.Dense(sizes.width))
    vector = user_input
    for layer in tower:
        vector = layer(vector)
    place, category, rating = (Input((), dtype=kind, name=name) for name, kind in _ITEM_INPUTS)
    about = layers.Concatenate()(
        [_embedding(sizes.categories, sizes.category_width)(category), ops.expand_dims(rating, -1)]
    )
    item_vector = layers.Add()([_embedding(sizes.items, sizes.width)(place), layers.Dense(sizes.width)(about)])
    own_bias = layers.Embedding(sizes.items, 1, embeddings_initializer="zeros")(place)
    bias = layers.Add()([own_bias, layers.Dense(1)(about)])
    return TwoTowerNetwork(
        inputs=inputs,
        tower=tower,
        user=Model([history, weights], vector),
        item=Model([place, category, rating], [item_vector, ops.squeeze(bias, -1)]),
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


def _embedding(count: int, width: int, name: str | None = None) -> Any:
    from keras import initializers, layers

    return layers.Embedding(count, width, initializers.RandomUniform(-_SPREAD, _SPREAD), name=name)

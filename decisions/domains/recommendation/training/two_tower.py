"""Two towers, trained to tell the next item from others by a softmax over all items, or over a sample of them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decisions.domains.recommendation.features import HISTORY, rating_feature
from decisions.domains.recommendation.text import TEXT
from decisions.domains.recommendation.training.dataset import RecommendationData
from decisions.domains.recommendation.training.network_parameters import LOOP
from decisions.domains.recommendation.training.networks import Sizes, TwoTowerNetwork, two_tower
from decisions.domains.recommendation.training.recipe import SHARED
from decisions.domains.recommendation.training.samples import next_items, weights_table
from decisions.domains.recommendation.training.texts import TextSpace, text_space
from decisions.moment import Bools
from decisions.policy import Indices, Scores
from models_registry.exporters.keras import dense_layers, embedding
from models_registry.exporters.learning_loop import prepare, run_epochs
from models_registry.pipeline import Fitted, Parameter, Parameters
from models_registry.predictors.dense import Layer, write_layers
from models_registry.predictors.popularity import ITEMS, write_items
from models_registry.predictors.two_tower import TEXT_BIAS, TEXT_INPUTS, TEXT_VECTORS, USER_TOWER
from models_registry.vocabulary import PredictorKind

PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        **SHARED,
        **LOOP,
        "negatives": Parameter(
            about="Items drawn per step beside those of the batch; catalogues up to this size are compared whole",
            default=2_000,
            least=1,
            most=100_000,
            whole=True,
        ),
        "text_width": Parameter(
            about="Numbers that stand for an item's title and category", default=64, least=1, most=512, whole=True
        ),
        "text_only": Parameter(
            about="Share of the items of a step that only their text stands for, so that new items can be told by it",
            default=0.1,
            least=0.0,
            most=0.9,
        ),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class ItemFacts:
    """Columns of the items. rating: as `rating_feature` makes it. met: whether anybody dealt with the item."""

    item_ids: tuple[str, ...]
    rating: Scores
    met: Bools


def learn(data: RecommendationData, parameters: Parameters, seed: int, tell: Callable[[float], None]) -> Fitted:
    """Return the arrays of a trained network. Raises TrainingDiverged, TrainingDataInsufficient, TensorFlowMissing."""
    samples = next_items(data, most=int(parameters["most_samples"]), seed=seed)
    tf = prepare(seed=seed, threads=int(parameters["threads"]))
    rng = np.random.default_rng(seed)
    text = text_space(data.log, width=int(parameters["text_width"]), rng=rng)
    rating = rating_feature(data.log.ratings)
    network = two_tower(Sizes(len(rating), 0, int(parameters["width"])), text.items)
    update = _update(tf, network, parameters)
    table, negatives = weights_table(parameters["half_life"]), int(parameters["negatives"])
    frequency = np.bincount(samples.targets, minlength=len(rating)) / len(samples)

    def step(places: Indices) -> float:
        targets = samples.targets[places]
        pool, correction = draw_pool(targets, frequency, negatives, rng)
        own = rng.random(len(pool), dtype=np.float32) >= parameters["text_only"]
        loss = update(
            samples.histories[places],
            table[samples.lengths[places]],
            np.searchsorted(pool, targets).astype(np.int32),
            samples.importance[places],
            pool,
            own.astype(np.float32),
            rating[pool],
            correction,
        )
        return float(loss)

    run_epochs(
        step,
        samples=len(samples),
        epochs=int(parameters["epochs"]),
        batch=int(parameters["batch"]),
        guess=math.log(max(len(rating), 2)),
        rng=rng,
        tell=tell,
    )
    about = ItemFacts(data.log.item_ids, rating, frequency > 0.0)
    return export(network, text, about, parameters["half_life"])


def draw_pool(
    targets: npt.NDArray[np.int32], frequency: npt.NDArray[np.float64], negatives: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Return the items that a batch is compared with, ascending, and what is subtracted from their scores.

    All items that were ever a target where there are at most `negatives`; else the targets and as many drawn evenly.
    The correction is the logarithm of an item's chance to be in the pool, 1 - (1 - f)^batch (1 - 1/n)^negatives
    (Yi et al. 2019). Items that nobody met are never in it: that they were not met says nothing of them.
    """
    met = np.flatnonzero(frequency)
    if len(met) <= negatives:
        return met.astype(np.int32), np.zeros(len(met), dtype=np.float32)
    pool = np.unique(np.concatenate((targets, met[rng.integers(0, len(met), negatives)])))
    share = np.minimum(frequency[pool], 1.0 - 1e-9)
    absent = len(targets) * np.log1p(-share) + negatives * math.log1p(-1.0 / len(met))
    return pool.astype(np.int32), np.log(-np.expm1(absent)).astype(np.float32)


def export(network: TwoTowerNetwork, text: TextSpace, about: ItemFacts, half_life: float) -> Fitted:
    """Return the arrays of the network: the user tower's layers, what the item tower says of every item, and what
    both say of any text. For items that nobody met only their text speaks: of them alone nothing was learnt.
    """
    own = about.met.astype(np.float32)
    places = np.arange(len(own), dtype=np.int32)
    outputs = network.item([places, own, about.rating])
    vectors, bias = (np.array(output.numpy(), dtype=np.float32) for output in outputs)
    tensors, settings = write_layers(USER_TOWER, dense_layers(network.tower))
    into_input, into_vector, into_bias = (
        layer.weights for layer in map(_only, (network.text_input, network.text_vector, network.text_bias))
    )
    arrays = {
        ITEMS: write_items(about.item_ids),
        "inputs": embedding(network.inputs) * own[:, None] + text.items @ into_input,
        "vectors": vectors,
        "bias": bias,
        TEXT_INPUTS: text.table @ into_input,
        TEXT_VECTORS: text.table @ into_vector,
        TEXT_BIAS: (text.table @ into_bias)[:, 0],
    }
    return Fitted(PredictorKind.TWO_TOWER, (HISTORY, TEXT), {**arrays, **tensors}, {**settings, "half_life": half_life})


def _only(layer: Any) -> Layer:
    """Return the layer on plain arrays. Raises LayerNotExportable."""
    (exported,) = dense_layers(layer)
    return exported


def _update(tf: Any, network: TwoTowerNetwork, parameters: Parameters) -> Any:
    """Return the compiled step: it changes the network and returns the batch's loss."""
    import keras

    optimizer = keras.optimizers.AdamW(parameters["learning_rate"], weight_decay=parameters["decay"])
    optimizer.build(network.variables)

    def update(
        histories: Any,
        weights: Any,
        labels: Any,
        importance: Any,
        pool: Any,
        own: Any,
        rating: Any,
        correction: Any,
    ) -> Any:
        with tf.GradientTape() as tape:
            users = network.user([histories, weights], training=True)
            vectors, bias = network.item([pool, own, rating], training=True)
            scores = tf.matmul(users, vectors, transpose_b=True) + bias - correction
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores)
            loss = tf.reduce_mean(losses * importance)
        optimizer.apply(tape.gradient(loss, network.variables), network.variables)
        return loss

    whole, real = tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.float32)
    rows = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None, None], tf.float32)]
    return tf.function(update, input_signature=[*rows, whole, real, whole, real, real, real])

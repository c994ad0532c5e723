"""Two towers, trained to tell the next item from others by a softmax over all items, or over a sample of them."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decisions.domains.recommendation.features import HISTORY, category_codes, rating_feature
from decisions.domains.recommendation.training.dataset import RecommendationData
from decisions.domains.recommendation.training.loop import LOOP, prepare, run_epochs
from decisions.domains.recommendation.training.networks import Sizes, TwoTowerNetwork, two_tower
from decisions.domains.recommendation.training.recipe import SHARED
from decisions.domains.recommendation.training.samples import next_items, weights_table
from decisions.policy import Indices
from models_registry.exporters.keras import dense_layers, embedding
from models_registry.pipeline import Fitted, Parameter, Parameters
from models_registry.predictors.dense import write_layers
from models_registry.predictors.popularity import ITEMS, write_items
from models_registry.predictors.two_tower import USER_TOWER
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
    }
)


def learn(data: RecommendationData, parameters: Parameters, seed: int, tell: Callable[[float], None]) -> Fitted:
    """Return the arrays of a trained network. Raises TrainingDiverged, TrainingDataInsufficient, TensorFlowMissing."""
    samples = next_items(data, most=int(parameters["most_samples"]))
    tf = prepare(seed=seed, threads=int(parameters["threads"]))
    rng = np.random.default_rng(seed)
    category, names = category_codes(data.log.categories)
    rating = rating_feature(data.log.ratings)
    items = len(category)
    network = two_tower(Sizes(items, len(names), int(parameters["width"])))
    update = _update(tf, network, parameters)
    table, negatives = weights_table(parameters["half_life"]), int(parameters["negatives"])
    frequency = np.bincount(samples.targets, minlength=items) / len(samples)

    def step(places: Indices) -> float:
        targets = samples.targets[places]
        pool, correction = draw_pool(targets, frequency, negatives, rng)
        loss = update(
            samples.histories[places],
            table[samples.lengths[places]],
            np.searchsorted(pool, targets).astype(np.int32),
            samples.importance[places],
            pool,
            category[pool],
            rating[pool],
            correction,
        )
        return float(loss)

    run_epochs(
        step,
        samples=len(samples),
        epochs=int(parameters["epochs"]),
        batch=int(parameters["batch"]),
        guess=math.log(max(items, 2)),
        rng=rng,
        tell=tell,
    )
    return export(network, data.log.item_ids, category, rating, parameters["half_life"])


def draw_pool(
    targets: npt.NDArray[np.int32], frequency: npt.NDArray[np.float64], negatives: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Return the items that a batch is compared with, ascending, and what is subtracted from their scores.

    All items where there are at most `negatives`; else the targets and as many drawn evenly. The correction is the
    logarithm of an item's chance to be in the pool, 1 - (1 - f)^batch (1 - 1/n)^negatives (Yi et al. 2019).
    """
    items = len(frequency)
    if items <= negatives:
        return np.arange(items, dtype=np.int32), np.zeros(items, dtype=np.float32)
    pool = np.unique(np.concatenate((targets, rng.integers(0, items, negatives))))
    absent = len(targets) * np.log1p(-np.minimum(frequency[pool], 1.0 - 1e-9)) + negatives * math.log1p(-1.0 / items)
    return pool.astype(np.int32), np.log(-np.expm1(absent)).astype(np.float32)


def export(
    network: TwoTowerNetwork,
    item_ids: tuple[str, ...],
    category: npt.NDArray[np.int32],
    rating: npt.NDArray[np.float32],
    half_life: float,
) -> Fitted:
    """Return the arrays of the network: the user tower's layers, and what the item tower says of every item."""
    places = np.arange(len(item_ids), dtype=np.int32)
    vectors, bias = (np.array(output.numpy(), dtype=np.float32) for output in network.item([places, category, rating]))
    tensors, settings = write_layers(USER_TOWER, dense_layers(network.tower))
    arrays = {ITEMS: write_items(item_ids), "inputs": embedding(network.inputs), "vectors": vectors, "bias": bias}
    return Fitted(PredictorKind.TWO_TOWER, (HISTORY,), {**arrays, **tensors}, {**settings, "half_life": half_life})


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
        category: Any,
        rating: Any,
        correction: Any,
    ) -> Any:
        with tf.GradientTape() as tape:
            users = network.user([histories, weights], training=True)
            vectors, bias = network.item([pool, category, rating], training=True)
            scores = tf.matmul(users, vectors, transpose_b=True) + bias - correction
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores)
            loss = tf.reduce_mean(losses * importance)
        optimizer.apply(tape.gradient(loss, network.variables), network.variables)
        return loss

    whole, real = tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.float32)
    rows = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None, None], tf.float32)]
    return tf.function(update, input_signature=[*rows, whole, real, whole, whole, real, real])

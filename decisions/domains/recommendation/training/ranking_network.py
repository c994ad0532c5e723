"""The ranking network, trained to tell the next item from items drawn at random."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decisions.domains.recommendation.features import CATEGORY, HISTORY, ITEM, RATING, category_codes, rating_feature
from decisions.domains.recommendation.training.dataset import RecommendationData
from decisions.domains.recommendation.training.network_parameters import LOOP
from decisions.domains.recommendation.training.networks import RankingNetwork, Sizes, ranking
from decisions.domains.recommendation.training.recipe import SHARED
from decisions.domains.recommendation.training.samples import next_items, weights_table
from decisions.policy import Indices
from models_registry.exporters.keras import dense_layers, embedding
from models_registry.exporters.learning_loop import prepare, run_epochs
from models_registry.pipeline import Fitted, Parameter, Parameters
from models_registry.predictors.dense import write_layers
from models_registry.predictors.popularity import ITEMS, write_items
from models_registry.predictors.ranking_network import NETWORK
from models_registry.vocabulary import PredictorKind

PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        **SHARED,
        **LOOP,
        "epochs": replace(LOOP["epochs"], default=20),
        "learning_rate": replace(LOOP["learning_rate"], default=0.01),
        "negatives": Parameter(
            about="Items drawn for each sample that are not the next", default=8, least=1, most=1_000, whole=True
        ),
    }
)


def learn(data: RecommendationData, parameters: Parameters, seed: int, tell: Callable[[float], None]) -> Fitted:
    """Return the arrays of a trained network. Raises TrainingDiverged, TrainingDataInsufficient, TensorFlowMissing."""
    samples = next_items(data, most=int(parameters["most_samples"]), seed=seed)
    tf = prepare(seed=seed, threads=int(parameters["threads"]))
    rng = np.random.default_rng(seed)
    category, names = category_codes(data.log.categories)
    rating = rating_feature(data.log.ratings)
    network = ranking(Sizes(len(category), len(names), int(parameters["width"])))
    update = _update(tf, network, parameters)
    table, negatives = weights_table(parameters["half_life"]), int(parameters["negatives"])

    def step(places: Indices) -> float:
        items = draw_items(samples.targets[places], len(category), negatives, rng)
        loss = update(
            samples.histories[places],
            table[samples.lengths[places]],
            items,
            category[items],
            rating[items],
            samples.importance[places],
        )
        return float(loss)

    share = 1.0 / (1.0 + negatives)
    run_epochs(
        step,
        samples=len(samples),
        epochs=int(parameters["epochs"]),
        batch=int(parameters["batch"]),
        guess=-share * math.log(share) - (1.0 - share) * math.log(1.0 - share),
        rng=rng,
        tell=tell,
    )
    return export(network, data.log.item_ids, category, rating, parameters["half_life"])


def draw_items(
    targets: npt.NDArray[np.int32], items: int, negatives: int, rng: np.random.Generator
) -> npt.NDArray[np.int32]:
    """Return for each target a row: the target itself, then `negatives` others drawn evenly from the other items."""
    others = (targets[:, None] + rng.integers(1, items, (len(targets), negatives))) % items
    return np.concatenate((targets[:, None], others), axis=1).astype(np.int32)


def export(
    network: RankingNetwork,
    item_ids: tuple[str, ...],
    category: npt.NDArray[np.int32],
    rating: npt.NDArray[np.float32],
    half_life: float,
) -> Fitted:
    """Return the arrays of the network: its embeddings, its dense layers, and what it reads of every item."""
    tensors, settings = write_layers(NETWORK, dense_layers(network.dense))
    arrays = {
        ITEMS: write_items(item_ids),
        "embeddings": embedding(network.embeddings),
        "categories": embedding(network.categories),
        "category": category,
        "ratings": rating,
    }
    return Fitted(
        PredictorKind.RANKING_NETWORK,
        (HISTORY, ITEM, CATEGORY, RATING),
        {**arrays, **tensors},
        {**settings, "half_life": half_life},
    )


def _update(tf: Any, network: RankingNetwork, parameters: Parameters) -> Any:
    """Return the compiled step: it changes the network and returns the batch's loss."""
    import keras

    variables = network.model.trainable_variables
    optimizer = keras.optimizers.AdamW(parameters["learning_rate"], weight_decay=parameters["decay"])
    optimizer.build(variables)

    def update(histories: Any, weights: Any, items: Any, category: Any, rating: Any, importance: Any) -> Any:
        with tf.GradientTape() as tape:
            chances = network.model([histories, weights, items, category, rating], training=True)
            labels = tf.concat((tf.ones_like(chances[:, :1]), tf.zeros_like(chances[:, 1:])), axis=1)
            losses = keras.ops.mean(keras.ops.binary_crossentropy(labels, chances), axis=1)
            loss = tf.reduce_mean(losses * importance)
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    places, real = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None, None], tf.float32)
    return tf.function(update, input_signature=[places, real, places, places, real, tf.TensorSpec([None], tf.float32)])

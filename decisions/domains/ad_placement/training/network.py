"""The network with cross layers, trained by the likelihood of clicks and of orders after them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decisions.domains.ad_placement.features import INPUTS, layout
from decisions.domains.ad_placement.training.calibrating import calibrated, log_odds
from decisions.domains.ad_placement.training.dataset import AdData, Showings
from decisions.domains.ad_placement.training.logistic import clicked_alone, order_facts
from decisions.domains.ad_placement.training.networks import CrossNetwork, cross_network
from decisions.domains.ad_placement.training.parameters import SHARED
from decisions.domains.ad_placement.training.samples import summed
from decisions.policy import Indices
from models_registry.exporters.keras import dense_layers, embedding
from models_registry.exporters.learning_loop import prepare, run_epochs
from models_registry.pipeline import Fitted, Parameter, Parameters
from models_registry.predictors.crosses import Layout, places_of, word_shares
from models_registry.predictors.dense import Layer, write_layers
from models_registry.predictors.hashed_logistic import HAS_ORDERS
from models_registry.predictors.hashed_network import CROSS, DEEP, EMBEDDINGS, HEAD
from models_registry.predictors.popularity import ITEMS, write_items
from models_registry.predictors.responses import CLICK, ORDER, Calibration
from models_registry.vocabulary import PredictorKind

HIDDEN: Final = (32, 16)
BLOCK: Final = 8_192

PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        **SHARED,
        "bits": Parameter(
            about="Bits of a place in the table of embeddings", default=14, least=8, most=20, whole=True, tunable=False
        ),
        "width": Parameter(about="Numbers that stand for a feature", default=8, least=2, most=64, whole=True),
        "crosses": Parameter(about="Cross layers", default=2, least=1, most=6, whole=True),
        "epochs": Parameter(about="Passes over the showings", default=8, least=1, most=200, whole=True),
        "batch": Parameter(about="Rows per step", default=256, least=8, most=65_536, whole=True),
        "learning_rate": Parameter(about="Step size of Adam", default=0.005, least=1e-6, most=1e6),
        "decay": Parameter(about="Weight decay of Adam", default=0.05, least=0.0, most=10.0),
        "threads": Parameter(
            about="Processor threads; the first training of a process decides",
            default=1,
            least=1,
            most=256,
            whole=True,
            tunable=False,
        ),
    }
)

Real = npt.NDArray[np.float32]


def learn(data: AdData, parameters: Parameters, seed: int, tell: Callable[[float], None]) -> Fitted:
    """Return the arrays of a trained network. Raises TrainingDiverged, TensorFlowMissing."""
    tf = prepare(seed=seed, threads=int(parameters["threads"]))
    shape = layout(int(parameters["bits"]))
    shown = summed(data.learnt)
    network = cross_network(shape, width=int(parameters["width"]), crosses=int(parameters["crosses"]), hidden=HIDDEN)
    facts = order_facts(data)
    _begin_at_rates(network, float(shown.clicked.sum() / shown.shown.sum()), facts["order_rate"])
    update, scale = _update(tf, network, parameters), float(shown.shown.mean())

    def step(rows: Indices) -> float:
        counts = np.column_stack((shown.shown[rows], shown.clicked[rows], shown.ordered[rows])) / scale
        return float(update(*_inputs(data, shown, rows, shape), counts.astype(np.float32)))

    rate = shown.clicked.sum() / shown.shown.sum()
    run_epochs(
        step,
        samples=len(shown),
        epochs=int(parameters["epochs"]),
        batch=int(parameters["batch"]),
        guess=float(-rate * np.log(rate) - (1.0 - rate) * np.log1p(-rate)) + _GUESS_OF_ORDERS * float(rate),
        rng=np.random.default_rng(seed),
        tell=tell,
    )
    later = summed(data.calibrated) if len(data.calibrated) else data.calibrated
    logits = _logits(network, data, later, shape)
    return export(network, data, shape, _calibrations(later, logits, facts), float(facts["order_rate"]))


def export(
    network: CrossNetwork, data: AdData, shape: Layout, calibrations: tuple[Calibration, ...], order_rate: float
) -> Fitted:
    """Return the arrays of the network; with one calibration the head's second output is left out."""
    (head,) = dense_layers(network.head)
    heads = len(calibrations)
    kept = Layer(head.weights[:, :heads].copy(), head.bias[:heads].copy(), head.activation)
    tensors: dict[str, np.ndarray] = {
        ITEMS: write_items(data.item_ids),
        "numbers": data.numbers,
        EMBEDDINGS: embedding(network.embeddings),
    }
    settings: dict[str, Any] = {**shape.settings(), "order_rate": order_rate}
    parts = ((CROSS, _layers(network.cross)), (DEEP, dense_layers(network.deep)), (HEAD, (kept,)))
    for name, layers in parts:
        arrays, activations = write_layers(name, layers)
        tensors |= arrays
        settings |= activations
    for name, calibration in zip((CLICK, ORDER), calibrations, strict=False):
        settings |= calibration.settings(name)
    return Fitted(PredictorKind.HASHED_NETWORK, INPUTS, tensors, settings)


_GUESS_OF_ORDERS: Final = 0.7
"""A guess about an order after a click costs at most log 2."""


def _layers(layers: tuple[Any, ...]) -> tuple[Layer, ...]:
    return tuple(exported for layer in layers for exported in dense_layers(layer))


def _inputs(data: AdData, showings: Showings, rows: Indices, shape: Layout) -> tuple[Indices, Indices, Real]:
    """Return places of facts and fields, places of words, and their shares, of some rows."""
    numbers = data.numbers[showings.items[rows]]
    own = np.concatenate((data.subjects[showings.moments[rows]], numbers[:, : shape.fields]), axis=1)
    words = numbers[:, shape.fields : -1]
    return (
        places_of(own, shape.bits).astype(np.int32),
        places_of(words, shape.bits).astype(np.int32),
        word_shares(words),
    )


def _logits(network: CrossNetwork, data: AdData, showings: Showings, shape: Layout) -> npt.NDArray[np.float64]:
    """Return both log-odds of showings, before calibration."""
    found = [np.zeros((0, 2))]
    for start in range(0, len(showings), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(showings)))
        found.append(np.asarray(network.model(_inputs(data, showings, rows, shape)), dtype=np.float64))
    return np.concatenate(found)


def _calibrations(
    later: Showings, logits: npt.NDArray[np.float64], facts: Mapping[str, Any]
) -> tuple[Calibration, ...]:
    clicks = calibrated(logits[:, 0], later.shown, later.clicked)
    if not facts[HAS_ORDERS]:
        return (clicks,)
    after = clicked_alone(later)
    return (clicks, calibrated(logits[later.clicked > 0.0, 1], after.shown, after.clicked))


def _begin_at_rates(network: CrossNetwork, rate: float, order_rate: float) -> None:
    """Let the head begin where a guess by the rates alone is, so that no epoch is spent on finding them."""
    network.head.bias.assign(np.array([log_odds(rate), log_odds(order_rate)], dtype=np.float32))


def _update(tf: Any, network: CrossNetwork, parameters: Parameters) -> Any:
    """Return the compiled step: it changes the network and returns the batch's loss by what was shown in it."""
    import keras

    variables = network.model.trainable_variables
    optimizer = keras.optimizers.AdamW(parameters["learning_rate"], weight_decay=parameters["decay"])
    optimizer.build(variables)

    def update(places: Any, words: Any, shares: Any, counts: Any) -> Any:
        shown, clicked, ordered = (counts[:, place] for place in range(3))
        with tf.GradientTape() as tape:
            logits = network.model([places, words, shares], training=True)
            clicks = shown * tf.nn.softplus(logits[:, 0]) - clicked * logits[:, 0]
            orders = clicked * tf.nn.softplus(logits[:, 1]) - ordered * logits[:, 1]
            loss = tf.reduce_sum(clicks + orders) / tf.reduce_sum(shown)
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    rows, real = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None, None], tf.float32)
    return tf.function(update, input_signature=[rows, rows, real, real])

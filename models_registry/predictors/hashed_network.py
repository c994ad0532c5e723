"""The predictor of a network with cross layers on embeddings of hashed features (DCN v2, Wang et al. 2021)."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models_registry.artifacts import Artifact, ArtifactMalformed
from models_registry.predictors.crosses import Layout, places_of, read_layout, read_numbers, word_shares
from models_registry.predictors.dense import Activation, Layer, apply, read_layers
from models_registry.predictors.history import inside
from models_registry.predictors.popularity import read_items
from models_registry.predictors.protocol import Indices, Scores
from models_registry.predictors.reading import ensure_bounded, floats, largest
from models_registry.predictors.responses import CLICK, ORDER, Calibration, paid, read_calibration, read_order_rate
from models_registry.vocabulary import PredictorKind

CROSS: Final = "cross"
DEEP: Final = "deep"
HEAD: Final = "head"
EMBEDDINGS: Final = "embeddings"


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """The layers, whatever the actions. cross: x <- x0 * (x W + b) + x. head: one or two log-odds from both ends."""

    embeddings: Scores
    cross: tuple[Layer, ...]
    deep: tuple[Layer, ...]
    head: Layer
    calibrations: tuple[Calibration, ...]

    def __call__(self, inputs: Scores) -> Scores:
        """Return the log-odds of rows of inputs: of a click and, where the head has it, of an order after one."""
        state = inputs
        for layer in self.cross:
            sums = layer(state)
            sums *= inputs
            sums += state
            state = sums
        return self.head(np.concatenate((state, apply(self.deep, inputs)), axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class HashedNetwork:
    """A row of inputs has the embeddings of the facts, of the action's fields, and the weighted sum of its words'.

    numbers: actions x layout.numbers. standing: actions x their part of the row.
    """

    items: tuple[str, ...]
    numbers: Indices
    layout: Layout
    network: Network
    order_rate: float
    standing: Scores
    kind: PredictorKind = PredictorKind.HASHED_NETWORK

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        """Return for each candidate the probability of what is paid for; `history` has the facts of the moment."""
        self.layout.ensure_subject(history)
        places = slice(None) if candidates is None else inside(candidates, len(self.items))
        standing = self.standing[places]
        moment = self.network.embeddings[places_of(history, self.layout.bits)].reshape(-1)
        inputs = np.empty((len(standing), len(moment) + standing.shape[1]), dtype=np.float32)
        inputs[:, : len(moment)] = moment
        inputs[:, len(moment) :] = standing
        logits = self.network(inputs)
        clicks, *more = (calibration(logits[:, place]) for place, calibration in enumerate(self.network.calibrations))
        return paid(clicks, more[0] if more else self.order_rate, self.numbers[places, -1])

    def adapted(self, items: tuple[str, ...], numbers: Indices) -> "HashedNetwork":
        """Return the same model for other actions, known by their numbers. Raises ArtifactMalformed."""
        self.layout.ensure_numbers(items, numbers)
        return _beside(self.network, self.layout, self.order_rate, items=items, numbers=numbers)


def hashed_network_of(artifact: Artifact) -> HashedNetwork:
    """Return the predictor of an artifact. Raises ArtifactMalformed."""
    items = read_items(artifact)
    layout = read_layout(artifact)
    numbers = read_numbers(artifact, layout, len(items))
    network = _read_network(artifact, layout)
    return _beside(network, layout, read_order_rate(artifact), items=items, numbers=numbers)


def _beside(
    network: Network, layout: Layout, order_rate: float, *, items: tuple[str, ...], numbers: Indices
) -> HashedNetwork:
    fields, words = numbers[:, : layout.fields], numbers[:, layout.fields : -1]
    own = network.embeddings[places_of(fields, layout.bits)]
    own = own.reshape(len(items), layout.fields * network.embeddings.shape[1])
    told = np.einsum("nw,nwd->nd", word_shares(words), network.embeddings[places_of(words, layout.bits)])
    standing = np.concatenate((own, told.astype(np.float32)), axis=1)
    standing.flags.writeable = False
    return HashedNetwork(items, numbers, layout, network, order_rate, standing)


def _read_network(artifact: Artifact, layout: Layout) -> Network:
    embeddings = floats(artifact, EMBEDDINGS, layout.size, None)
    width = (layout.context + layout.fields + 1) * embeddings.shape[1]
    if width == 0:
        raise ArtifactMalformed(f"The array {EMBEDDINGS} has no columns.")
    within = largest(embeddings) * max(1.0, layout.words**0.5)
    cross, bound = _read_cross(artifact, width, within)
    deep, deep_bound = read_layers(artifact, DEEP, inputs=width, within=within)
    joined = width + len(deep[-1].bias)
    head, head_bound = read_layers(artifact, HEAD, inputs=joined, within=max(bound, deep_bound))
    if len(head) != 1 or len(head[0].bias) not in (1, 2) or head[0].activation is not Activation.LINEAR:
        raise ArtifactMalformed(f"The setting {HEAD} is not one linear layer with one or two outputs.")
    calibrations = tuple(read_calibration(artifact, name) for name in (CLICK, ORDER)[: len(head[0].bias)])
    ensure_bounded(HEAD, head_bound * max(calibration.slope for calibration in calibrations))
    return Network(embeddings, cross, deep, head[0], calibrations)


def _read_cross(artifact: Artifact, width: int, within: float) -> tuple[tuple[Layer, ...], float]:
    """Return the cross layers, and what no number after them exceeds. Raises ArtifactMalformed."""
    layers, _ = read_layers(artifact, CROSS, inputs=width, within=within)
    bound = within
    for place, layer in enumerate(layers):
        if layer.weights.shape != (width, width) or layer.activation is not Activation.LINEAR:
            raise ArtifactMalformed(f"The array {CROSS}.{place}.weights is no linear layer of {width} by {width}.")
        bound = layer.bound(bound) * within + bound
        ensure_bounded(f"{CROSS}.{place}.weights", bound)
    return layers, bound

"""The predictor of a two-tower network: a history becomes a vector whose product with an item's vector scores it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models_registry.artifacts import Artifact
from models_registry.predictors.dense import Layer, apply, read_layers
from models_registry.predictors.history import (
    LONGEST_HALF_LIFE,
    SHORTEST_HALF_LIFE,
    inside,
    recency_weights,
    recent,
)
from models_registry.predictors.popularity import read_items
from models_registry.predictors.protocol import Indices, Predictor, Scores
from models_registry.predictors.reading import ensure_bounded, floats, largest, number
from models_registry.predictors.texts import MOST_FEATURES, TextTable, read_table
from models_registry.vocabulary import PredictorKind

USER_TOWER: Final = "user"
TEXT_INPUTS: Final = "text_inputs"
TEXT_VECTORS: Final = "text_vectors"
TEXT_BIAS: Final = "text_bias"


@dataclass(frozen=True, slots=True, eq=False)
class TwoTower:
    """score_j = tower(sum over the history of w_k inputs_k) . vectors_j + bias_j.

    inputs: items x width of the tower's input. vectors: items x width of its output. bias: items.
    """

    items: tuple[str, ...]
    inputs: Scores
    tower: tuple[Layer, ...]
    vectors: Scores
    bias: Scores
    half_life: float
    kind: PredictorKind = PredictorKind.TWO_TOWER

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        """Return the scores of the candidates; without a history the tower reads zeros."""
        known = recent(history, len(self.items))
        user = apply(self.tower, recency_weights(len(known), self.half_life) @ self.inputs[known])
        if candidates is None:
            return self.vectors @ user + self.bias
        places = inside(candidates, len(self.items))
        return self.vectors[places] @ user + self.bias[places]


@dataclass(frozen=True, slots=True, eq=False)
class TextTwoTower:
    """A two-tower network that also reads texts: items it was not trained on get inputs, vector and bias from theirs.

    Implements `Adaptable`. towers: of the items it was trained on.
    """

    towers: TwoTower
    inputs: TextTable
    vectors: TextTable
    bias: TextTable

    @property
    def kind(self) -> PredictorKind:
        """How it predicts."""
        return self.towers.kind

    @property
    def items(self) -> tuple[str, ...]:
        """The ids of the items it was trained on."""
        return self.towers.items

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        """Return the scores of the candidates among the items it was trained on."""
        return self.towers.score(history, candidates)

    def adapted(self, items: tuple[str, ...], numbers: npt.NDArray[np.int64]) -> Predictor:
        """Return the predictor of these items: those it was trained on as they were, the others by their text.

        numbers: items x any number, hashed features of each item's text, -1 for none. An item that is neither known
        nor has a text it can read scores like the least liked item for everybody.
        Raises ArtifactMalformed where the numbers do not fit the items or the tables.
        """
        places = {item: place for place, item in enumerate(self.towers.items)}
        theirs = np.array([places.get(item, -1) for item in items], dtype=np.int64)
        known, new = np.flatnonzero(theirs >= 0), np.flatnonzero(theirs < 0)
        self.bias.ensure_fits(numbers, len(items))
        told = numbers[new]
        inputs, vectors, bias = (
            _filled(own, known, theirs[known], new, table.of(told))
            for own, table in (
                (self.towers.inputs, self.inputs),
                (self.towers.vectors, self.vectors),
                (self.towers.bias[:, None], self.bias),
            )
        )
        bias[new[(told < 0).all(axis=1)]] = self.towers.bias.min(initial=0.0)
        arrays = inputs, vectors, bias[:, 0].copy()
        for array in arrays:
            array.flags.writeable = False
        return TwoTower(items, arrays[0], self.towers.tower, arrays[1], arrays[2], self.towers.half_life)


def two_tower_of(artifact: Artifact) -> TwoTower | TextTwoTower:
    """Return the predictor of an artifact; one that reads texts where the artifact has tables of them.

    Raises ArtifactMalformed.
    """
    items = read_items(artifact)
    inputs = floats(artifact, "inputs", len(items), None)
    tables = _tables(artifact, inputs.shape[1])
    within = largest(inputs) if tables is None else max(largest(inputs), tables[0].bound)
    tower, bound = read_layers(artifact, USER_TOWER, inputs=inputs.shape[1], within=within)
    width = len(tower[-1].bias)
    vectors, bias = floats(artifact, "vectors", len(items), width), floats(artifact, "bias", len(items))
    sums = np.abs(vectors).sum(axis=1, dtype=np.float64)
    ensure_bounded("vectors", largest(sums) * bound + largest(bias))
    half_life = number(artifact, "half_life", least=SHORTEST_HALF_LIFE, most=LONGEST_HALF_LIFE)
    towers = TwoTower(items, inputs, tower, vectors, bias, half_life)
    if tables is None:
        return towers
    of_vectors = read_table(artifact, TEXT_VECTORS, len(tables[0].rows), width)
    ensure_bounded(TEXT_VECTORS, of_vectors.bound * width * bound + tables[1].bound)
    return TextTwoTower(towers, tables[0], of_vectors, tables[1])


def _tables(artifact: Artifact, width: int) -> tuple[TextTable, TextTable] | None:
    """Return what texts say of inputs and of biases, None where the artifact says nothing of texts."""
    if not artifact.tensors.keys() & {TEXT_INPUTS, TEXT_VECTORS, TEXT_BIAS}:
        return None
    inputs = read_table(artifact, TEXT_INPUTS, None, width)
    bias = floats(artifact, TEXT_BIAS, len(inputs.rows))
    return inputs, TextTable(bias[:, None], largest(bias) * MOST_FEATURES**0.5)


def _filled(own: Scores, known: Indices, theirs: Indices, new: Indices, told: Scores) -> Scores:
    """Return rows at the known places from `own`, and at the new ones from what their texts tell."""
    rows = np.empty((len(known) + len(new), own.shape[1]), dtype=np.float32)
    rows[known], rows[new] = own[theirs], told
    return rows

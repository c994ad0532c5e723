"""Dense layers on arrays: what is left of a network once it is trained."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from models_registry.artifacts import Artifact, ArtifactMalformed
from models_registry.predictors.protocol import Scores
from models_registry.predictors.reading import ensure_bounded, floats

MOST_LAYERS: Final = 16


class Activation(StrEnum):
    """What a layer does to its sums, by the names that Keras uses."""

    LINEAR = "linear"
    RELU = "relu"
    SIGMOID = "sigmoid"
    TANH = "tanh"


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """activation(x @ weights + bias); weights: inputs x outputs, bias: outputs."""

    weights: Scores
    bias: Scores
    activation: Activation

    def __call__(self, inputs: Scores) -> Scores:
        """Return the outputs for rows of inputs, or for one vector of them."""
        sums = inputs @ self.weights
        sums += self.bias
        return activate(self.activation, sums)

    def bound(self, inputs: float) -> float:
        """Return what no output's magnitude exceeds where no input's magnitude exceeds `inputs`."""
        sums = np.abs(self.weights).sum(axis=0, dtype=np.float64) * inputs + np.abs(self.bias)
        if self.activation in (Activation.SIGMOID, Activation.TANH):
            return max(1.0, float(sums.max()))  # the sums themselves must not overflow either
        return float(sums.max())


def activate(activation: Activation, sums: Scores) -> Scores:
    """Return the activation of an array of sums, which is overwritten."""
    match activation:
        case Activation.RELU:
            return np.maximum(sums, np.float32(0.0), out=sums)
        case Activation.TANH:
            return np.tanh(sums, out=sums)
        case Activation.SIGMOID:
            sums *= np.float32(0.5)
            np.tanh(sums, out=sums)  # 1 / (1 + e^-x) = (1 + tanh(x / 2)) / 2, which cannot overflow
            sums += np.float32(1.0)
            sums *= np.float32(0.5)
            return sums
    return sums


def apply(layers: Iterable[Layer], inputs: Scores) -> Scores:
    """Return what the last layer makes of the inputs."""
    for layer in layers:
        inputs = layer(inputs)
    return inputs


def read_layers(artifact: Artifact, prefix: str, *, inputs: int, within: float) -> tuple[tuple[Layer, ...], float]:
    """Return the layers named `<prefix>.<number>`, and what no output's magnitude exceeds.

    inputs: how many numbers the first layer takes. within: what no input's magnitude exceeds. The setting
    `<prefix>` is the list of their activations, and says how many layers there are.

    Raises:
        ArtifactMalformed: an array is missing or of the wrong type or shape, an activation is unknown, or the
            numbers are so large that a sum could overflow.
    """
    layers = []
    for place, activation in enumerate(_activations(artifact, prefix)):
        name = f"{prefix}.{place}.weights"
        weights = floats(artifact, name, inputs, None)
        inputs = weights.shape[1]
        if inputs == 0:
            raise ArtifactMalformed(f"The array {name} has no outputs.")
        layer = Layer(weights, floats(artifact, f"{prefix}.{place}.bias", inputs), activation)
        within = layer.bound(within)
        ensure_bounded(name, within)
        layers.append(layer)
    return tuple(layers), within


def write_layers(prefix: str, layers: tuple[Layer, ...]) -> tuple[Mapping[str, np.ndarray], Mapping[str, list[str]]]:
    """Return the arrays and the settings that `read_layers` reads."""
    tensors: dict[str, np.ndarray] = {}
    for place, layer in enumerate(layers):
        tensors[f"{prefix}.{place}.weights"] = layer.weights
        tensors[f"{prefix}.{place}.bias"] = layer.bias
    return tensors, {prefix: [layer.activation.value for layer in layers]}


def _activations(artifact: Artifact, prefix: str) -> list[Activation]:
    named = artifact.manifest.settings.get(prefix)
    if not isinstance(named, list) or not 1 <= len(named) <= MOST_LAYERS:
        raise ArtifactMalformed(f"The setting {prefix} does not list the activations of 1 to {MOST_LAYERS} layers.")
    try:
        return [Activation(name) for name in named]
    except ValueError as error:
        raise ArtifactMalformed(f"The setting {prefix} names an unknown activation: {error}.") from error

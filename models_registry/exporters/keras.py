"""Plain arrays of Keras 3 layers: dense ones with their activations, and embeddings. Everything else is refused."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from foundation.errors import DomainError
from models_registry.predictors.dense import Activation, Layer
from models_registry.predictors.protocol import Scores


class LayerNotExportable(DomainError):
    """A layer does something that no predictor repeats."""

    code = "LAYER_NOT_EXPORTABLE"
    hint = "Build the network from keras.layers.Dense with a linear, relu, sigmoid or tanh activation, in float32."


def dense_layers(network: Any) -> tuple[Layer, ...]:
    """Return the layers of a Keras model that is one chain of dense layers, or of an iterable of such layers.

    Raises:
        LayerNotExportable: it holds another layer, an activation that predictors do not have, or branches.
    """
    import keras

    if isinstance(network, keras.Model):
        layers = _chain(network)
    elif isinstance(network, Iterable):
        layers = list(network)
    else:
        layers = [network]
    if not layers:
        raise LayerNotExportable("The network has no layers.")
    exported = tuple(_dense(layer) for layer in layers)
    for before, after in pairwise(exported):
        if before.weights.shape[1] != after.weights.shape[0]:
            raise LayerNotExportable(f"Layers of {before.weights.shape} and {after.weights.shape} do not follow.")
    return exported


def embedding(layer: Any) -> Scores:
    """Return the table of an embedding, one row for each place. Raises LayerNotExportable."""
    import keras

    if type(layer) is not keras.layers.Embedding or layer.mask_zero:
        raise LayerNotExportable(f"The layer {_name(layer)} is no embedding without a mask.")
    _ensure_plain(layer)
    return _array(layer.embeddings)


def _chain(model: Any) -> Sequence[Any]:
    """Return the layers of a model of which each reads the one before it. Raises LayerNotExportable."""
    import keras

    if not model.built:
        raise LayerNotExportable(f"The model {_name(model)} is not built; call it once.")
    if isinstance(model, keras.Sequential):
        return list(model.layers)
    if not hasattr(model, "inputs") or len(model.inputs) != 1 or len(model.outputs) != 1:
        raise LayerNotExportable(f"The model {_name(model)} is no chain of layers from one input to one output.")
    reached, layers = model.inputs[0], []
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if layer.input is not reached:
            raise LayerNotExportable(f"The layer {_name(layer)} does not read the layer before it.")
        reached = layer.output
        layers.append(layer)
    if reached is not model.outputs[0]:
        raise LayerNotExportable(f"The model {_name(model)} does not end in its last layer.")
    return layers


def _dense(layer: Any) -> Layer:
    import keras

    if type(layer) is not keras.layers.Dense:
        raise LayerNotExportable(f"The layer {_name(layer)} is a {type(layer).__name__}, not a Dense.")
    _ensure_plain(layer)
    known = {getattr(keras.activations, activation.value): activation for activation in Activation}
    if layer.activation not in known:
        raise LayerNotExportable(f"The layer {_name(layer)} has an activation that predictors do not have.")
    weights = _array(layer.kernel)
    bias = _array(layer.bias) if layer.use_bias else np.zeros(weights.shape[1], dtype=np.float32)
    return Layer(weights, bias, known[layer.activation])


def _ensure_plain(layer: Any) -> None:
    """Let pass a layer that is built, in float32, and neither quantised nor adapted. Raises LayerNotExportable."""
    if not layer.built:
        raise LayerNotExportable(f"The layer {_name(layer)} is not built; call the network once.")
    if layer.compute_dtype != "float32" or layer.quantization_mode is not None or getattr(layer, "lora_enabled", False):
        raise LayerNotExportable(f"The layer {_name(layer)} does not compute in plain float32.")


def _array(variable: Any) -> Scores:
    """Return a copy of a variable's values that training cannot change any more."""
    values = np.array(variable.numpy(), dtype=np.float32, order="C")
    values.flags.writeable = False
    return values


def _name(layer: Any) -> str:
    return str(getattr(layer, "name", type(layer).__name__))

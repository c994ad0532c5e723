"""What is exported from Keras gives the numbers that Keras gives; what cannot be repeated is refused."""

from typing import Any

import numpy as np
import pytest

from models_registry.exporters.keras import LayerNotExportable, dense_layers, embedding
from models_registry.predictors.dense import Activation, apply

pytestmark = pytest.mark.slow
keras = pytest.importorskip("keras", reason="networks are trained with TensorFlow, which is not installed")
layers = keras.layers


def built(*parts: Any, inputs: int = 5) -> Any:
    model = keras.Sequential([keras.Input((inputs,)), *parts])
    model.build((None, inputs))
    return model


def test_dense_layers__every_activation__gives_the_numbers_of_keras():
    keras.utils.set_random_seed(3)
    model = built(*(layers.Dense(8, activation.value, bias_initializer="normal") for activation in Activation))
    rows = np.random.default_rng(1).normal(0.0, 5.0, (100, 5)).astype(np.float32)
    assert apply(dense_layers(model), rows) == pytest.approx(np.array(model(rows)), rel=1e-5, abs=1e-6)


def test_dense_layers__without_a_bias__have_zeros():
    (layer,) = dense_layers(built(layers.Dense(2, use_bias=False)))
    assert layer.bias.tolist() == [0.0, 0.0]
    assert layer.activation is Activation.LINEAR


def test_dense_layers__of_a_functional_chain__are_those_of_its_layers():
    source = keras.Input((3,))
    model = keras.Model(source, layers.Dense(1)(layers.Dense(4, "relu")(source)))
    assert [layer.weights.shape for layer in dense_layers(model)] == [(3, 4), (4, 1)]


def test_dense_layers__trained_on_after_export__keep_what_was_exported():
    model = built(layers.Dense(2))
    (layer,) = dense_layers(model)
    before = layer.weights.tolist()
    model.layers[0].kernel.assign(np.zeros((5, 2)))
    assert layer.weights.tolist() == before


def _branches() -> Any:
    source = keras.Input((3,))
    hidden = layers.Dense(3)(source)
    return keras.Model(source, layers.Dense(3)(source) + hidden)


def _two_outputs() -> Any:
    source = keras.Input((3,))
    return keras.Model(source, [layers.Dense(3)(source), layers.Dense(3)(source)])


def _ends_early() -> Any:
    source = keras.Input((3,))
    hidden = layers.Dense(3)(source)
    return keras.Model(source, [hidden + 1.0])


def _a_dense_that_does_something_else() -> Any:
    return built(type("Doubled", (layers.Dense,), {"call": lambda self, inputs: 2.0 * inputs})(2))


@pytest.mark.parametrize(
    "network",
    [
        lambda: built(layers.Dense(2), layers.Dropout(0.5)),
        lambda: built(layers.Dense(2), layers.BatchNormalization()),
        lambda: built(layers.Dense(2, "softmax")),
        lambda: built(layers.Dense(2, lambda sums: sums * 2.0)),
        lambda: built(layers.Dense(2), layers.Activation("relu")),
        _a_dense_that_does_something_else,
        lambda: built(layers.Dense(2, dtype="mixed_float16")),
        lambda: [layers.Dense(2)],
        lambda: keras.Sequential([layers.Dense(2)]),
        list,
        lambda: layers.LSTM(2),
        lambda: [*built(layers.Dense(2)).layers, *built(layers.Dense(2)).layers],
        lambda: "dense",
        _branches,
        _two_outputs,
        _ends_early,
    ],
)
def test_dense_layers__anything_that_cannot_be_repeated__is_refused(network: Any):
    with pytest.raises(LayerNotExportable):
        dense_layers(network())


def test_embedding__is_the_table_of_the_layer():
    layer = layers.Embedding(4, 3)
    layer.build((None,))
    assert embedding(layer).tolist() == layer.embeddings.numpy().tolist()


def test_embedding__with_a_mask_or_of_another_layer__is_refused():
    masked = layers.Embedding(4, 3, mask_zero=True)
    masked.build((None,))
    for layer in (masked, layers.Embedding(4, 3), layers.Dense(2), None):
        with pytest.raises(LayerNotExportable):
            embedding(layer)

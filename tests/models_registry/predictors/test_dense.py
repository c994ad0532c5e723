"""Dense layers on arrays."""

import math

import numpy as np
import pytest

from models_registry.predictors.dense import Activation, Layer, activate, apply
from tests.models_registry.predictors.material import floats


def test_apply__two_layers__are_what_one_computes_by_hand():
    layers = (
        Layer(floats((1, -1), (2, 0)), floats(0.5, -1), Activation.RELU),
        Layer(floats((2,), (3,)), floats(-1), Activation.LINEAR),
    )
    assert apply(layers, floats((1, 2), (-3, 1))).tolist() == [[2 * 5.5 - 1], [3 * 2 - 1]]


def test_apply__the_inputs__are_left_as_they_were():
    inputs = floats(-1, -2)
    apply((Layer(floats((1,), (1,)), floats(0), Activation.RELU),), inputs)
    assert inputs.tolist() == [-1, -2]


@pytest.mark.parametrize("activation", Activation)
def test_activate__extreme_sums__stay_finite(activation: Activation):
    sums = activate(activation, floats(-1e30, -50, 0, 50, 1e30))
    assert np.isfinite(sums).all()
    assert sums.dtype == np.float32


def test_activate__sigmoid_and_tanh__are_the_functions_of_that_name():
    assert activate(Activation.SIGMOID, floats(-2, 0, 3)) == pytest.approx([1 / (1 + math.exp(-x)) for x in (-2, 0, 3)])
    assert activate(Activation.TANH, floats(-2, 3)) == pytest.approx([math.tanh(-2), math.tanh(3)])


def test_bound__of_a_layer__is_reached_by_the_worst_input():
    layer = Layer(floats((1, -2), (3, 0)), floats(0.5, -1), Activation.LINEAR)
    assert layer.bound(10.0) == pytest.approx(40.5)
    assert np.abs(layer(floats(10, 10))).max() == pytest.approx(40.5)

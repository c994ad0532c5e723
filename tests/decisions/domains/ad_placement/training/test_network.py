"""The exported network: equal to Keras, on every row and for each response."""

import numpy as np
import pytest

from decisions.domains.ad_placement.features import creative_numbers, layout, moment_numbers
from decisions.domains.ad_placement.training.dataset import split_log
from decisions.domains.ad_placement.training.network import export
from decisions.domains.ad_placement.training.networks import cross_network
from models_registry.exporters.learning_loop import prepare
from models_registry.predictors.crosses import places_of, word_shares
from models_registry.predictors.protocol import Adaptable
from models_registry.predictors.responses import Calibration
from tests.decisions.domains.ad_placement import worlds

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("heads", [1, 2])
def test_export__random_weights__predicts_as_keras_does(heads):
    prepare(seed=3, threads=1)
    shape = layout(10)
    network = cross_network(shape, width=4, crosses=2, hidden=(8, 4))
    rng = np.random.default_rng(4)
    for variable in network.model.trainable_variables:
        variable.assign(rng.normal(0.0, 0.3, variable.shape))
    data = split_log(worlds.log(500), test_share=0.2, calibration_share=0.1, most_rows=500)
    fitted = export(network, data, shape, (Calibration(),) * heads, 0.2)
    subject = moment_numbers({"slot": "top"}, worlds.START)
    numbers = creative_numbers(data.item_ids, {"title": worlds.TITLES, "pays": ["click", "order"] * 6})
    own = np.concatenate((np.tile(subject, (12, 1)), numbers[:, : shape.fields]), axis=1)
    words = numbers[:, shape.fields : -1]
    logits = network.model([places_of(own, 10), places_of(words, 10), word_shares(words)]).numpy()
    chances = 1.0 / (1.0 + np.exp(-logits.astype(np.float64)))
    orders = chances[:, 1] if heads == 2 else np.full(12, 0.2)
    expected = np.where(numbers[:, -1] == 1, chances[:, 0] * orders, chances[:, 0])
    predictor = fitted.predictor()
    assert isinstance(predictor, Adaptable)
    found = predictor.adapted(data.item_ids, numbers).score(subject)
    assert np.abs(found - expected).max() < 1e-5

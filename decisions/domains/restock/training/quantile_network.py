"""A network that forecasts quantiles of totals of all series together, trained by pinball."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from decisions.domains.restock.training.choosing import Moments, Windows, windows_of
from decisions.domains.restock.training.figures import pinball
from decisions.domains.restock.training.foreseeing import lifted
from decisions.domains.restock.training.panel import Floats, Panel
from decisions.domains.restock.training.parameters import SHARED
from decisions.domains.restock.training.paths import Indices, origins_of
from decisions.domains.restock.training.seasons import season_factors
from decisions.domains.restock.training.states import FEATURES, States, states_of
from models_registry.exporters.keras import dense_layers
from models_registry.exporters.learning_loop import prepare, run_epochs
from models_registry.pipeline import Parameter, Parameters, TrainingDataInsufficient
from models_registry.predictors.dense import Layer, apply

LEVELS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
HIDDEN: Final = (64, 32)
LEAST_SAMPLES: Final = 100
TRIMMED: Final = 20.0
"""Totals are learnt from up to this multiple of what is typical, so that one outlier does not lead."""
BLOCK: Final = 65_536

PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        **SHARED,
        "epochs": Parameter(about="Passes over the samples", default=12, least=1, most=200, whole=True),
        "batch": Parameter(about="Samples per step", default=512, least=8, most=65_536, whole=True),
        "learning_rate": Parameter(about="Step size of Adam", default=0.003, least=1e-6, most=1e6),
        "decay": Parameter(about="Weight decay of Adam", default=0.01, least=0.0, most=10.0),
        "most_samples": Parameter(
            about="Most samples (a series, a day, a horizon) that are learnt from, drawn at random",
            default=200_000,
            least=1_000,
            most=10_000_000,
            whole=True,
            tunable=False,
        ),
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


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """inputs: samples x features, float32. targets: totals by what is typical of them, float32."""

    inputs: Any
    targets: Any


def quantile_network(panel: Panel, parameters: Parameters, seed: int, tell: Callable[[float], None]) -> Moments:
    """Return forecasts by a network of dense layers. Raises TrainingDiverged, TensorFlowMissing, and, for too few
    samples, TrainingDataInsufficient.
    """
    tf = prepare(seed=seed, threads=int(parameters["threads"]))
    rng = np.random.default_rng(seed)
    factors = season_factors(panel)
    states = states_of(panel, origins_of(panel), factors)
    samples = _samples(panel, states, factors, rng, most=int(parameters["most_samples"]))
    network = _network(len(FEATURES))
    step = _step(tf, network, parameters)
    run_epochs(
        lambda rows: float(step(samples.inputs[rows], samples.targets[rows])),
        samples=len(samples.targets),
        epochs=int(parameters["epochs"]),
        batch=int(parameters["batch"]),
        guess=_guess(samples.targets),
        rng=rng,
        tell=tell,
    )
    layers = dense_layers(network)
    forecasts = [_forecast(layers, states, steps) for steps in panel.horizons]
    means, variances = (np.column_stack(found) for found in zip(*forecasts, strict=True))
    means = np.maximum.accumulate(means, axis=1)
    return lifted(panel, factors, Moments(means, variances, ("quantile network",) * panel.series))


def moments_of(quantiles: Floats) -> tuple[Floats, Floats]:
    """Return mean and variance of distributions by their quantiles at LEVELS: linear between, exponential above.

    quantiles: rows x LEVELS, rising. Below the lowest level it is constant; the tail above the highest goes on with
    the scale at which it falls between the last two.
    """
    levels = np.array(LEVELS)
    widths = np.diff(levels)
    low, high = quantiles[:, :-1], quantiles[:, 1:]
    last = 1.0 - levels[-1]
    scale = (quantiles[:, -1] - quantiles[:, -2]) / np.log((1.0 - levels[-2]) / last)
    top = quantiles[:, -1] + scale
    mean = ((low + high) / 2.0) @ widths + quantiles[:, 0] * levels[0] + top * last
    squares = ((low**2 + low * high + high**2) / 3.0) @ widths
    squares += quantiles[:, 0] ** 2 * levels[0] + (top**2 + scale**2) * last
    return mean, np.maximum(squares - mean**2, 0.0)


def _samples(panel: Panel, states: States, factors: Floats, rng: np.random.Generator, *, most: int) -> Samples:
    """Return windows that are known throughout, at most so many, drawn without replacement."""
    windows = windows_of(panel, states.origins, factors)
    places = [np.flatnonzero((found.valid & (found.seen >= 1.0)).ravel()) for found in windows]
    total = sum(map(len, places))
    if total < LEAST_SAMPLES:
        raise TrainingDataInsufficient(f"There are {total} stretches to learn from; there must be {LEAST_SAMPLES}.")
    share = min(1.0, most / total)
    inputs, targets = [], []
    for found, valid in zip(windows, places, strict=True):
        drawn = np.sort(rng.choice(valid, max(1, int(len(valid) * share)), replace=False)) if len(valid) else valid
        inputs.append(states.inputs(found.steps, drawn))
        targets.append(_targets(found, states, drawn))
    return Samples(np.concatenate(inputs), np.concatenate(targets).astype(np.float32))


def _targets(windows: Windows, states: States, drawn: Indices) -> Floats:
    shares = np.maximum(windows.shares.ravel()[drawn], 1e-9) / windows.steps
    totals = windows.sold.ravel()[drawn] / shares  # what it would have been in a stretch of average season
    found: Floats = np.minimum(totals / states.typical(windows.steps, drawn), TRIMMED)
    return found


def _network(inputs: int) -> Any:
    from keras import Sequential, initializers, layers

    hidden = [layers.Dense(units, "relu") for units in HIDDEN]
    head = layers.Dense(len(LEVELS), bias_initializer=initializers.Constant(-1.5))
    return Sequential([layers.Input((inputs,)), *hidden, head])


def _step(tf: Any, network: Any, parameters: Parameters) -> Any:
    """Return the compiled step: it changes the network and returns the batch's mean pinball."""
    import keras

    variables = network.trainable_variables
    optimizer = keras.optimizers.AdamW(parameters["learning_rate"], weight_decay=parameters["decay"])
    optimizer.build(variables)
    levels = tf.constant(np.array(LEVELS, dtype=np.float32))

    def step(inputs: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            quantiles = tf.cumsum(tf.nn.softplus(network(inputs, training=True)), axis=1)
            short = targets[:, None] - quantiles
            loss = tf.reduce_mean(tf.maximum(levels * short, (levels - 1.0) * short))
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    specs = [tf.TensorSpec([None, len(FEATURES)], tf.float32), tf.TensorSpec([None], tf.float32)]
    return tf.function(step, input_signature=specs)


def _forecast(layers: tuple[Layer, ...], states: States, steps: int) -> tuple[Floats, Floats]:
    """Return means and variances of the totals after the end, by the arrays of the network."""
    last = np.arange(states.series) * len(states.origins) + len(states.origins) - 1
    quantiles = np.concatenate(
        [_quantiles(layers, states.inputs(steps, last[start : start + BLOCK])) for start in range(0, len(last), BLOCK)]
    )
    mean, variance = moments_of(quantiles)
    typical = states.typical(steps, last)
    return mean * typical, variance * typical**2


def _quantiles(layers: tuple[Layer, ...], inputs: Any) -> Floats:
    sums = apply(layers, inputs).astype(np.float64)
    found: Floats = np.cumsum(np.logaddexp(0.0, sums), axis=1)
    return found


def _guess(targets: Any) -> float:
    """Return the mean pinball of the quantiles of all targets."""
    levels = np.array(LEVELS)
    return max(float(pinball(np.quantile(targets, levels), targets[:, None], levels).mean()), 1e-3)

"""The training loop of networks: reproducible, on a bounded number of threads, stopped when it diverges."""

import math
import os
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from models_registry.pipeline import TrainingDiverged, TrainingRefused
from models_registry.predictors.protocol import Indices

WORSE_THAN_GUESSING: Final = 2.0
"""Training has diverged where its loss is this many times that of a guess that knows nothing."""


class TensorFlowMissing(TrainingRefused):
    """This recipe needs TensorFlow, which is not installed here."""

    code = "TENSORFLOW_MISSING"
    hint = "Install requirements-training.txt where models are trained, or train a recipe that needs none."


def prepare(*, seed: int, threads: int) -> Any:
    """Return TensorFlow, seeded and deterministic; every training of a process begins from the same state.

    Raises:
        TensorFlowMissing: it is not installed.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import keras
        import tensorflow as tf
    except ImportError as error:
        raise TensorFlowMissing("TensorFlow is not installed.") from error
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        pass  # the process has trained before, and its threads are there
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed % 2**32)
    tf.config.experimental.enable_op_determinism()
    return tf


def run_epochs(
    step: Callable[[Indices], float],
    *,
    samples: int,
    epochs: int,
    batch: int,
    guess: float,
    rng: np.random.Generator,
    tell: Callable[[float], None],
) -> None:
    """Call `step` with the places of each batch, every sample once per epoch in an order of its own.

    step: changes the network and returns the batch's mean loss. guess: the loss of a guess that knows nothing.

    Raises:
        TrainingDiverged: a loss is not finite, or an epoch's mean is more than twice the guess.
    """
    steps = math.ceil(samples / batch)
    for epoch in range(epochs):
        order = rng.permutation(samples)
        total = 0.0
        for number in range(steps):
            places = order[number * batch : (number + 1) * batch]
            loss = step(places)
            if not math.isfinite(loss):
                raise TrainingDiverged(f"The loss was {loss} in epoch {epoch + 1}.")
            total += loss * len(places)
            tell((epoch * steps + number + 1) / (epochs * steps))
        if total / samples > WORSE_THAN_GUESSING * guess:
            raise TrainingDiverged(
                f"The loss was {total / samples:.4g} in epoch {epoch + 1}; a guess that knows nothing has {guess:.4g}."
            )

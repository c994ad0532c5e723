"""The training loop of both networks: reproducible, on a bounded number of threads, stopped when it diverges."""

import math
import os
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from decisions.policy import Indices
from models_registry.pipeline import Parameter, TrainingDiverged, TrainingRefused

WORSE_THAN_GUESSING: Final = 2.0
"""Training has diverged where its loss is this many times that of a guess that knows nothing."""

LOOP: Final[dict[str, Parameter]] = {
    "epochs": Parameter(about="Passes over the samples", default=15, least=1, most=500, whole=True),
    "batch": Parameter(about="Samples per step", default=512, least=8, most=65_536, whole=True),
    "learning_rate": Parameter(about="Step size of Adam", default=0.006, least=1e-6, most=1e6),
    "decay": Parameter(about="Weight decay of Adam", default=0.1, least=0.0, most=10.0),
    "width": Parameter(about="Numbers that stand for an item", default=32, least=2, most=512, whole=True),
    "most_samples": Parameter(
        about="Most samples, the latest ones", default=400_000, least=100, most=50_000_000, whole=True
    ),
    "threads": Parameter(
        about="Processor threads; the first training of a process decides", default=1, least=1, most=256, whole=True
    ),
}
"""Parameters of every network."""


class TensorFlowMissing(TrainingRefused):
    """This recipe needs TensorFlow, which is not installed here."""

    code = "TENSORFLOW_MISSING"
    hint = "Install requirements-training.txt where models are trained, or train item_item, which needs none."


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

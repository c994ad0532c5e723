"""From log-odds to the probability that an action is paid for: calibrated, for clicks and for orders after a click."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from models_registry.artifacts import Artifact
from models_registry.predictors.dense import Activation, activate
from models_registry.predictors.protocol import Scores
from models_registry.predictors.reading import number

CLICK: Final = "click"
ORDER: Final = "order"
LARGEST_SHIFT: Final = 50.0
LEAST_SLOPE: Final = 1e-3
LARGEST_SLOPE: Final = 1e3


@dataclass(frozen=True, slots=True)
class Calibration:
    """probability = 1 / (1 + exp(-(slope x log-odds + intercept))); Platt's, fitted on later data (Platt 1999)."""

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, logits: Scores) -> Scores:
        """Return the probabilities of an array of log-odds, which stays as it is."""
        sums = logits * np.float32(self.slope)
        sums += np.float32(self.intercept)
        return activate(Activation.SIGMOID, sums)

    def settings(self, name: str) -> Mapping[str, float]:
        """Return the settings that `read_calibration` reads."""
        return {f"{name}_slope": self.slope, f"{name}_intercept": self.intercept}


def read_calibration(artifact: Artifact, name: str) -> Calibration:
    """Return the calibration of a response; its slope is above 0, so that it never changes an order."""
    return Calibration(
        slope=number(artifact, f"{name}_slope", least=LEAST_SLOPE, most=LARGEST_SLOPE),
        intercept=number(artifact, f"{name}_intercept", least=-LARGEST_SHIFT, most=LARGEST_SHIFT),
    )


def read_order_rate(artifact: Artifact) -> float:
    """Return the share of clicks that an order follows, where nothing finer is known. Raises ArtifactMalformed."""
    return number(artifact, "order_rate", least=0.0, most=1.0)


def paid(clicks: Scores, orders: Any, flags: np.ndarray) -> Scores:
    """Return the probability that each action is paid for, in place of `clicks`.

    clicks: probability of a click. orders: of an order after a click, one for all or one for each. flags: 1 where an
    order is paid for and not a click.
    """
    per_order = flags == 1
    if per_order.any():
        clicks[per_order] *= orders[per_order] if isinstance(orders, np.ndarray) else np.float32(orders)
    return clicks

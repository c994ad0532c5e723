"""What a policy is: it chooses actions from candidates and says with which probability it would choose each."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be chosen now: indices of items, and what the predictor and the baseline think of each.

    `scores` is None where no predictor was asked. Both score arrays run parallel to `candidates`, as do the rows of
    `features`, which contextual policies read. `seed` is all the chance there is: policies that randomise draw from a
    generator that it seeds, so that the same decision is always the same. `subject` is what is decided for, "" where
    that is whoever asks.
    """

    candidates: Indices
    baseline: Scores
    scores: Scores | None = None
    features: Floats | None = None
    seed: int = 0
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Slate:
    """What was chosen, best first: indices of items, and for each the probability with which the policy shows it.

    A propensity is exact, and given the actions that stand before it. `scores` are those the order follows. `features`
    are the rows of the chosen actions where the policy learns from them.
    """

    actions: Indices
    propensities: tuple[float, ...]
    scores: Scores
    features: Floats | None = None


class Policy(Protocol):
    """Chooses a slate. Pure: equal choices, the seed included, give equal slates."""

    def choose(self, choices: Choices, *, size: int) -> Slate:
        """Return at most `size` of the candidates, best first."""

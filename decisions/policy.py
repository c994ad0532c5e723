"""What a policy is: it chooses actions from candidates and says with which probability it would choose each."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be chosen now: indices of items, and what the predictor and the baseline think of each.

    `scores` is None where no predictor was asked. Both score arrays run parallel to `candidates`.
    """

    candidates: Indices
    baseline: Scores
    scores: Scores | None = None


@dataclass(frozen=True, slots=True)
class Slate:
    """What was chosen, best first: indices of items, and for each the probability with which the policy shows it.

    `scores` are those the order follows.
    """

    actions: Indices
    propensities: tuple[float, ...]
    scores: Scores


class Policy(Protocol):
    """Chooses a slate. Pure: equal choices give equal slates."""

    def choose(self, choices: Choices, *, size: int) -> Slate:
        """Return at most `size` of the candidates, best first."""

"""Beta posteriors of rates: counts are added, and what is old may fade towards the prior."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from foundation.errors import DomainError

Floats = npt.NDArray[np.float64]

LEAST_COUNT: Final = 0.1
LARGEST_COUNT: Final = 1e6


class BetaPriorInvalid(DomainError):
    """The prior is no Beta distribution that a rate could have."""

    code = "BETA_PRIOR_INVALID"
    hint = f"Take counts from {LEAST_COUNT} to {LARGEST_COUNT:g}: Beta(1, 19) expects one reward in twenty."


@dataclass(frozen=True, slots=True)
class BetaPrior:
    """Beta(alpha, beta): as if so many rewards and so many misses had been seen of every action."""

    alpha: float = 1.0
    beta: float = 1.0

    def __post_init__(self) -> None:
        if not all(LEAST_COUNT <= count <= LARGEST_COUNT for count in (self.alpha, self.beta)):
            raise BetaPriorInvalid(f"Beta({self.alpha}, {self.beta}) is out of bounds.")


def updated(counts: Floats, prior: BetaPrior, seen: Floats, *, kept: float = 1.0) -> Floats:
    """Return posterior counts: c <- g c + (1 - g) c0 + seen (Raj & Kalyani 2017, with the prior refreshed).

    counts, seen: arms x 2, of rewards and of misses. kept: g in (0, 1], what of the past still counts; what fades is
    made up for by the prior, so that no arm ever knows less than at its start.
    """
    fresh: Floats = kept * counts + (1.0 - kept) * np.array([prior.alpha, prior.beta]) + seen
    return fresh

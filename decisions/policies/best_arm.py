"""Thompson sampling of rates: each action as often as it is probably the best, with a floor for all."""

from dataclasses import dataclass

import numpy as np

from decisions.policies.remaining import Remaining
from decisions.policy import Choices, Floats, Scores, Slate


@dataclass(frozen=True, slots=True, eq=False)
class BestArm:
    """Draws by P(best) of every action of the catalogue, restricted to the candidates; `rates` are posterior means."""

    best: Floats
    rates: Scores
    floor: float

    def choose(self, choices: Choices, *, size: int) -> Slate:
        """Return actions drawn one after the other without replacement, each with its exact probability."""
        rng = np.random.default_rng(choices.seed)
        candidates = choices.candidates
        remaining = Remaining(self.best[candidates], floor=self.floor)
        taken = [remaining.take(rng) for _ in range(max(0, min(size, len(candidates))))]
        chosen = candidates[np.array([place for place, _ in taken], dtype=np.int64)]
        return Slate(chosen, tuple(probability for _, probability in taken), self.rates[chosen])

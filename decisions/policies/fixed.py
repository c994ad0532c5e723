"""The policy that always shows the same actions, as far as they may be shown."""

from dataclasses import dataclass

import numpy as np

from decisions.policy import Choices, Indices, Slate


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """Shows its own actions in their own order; those that are no candidates are passed over."""

    actions: Indices

    def choose(self, choices: Choices, *, size: int) -> Slate:
        """Return the first of the fixed actions that are candidates, each with probability 1."""
        chosen = self.actions[np.isin(self.actions, choices.candidates)][:size]
        return Slate(chosen, (1.0,) * len(chosen), np.zeros(len(chosen), dtype=np.float32))

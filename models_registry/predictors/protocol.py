"""What every predictor is to its caller, whatever it was trained with."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from models_registry.vocabulary import PredictorKind

Indices = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]


class Predictor(Protocol):
    """Scores items for somebody with a history. Immutable and safe to call from several threads."""

    @property
    def kind(self) -> PredictorKind:
        """How it predicts."""

    @property
    def items(self) -> tuple[str, ...]:
        """The ids of the items it knows; every index below is a place in it."""

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        """Return a score for each candidate, or for each item where candidates is None; higher is better.

        history: indices of the items somebody dealt with, the most recent first; may be empty.
        """

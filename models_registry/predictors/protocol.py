"""What every predictor is to its caller, whatever it was trained with."""

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from models_registry.vocabulary import PredictorKind

Indices = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]


class Predictor(Protocol):
    """Scores actions for a subject. Immutable and safe to call from several threads."""

    @property
    def kind(self) -> PredictorKind:
        """How it predicts."""

    @property
    def items(self) -> tuple[str, ...]:
        """The ids of the actions it knows; every index below is a place in it."""

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        """Return a score for each candidate, or for each item where candidates is None; higher is better.

        history: what the domain's features make of unit and moment. For recommendation, indices of the items somebody
        dealt with, the most recent first; may be empty.
        """


@runtime_checkable
class Adaptable(Protocol):
    """A predictor that also scores actions that it was not trained on, by numbers that stand for their fields."""

    def adapted(self, items: tuple[str, ...], numbers: npt.NDArray[np.int64]) -> Predictor:
        """Return a predictor of these actions: its `items` are those given, in their order.

        numbers: actions x numbers, what the domain's `Hooks.item_numbers` makes of a catalogue.
        Raises ArtifactMalformed where the numbers do not fit what it was trained with.
        """

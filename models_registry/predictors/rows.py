"""Rows of a sparse matrix over the items of a catalogue: what an item of a history says of other items."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from models_registry.artifacts import Artifact, ArtifactMalformed
from models_registry.predictors.protocol import Indices, Scores
from models_registry.predictors.reading import array, floats, places


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Row i holds values[starts[i]:starts[i + 1]] at the places columns[...], which ascend; everything else is 0."""

    starts: Indices
    columns: np.ndarray
    values: Scores

    def add(self, scores: Scores, history: Indices, weights: Iterable[np.float32]) -> None:
        """Add the rows of the history to the scores, each times its weight; O(history x entries of a row)."""
        for item, weight in zip(history.tolist(), weights, strict=True):
            row = slice(self.starts[item], self.starts[item + 1])
            scores[self.columns[row]] += weight * self.values[row]


def read_rows(artifact: Artifact, *, columns: str, values: str, size: int) -> Rows:
    """Return the rows whose arrays are `starts` and those named; there are `size` rows, each of `size` places.

    Raises:
        ArtifactMalformed: an array is missing, or they do not fit together.
    """
    starts = array(artifact, "starts", "int64", (size + 1,))
    found = places(artifact, columns, "int32", None, size)
    if starts[0] != 0 or starts[-1] != len(found) or (np.diff(starts) < 0).any():
        raise ArtifactMalformed(f"The array starts does not divide the {columns} into rows.")
    rises = np.diff(found) > 0
    boundaries = starts[1:-1]
    rises[boundaries[(boundaries > 0) & (boundaries < len(found))] - 1] = True
    if not rises.all():
        raise ArtifactMalformed(f"The array {columns} does not ascend within each row.")
    return Rows(starts, found, floats(artifact, values, len(found)))

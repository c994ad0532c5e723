"""What hashed features of a text say: a table with a row for each feature, summed over the features of an item."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models_registry.artifacts import Artifact, ArtifactMalformed
from models_registry.predictors.protocol import Scores
from models_registry.predictors.reading import floats, largest

MOST_FEATURES: Final = 1_024
"""How many features an item may have."""
_BLOCK: Final = 4_096


@dataclass(frozen=True, slots=True, eq=False)
class TextTable:
    """rows: features x width. bound: what no number of an item's sum exceeds, whatever its features."""

    rows: Scores
    bound: float

    def of(self, numbers: npt.NDArray[np.int64]) -> Scores:
        """Return for each row of features the sum of their rows of the table by the root of their number.

        numbers: items x any number, places in the table, -1 for none. Works on blocks, so that memory stays small.
        """
        found = np.zeros((len(numbers), self.rows.shape[1]), dtype=np.float32)
        for start in range(0, len(numbers), _BLOCK):
            block = numbers[start : start + _BLOCK]
            sums = found[start : start + _BLOCK]
            for column in block.T:
                told = column >= 0
                sums[told] += self.rows[column[told]]
            sums /= np.sqrt(np.maximum((block >= 0).sum(axis=1), 1), dtype=np.float32)[:, None]
        return found

    def ensure_fits(self, numbers: npt.NDArray[np.int64], items: int) -> None:
        """Let pass numbers of so many items that are places in the table. Raises ArtifactMalformed."""
        if numbers.ndim != 2 or len(numbers) != items or numbers.shape[1] > MOST_FEATURES:
            raise ArtifactMalformed(f"The numbers have the shape {numbers.shape}, and there are {items} items.")
        if numbers.size and (int(numbers.min()) < -1 or int(numbers.max()) >= len(self.rows)):
            raise ArtifactMalformed(f"The numbers name a feature outside 0 to {len(self.rows) - 1}.")


def read_table(artifact: Artifact, name: str, features: int | None, width: int) -> TextTable:
    """Return the table of an artifact, features x width. Raises ArtifactMalformed."""
    rows = floats(artifact, name, features, width)
    return TextTable(rows, largest(rows) * MOST_FEATURES**0.5)

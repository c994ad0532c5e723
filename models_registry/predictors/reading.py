"""Reading the arrays and settings of an artifact: each is what its predictor needs, or the artifact is refused."""

import math
from typing import Any, Final

import numpy as np

from models_registry.artifacts import Artifact, ArtifactMalformed
from models_registry.predictors.protocol import Scores

LARGEST_SCORE: Final = 1e30
"""Scores stay below this, far from where float32 ends, or the artifact is refused."""


def array(artifact: Artifact, name: str, dtype: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """Return an array of an artifact; None in `shape` stands for any length.

    Raises:
        ArtifactMalformed: it is missing, or of another type or shape.
    """
    found = artifact.tensors.get(name)
    if found is None:
        raise ArtifactMalformed(f"The array {name} is missing.")
    if found.dtype != np.dtype(dtype):
        raise ArtifactMalformed(f"The array {name} is of type {found.dtype.name}, not {dtype}.")
    fits = len(found.shape) == len(shape) and all(
        wanted in (None, length) for length, wanted in zip(found.shape, shape, strict=True)
    )
    if not fits:
        wanted = " x ".join("any" if length is None else str(length) for length in shape)
        raise ArtifactMalformed(f"The array {name} has the shape {found.shape}, not {wanted}.")
    return found


def floats(artifact: Artifact, name: str, *shape: int | None) -> Scores:
    """Return an array of float32. Raises ArtifactMalformed."""
    return array(artifact, name, "float32", shape)


def places(artifact: Artifact, name: str, dtype: str, length: int | None, below: int) -> np.ndarray:
    """Return a one-dimensional array of whole numbers in [0, below). Raises ArtifactMalformed."""
    found = array(artifact, name, dtype, (length,))
    if len(found) and (int(found.min()) < 0 or int(found.max()) >= below):
        raise ArtifactMalformed(f"The array {name} names a place outside 0 to {below - 1}.")
    return found


def number(artifact: Artifact, name: str, *, least: float, most: float) -> float:
    """Return a setting that is a number in [least, most]. Raises ArtifactMalformed."""
    found: Any = artifact.manifest.settings.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not least <= found <= most:
        raise ArtifactMalformed(f"The setting {name} is no number from {least:g} to {most:g}.")
    return float(found)


def largest(values: np.ndarray) -> float:
    """Return the largest magnitude in an array, 0 for an empty one."""
    return float(np.abs(values).max()) if values.size else 0.0


def ensure_bounded(name: str, bound: float) -> None:
    """Let pass what cannot overflow. Raises ArtifactMalformed, naming the array, where a score could."""
    if not (math.isfinite(bound) and bound < LARGEST_SCORE):
        raise ArtifactMalformed(f"The array {name} holds numbers so large that scores would overflow.")

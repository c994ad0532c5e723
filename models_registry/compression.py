"""Artifacts in fewer bytes: float16, or a byte a number with a scale for each row. Pure; a loader gets float32 back.

Only tables are worth it: arrays of float32 with as many numbers as LEAST_NUMBERS. What is decoded is what serves, and
what is decoded is what the gate judged, so the loss is measured and never assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np

from models_registry.artifacts import Artifact, ArtifactMalformed

LEAST_NUMBERS: Final = 4_096
SETTING: Final = "compressed"
"""The setting of an artifact that maps the names of its encoded arrays to how each is encoded."""
HALF: Final = "float16"
ROWS: Final = "int8_rows"
SCALES: Final = ".scales"
_STEPS: Final = 127
_LARGEST_SCALE: Final = float(np.finfo(np.float32).max) / 128.0
_LARGEST_HALF: Final = float(np.finfo(np.float16).max)


class Compression(IntEnum):
    """How the tables of an artifact are stored; the number is the value of the parameter `compress`."""

    NONE = 0
    FLOAT16 = 1
    INT8 = 2


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Arrays and settings as an artifact stores them."""

    tensors: Mapping[str, np.ndarray]
    settings: Mapping[str, Any]

    @property
    def is_smaller(self) -> bool:
        """Whether anything was encoded at all."""
        return bool(self.settings.get(SETTING))


def encoded(tensors: Mapping[str, np.ndarray], settings: Mapping[str, Any], how: Compression) -> Encoded:
    """Return arrays and settings with their tables encoded; equal arguments give equal results.

    FLOAT16 keeps 11 bits of each number, and leaves tables alone that hold larger ones than it can. INT8 keeps
    round(x / s) with s = max |x| of the row / 127 for tables of two dimensions, so that no number is off by more than
    s / 2; other tables are stored as with FLOAT16.
    """
    ways: dict[str, str] = {}
    stored: dict[str, np.ndarray] = {}
    for name, tensor in tensors.items():
        is_table = tensor.dtype == np.float32 and tensor.size >= LEAST_NUMBERS
        if how is Compression.INT8 and is_table and tensor.ndim == 2:
            ways[name] = ROWS
            stored[name], stored[name + SCALES] = _by_rows(tensor)
        elif how is not Compression.NONE and is_table and float(np.abs(tensor).max()) <= _LARGEST_HALF:
            ways[name] = HALF
            stored[name] = tensor.astype(np.float16)
        else:
            stored[name] = tensor
    return Encoded(stored, {**settings, SETTING: ways} if ways else settings)


def decoded(artifact: Artifact) -> Artifact:
    """Return an artifact whose arrays are those that its predictor reads: float32 again where they were encoded.

    Raises:
        ArtifactMalformed: what says how it is encoded does not fit its arrays.
    """
    ways = artifact.manifest.settings.get(SETTING)
    if ways is None:
        return artifact
    if not isinstance(ways, dict):
        raise ArtifactMalformed(f"The setting {SETTING} is no object.")
    tensors = dict(artifact.tensors)
    for name, way in ways.items():
        stored = tensors.get(name)
        if stored is None:
            raise ArtifactMalformed(f"The array {name} is missing.")
        if way == HALF and stored.dtype == np.float16:
            tensors[name] = stored.astype(np.float32)
        elif way == ROWS and stored.dtype == np.int8 and stored.ndim == 2:
            tensors[name] = _from_rows(name, stored, tensors.pop(name + SCALES, None))
        else:
            raise ArtifactMalformed(f"The array {name} is not encoded as {way!r:.40}.")
        tensors[name].flags.writeable = False
    return Artifact(artifact.manifest, tensors)


def _by_rows(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # An array of rows without columns has no largest number; its scale decides nothing.
    scales = (np.abs(table).max(axis=1, initial=0.0) / _STEPS).astype(np.float32)
    steps = np.where(scales > 0.0, scales, np.float32(1.0))
    places = np.clip(np.rint(table / steps[:, None]), -_STEPS, _STEPS)
    return places.astype(np.int8), scales


def _from_rows(name: str, places: np.ndarray, scales: np.ndarray | None) -> np.ndarray:
    if scales is None or scales.dtype != np.float32 or scales.shape != places.shape[:1]:
        raise ArtifactMalformed(f"The array {name} has not one scale for each row.")
    if len(scales) and not (float(scales.min()) >= 0.0 and float(scales.max()) <= _LARGEST_SCALE):
        raise ArtifactMalformed(f"The array {name} has scales that no number has.")
    table = places.astype(np.float32)
    table *= scales[:, None]
    return table

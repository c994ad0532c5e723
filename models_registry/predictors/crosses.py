"""Hashed features and their crosses: how numbers that stand for texts become places in a table of weights.

A subject is a row of numbers, one for each fact of the moment. An action is a row of numbers too: `fields` that are
crossed with every fact of the moment, then `words` (0 where there are fewer), then 1 where a response is an order and
not a click. Training and serving share this module, so that both mean the same place.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models_registry.artifacts import Artifact, ArtifactMalformed
from models_registry.predictors.protocol import Indices
from models_registry.predictors.reading import array

Unsigned = npt.NDArray[np.uint64]

FEWEST_BITS: Final = 8
MOST_BITS: Final = 22
MOST_NUMBERS: Final = 64
"""How many facts, fields or words a layout has at most."""

_OF_SUBJECT: Final = np.array([0x9E3779B97F4A7C15], dtype=np.uint64)
_OF_ACTION: Final = np.array([0xC2B2AE3D27D4EB4F], dtype=np.uint64)
_FINAL: Final = np.array([0x165667B19E3779F9], dtype=np.uint64)
_HALF: Final = np.array([32], dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class Layout:
    """How many facts a subject has, how many fields and words an action, and how many bits a place in the table."""

    context: int
    fields: int
    words: int
    bits: int

    @property
    def numbers(self) -> int:
        """How many numbers an action has."""
        return self.fields + self.words + 1

    @property
    def size(self) -> int:
        """How many places the table has."""
        return 1 << self.bits

    def ensure_numbers(self, items: tuple[str, ...], numbers: Indices) -> None:
        """Let pass numbers that are one row of this layout for each action. Raises ArtifactMalformed."""
        if numbers.shape != (len(items), self.numbers) or numbers.dtype != np.int64:
            raise ArtifactMalformed(f"The model needs {self.numbers} int64 numbers for each of {len(items)} actions.")

    def ensure_subject(self, subject: Indices) -> None:
        """Let pass a subject of this layout. Raises ValueError."""
        if subject.shape != (self.context,):
            raise ValueError(f"needs {self.context} numbers of the moment, not {subject.shape}")

    def settings(self) -> dict[str, int]:
        """Return the settings that `read_layout` reads."""
        return {"context": self.context, "fields": self.fields, "words": self.words, "bits": self.bits}


def places_of(numbers: Indices, bits: int) -> Indices:
    """Return the place of each number in a table of 2^bits weights; any shape."""
    return _places(numbers.astype(np.uint64) * _OF_ACTION, bits)


def cross_places(subjects: Indices, fields: Indices, bits: int) -> Indices:
    """Return the place of each cross: (..., facts) and (..., fields) give (..., facts, fields)."""
    return crossed(spread_subject(subjects), spread_fields(fields), bits)


def spread_subject(subjects: Indices) -> Unsigned:
    """Return the facts of a moment as `crossed` reads them."""
    return subjects.astype(np.uint64) * _OF_SUBJECT


def spread_fields(fields: Indices) -> Unsigned:
    """Return the fields of actions as `crossed` reads them; they stay the same from request to request."""
    return fields.astype(np.uint64) * _OF_ACTION


def crossed(subjects: Unsigned, fields: Unsigned, bits: int) -> Indices:
    """Return the places of the crosses of what was spread before; see `cross_places`."""
    return _places(subjects[..., :, None] ^ fields[..., None, :], bits)


def word_shares(words: Indices) -> npt.NDArray[np.float32]:
    """Return how much each word of an action counts: 1 / sqrt(words it has), 0 where there is none."""
    there = words != 0
    count = np.maximum(there.sum(axis=-1, keepdims=True), 1)
    shares: npt.NDArray[np.float32] = (there / np.sqrt(count)).astype(np.float32)
    return shares


def read_layout(artifact: Artifact) -> Layout:
    """Return the layout that an artifact's settings name. Raises ArtifactMalformed."""
    settings = artifact.manifest.settings
    return Layout(
        context=_whole(settings, "context", 1, MOST_NUMBERS),
        fields=_whole(settings, "fields", 1, MOST_NUMBERS),
        words=_whole(settings, "words", 0, MOST_NUMBERS),
        bits=_whole(settings, "bits", FEWEST_BITS, MOST_BITS),
    )


def read_numbers(artifact: Artifact, layout: Layout, items: int) -> Indices:
    """Return the numbers of an artifact's actions. Raises ArtifactMalformed."""
    numbers: Indices = array(artifact, "numbers", "int64", (items, layout.numbers))
    flags = numbers[:, -1]
    if len(flags) and (int(flags.min()) < 0 or int(flags.max()) > 1):
        raise ArtifactMalformed("The array numbers ends in something else than 0 and 1.")
    return numbers


def _places(mixed: Unsigned, bits: int) -> Indices:
    mixed ^= mixed >> _HALF
    mixed *= _FINAL
    mixed >>= np.uint64(64 - bits)
    return mixed.view(np.int64)


def _whole(settings: Any, name: str, least: int, most: int) -> int:
    found = settings.get(name)
    if type(found) is not int or not least <= found <= most:
        raise ArtifactMalformed(f"The setting {name} is no whole number from {least} to {most}.")
    return found

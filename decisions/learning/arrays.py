"""Sealed files of named arrays with a description, in one deterministic form; digest and seal are checked first.

A file is a safetensors file whose metadata has one entry, the description as canonical JSON. Unlike a model's artifact
it holds float64: what is learnt from it must lose nothing on the way.
"""

import hmac
import json
import struct
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from foundation.errors import DomainError
from models_registry.artifacts import digest, seal

LARGEST_FILE: Final = 64 * 1024 * 1024
LARGEST_HEADER: Final = 64 * 1024
ALLOWED_TYPES: Final = frozenset({"float64", "uint8"})

_DESCRIPTION = "tiltyard.learner"
_HEAD = struct.Struct("<Q")


class LearnerStateRefused(DomainError):
    """The state of a learning policy cannot be used; the base of every way in which that happens."""

    code = "LEARNER_STATE_REFUSED"
    hint = "The baseline serves in its place; bin/manage replay_learner says which states are as the log has them."


class LearnerStateDamaged(LearnerStateRefused):
    """The bytes are not those that were stored."""

    code = "LEARNER_STATE_DAMAGED"


class LearnerStateForged(LearnerStateRefused):
    """The seal was not made with this project's key."""

    code = "LEARNER_STATE_FORGED"


class LearnerStateMalformed(LearnerStateRefused):
    """The bytes are whole and sealed, but hold no state that a learning policy could be in."""

    code = "LEARNER_STATE_MALFORMED"


def write_arrays(description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the file; equal arguments give equal bytes. Raises LearnerStateMalformed where a value is not finite."""
    for name, array in arrays.items():
        _ensure_usable(name, array)
    text = json.dumps(description, sort_keys=True, separators=(",", ":"), allow_nan=False)
    ordered = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    return bytes(save(ordered, {_DESCRIPTION: text}))


def read_arrays(content: bytes, *, sha256: str, sealed: str, key: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return description and arrays (read-only), after digest and seal have been checked.

    Raises:
        LearnerStateDamaged, LearnerStateForged, LearnerStateMalformed: see there.
    """
    if len(content) > LARGEST_FILE or digest(content) != sha256:
        raise LearnerStateDamaged(f"The state {sha256[:12]} does not have the digest it was stored with.")
    if not hmac.compare_digest(seal(sha256, key).encode(), sealed.encode()):
        raise LearnerStateForged(f"The state {sha256[:12]} was not sealed by this project.")
    try:
        description = _description(content)
        arrays = load(content)
    except (SafetensorError, struct.error, ValueError, KeyError, TypeError, RecursionError) as error:
        raise LearnerStateMalformed(f"The state {sha256[:12]} cannot be read: {type(error).__name__}.") from error
    for name, array in arrays.items():
        _ensure_usable(name, array)
        array.flags.writeable = False
    return description, arrays


def _ensure_usable(name: str, array: np.ndarray) -> None:
    if array.dtype.name not in ALLOWED_TYPES:
        raise LearnerStateMalformed(f"The array {name} is of type {array.dtype.name}.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise LearnerStateMalformed(f"The array {name} has values that are not finite.")


def _description(content: bytes) -> dict[str, Any]:
    (size,) = _HEAD.unpack_from(content)
    if size > min(LARGEST_HEADER, len(content)):
        raise LearnerStateMalformed("The header of the state is longer than it may be.")
    header = json.loads(content[_HEAD.size : _HEAD.size + size])
    said = json.loads(header["__metadata__"][_DESCRIPTION])
    if not isinstance(said, dict):
        raise LearnerStateMalformed("The description of the state is no object.")
    return said

"""Artifacts: named arrays and a manifest in one file whose name is its SHA-256. Arrays only: nothing in it can run.

The file is a safetensors file whose metadata has one entry, the manifest as canonical JSON. Digest and seal are
checked before a byte of it is parsed.
"""

import hmac
import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from foundation.errors import DomainError
from models_registry.vocabulary import PredictorKind

SCHEMA = 1
READABLE_SCHEMAS = (1,)
LARGEST_ARTIFACT = 512 * 1024 * 1024
ALLOWED_TYPES = frozenset({"float16", "float32", "int8", "int32", "int64", "uint8"})

_CONTEXT = b"tiltyard.artifact."
"""Keeps a seal from passing for any other signature that the same secret makes."""
_MANIFEST = "tiltyard"
_HEAD = struct.Struct("<Q")
_LARGEST_HEADER = 8 * 1024 * 1024


class ArtifactRefused(DomainError):
    """The artifact cannot be used; the base of every way in which that happens."""

    code = "ARTIFACT_REFUSED"
    hint = "Train the version again; the champion goes on serving."


class ArtifactDamaged(ArtifactRefused):
    """The bytes are not those that were registered."""

    code = "ARTIFACT_DAMAGED"


class ArtifactForged(ArtifactRefused):
    """The seal was not made with this project's key."""

    code = "ARTIFACT_FORGED"


class ArtifactMalformed(ArtifactRefused):
    """The bytes are whole and sealed, but do not hold what their manifest says."""

    code = "ARTIFACT_MALFORMED"


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """The signature of one array: its shape and its type."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an artifact is. `inputs` names the features it reads, `settings` are what its predictor needs besides."""

    kind: PredictorKind
    inputs: tuple[str, ...]
    tensors: Mapping[str, TensorSpec]
    settings: Mapping[str, Any]
    schema: int = SCHEMA

    def signature(self) -> dict[str, Any]:
        """Return what the registry shows of it: inputs and the shape and type of every array."""
        tensors = {name: {"shape": list(spec.shape), "dtype": spec.dtype} for name, spec in self.tensors.items()}
        return {"kind": self.kind.value, "inputs": list(self.inputs), "tensors": tensors}


@dataclass(frozen=True, slots=True)
class Artifact:
    """A verified artifact."""

    manifest: Manifest
    tensors: Mapping[str, np.ndarray]


def pack(
    *, kind: PredictorKind, inputs: tuple[str, ...], tensors: Mapping[str, np.ndarray], settings: Mapping[str, Any]
) -> bytes:
    """Return the artifact's bytes; equal arguments give equal bytes.

    Raises:
        ArtifactMalformed: an array has a type that artifacts do not hold, or a value that is not finite.
    """
    for name, tensor in tensors.items():
        if tensor.dtype.name not in ALLOWED_TYPES:
            raise ArtifactMalformed(f"The array {name} is of type {tensor.dtype.name}.")
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise ArtifactMalformed(f"The array {name} has values that are not finite.")
    specs = {name: TensorSpec(tensor.shape, tensor.dtype.name) for name, tensor in sorted(tensors.items())}
    manifest = Manifest(kind=kind, inputs=inputs, tensors=specs, settings=settings)
    text = json.dumps(asdict(manifest), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return bytes(save({name: np.ascontiguousarray(tensors[name]) for name in specs}, {_MANIFEST: text}))


def digest(content: bytes) -> str:
    """Return the artifact's name: the hexadecimal SHA-256 of its bytes."""
    return sha256(content).hexdigest()


def seal(sha: str, key: bytes) -> str:
    """Return the seal of an artifact: HMAC-SHA256 of its name under the project's signing key, hexadecimal."""
    return hmac.digest(key, _CONTEXT + sha.encode(), "sha256").hex()


def open_artifact(content: bytes, *, sha: str, sealed: str, key: bytes) -> Artifact:
    """Return what the bytes hold, after digest and seal have been checked.

    Raises:
        ArtifactDamaged, ArtifactForged, ArtifactMalformed: see there.
    """
    if len(content) > LARGEST_ARTIFACT or digest(content) != sha:
        raise ArtifactDamaged(f"The artifact {sha[:12]} does not have the digest it was registered with.")
    if not hmac.compare_digest(seal(sha, key), sealed):
        raise ArtifactForged(f"The artifact {sha[:12]} was not sealed by this project.")
    manifest = _manifest(content)
    try:
        tensors = load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ArtifactMalformed(f"The artifact {sha[:12]} cannot be read: {error}.") from error
    found = {name: TensorSpec(tensor.shape, tensor.dtype.name) for name, tensor in tensors.items()}
    if found != dict(manifest.tensors):
        raise ArtifactMalformed(f"The arrays of the artifact {sha[:12]} are not those of its manifest.")
    for name, tensor in tensors.items():
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise ArtifactMalformed(f"The array {name} has values that are not finite.")
        tensor.flags.writeable = False
    return Artifact(manifest=manifest, tensors=tensors)


def _manifest(content: bytes) -> Manifest:
    try:
        said = _said(content)
        return Manifest(
            kind=PredictorKind(said["kind"]),
            inputs=tuple(map(str, said["inputs"])),
            tensors={
                str(name): TensorSpec(tuple(map(int, spec["shape"])), str(spec["dtype"]))
                for name, spec in said["tensors"].items()
            },
            settings=dict(said["settings"]),
            schema=int(said["schema"]),
        )
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactMalformed(f"The artifact has no readable manifest: {type(error).__name__}.") from error


def _said(content: bytes) -> dict[str, Any]:
    (size,) = _HEAD.unpack_from(content)
    if size > min(_LARGEST_HEADER, len(content)):
        raise ArtifactMalformed("The artifact's header is longer than the artifact.")
    header = _strict_json(content[_HEAD.size : _HEAD.size + size])
    said: dict[str, Any] = _strict_json(header["__metadata__"][_MANIFEST])
    if isinstance(said["schema"], bool) or said["schema"] not in READABLE_SCHEMAS:
        raise ArtifactMalformed(f"The artifact's schema {said['schema']!r:.40} cannot be read.")
    return said


def _strict_json(text: bytes | str) -> Any:
    """Return what JSON says. Raises ValueError where a name occurs twice, or for NaN and infinity, which JSON lacks."""
    return json.loads(text, object_pairs_hook=_distinct, parse_constant=_refuse_constant)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("A name occurs twice.")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON.")

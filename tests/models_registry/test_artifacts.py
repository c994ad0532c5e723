"""Artifacts: what was packed comes back, and nothing else is ever opened."""

import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.artifacts import (
    ArtifactDamaged,
    ArtifactForged,
    ArtifactMalformed,
    ArtifactRefused,
    digest,
    open_artifact,
    pack,
    seal,
)
from models_registry.predictors.popularity import write_items
from models_registry.vocabulary import PredictorKind

KEY = b"k" * 32
TENSORS = {"item_ids": write_items(("a", "b", "丙")), "popularity": np.array([3, 2, 1], dtype=np.float32)}


def packed(**changes: object) -> bytes:
    values = {"kind": PredictorKind.POPULARITY, "inputs": ("history",), "tensors": TENSORS, "settings": {"depth": 3}}
    return pack(**{**values, **changes})


def opened(content: bytes, *, sha: str | None = None, sealed: str | None = None):
    sha = sha or digest(content)
    return open_artifact(content, sha=sha, sealed=seal(sha, KEY) if sealed is None else sealed, key=KEY)


def test_artifact__packed_and_opened__holds_the_same_arrays_and_manifest():
    artifact = opened(packed())
    assert artifact.manifest.kind is PredictorKind.POPULARITY
    assert artifact.manifest.inputs == ("history",)
    assert artifact.manifest.settings == {"depth": 3}
    assert artifact.tensors["popularity"].tolist() == [3.0, 2.0, 1.0]
    assert artifact.manifest.signature()["tensors"]["popularity"] == {"shape": [3], "dtype": "float32"}


def test_artifact__packed_twice_in_any_order__has_equal_bytes():
    assert packed() == packed(tensors=dict(reversed(TENSORS.items())))


def test_artifact__arrays__cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        opened(packed()).tensors["popularity"][0] = 9.0


@given(st.data())
def test_artifact__any_flipped_byte__is_damaged(data):
    content = bytearray(packed())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ArtifactDamaged):
        opened(bytes(content), sha=digest(packed()))


def test_artifact__sealed_by_another_project__is_forged():
    content = packed()
    with pytest.raises(ArtifactForged):
        opened(content, sealed=seal(digest(content), b"other" * 8))
    with pytest.raises(ArtifactForged):
        opened(content, sealed="")


@pytest.mark.parametrize(
    "tensors",
    [
        {"w": np.array([1.0, np.nan], dtype=np.float32)},
        {"w": np.array([np.inf], dtype=np.float32)},
        {"w": np.array([1.0])},
        {"w": np.array(["text"])},
        {"w": np.array([{}], dtype=object)},
    ],
)
def test_pack__values_that_artifacts_do_not_hold__are_refused(tensors):
    with pytest.raises(ArtifactMalformed):
        packed(tensors=tensors)


class _Bomb:
    def __reduce__(self):
        return (print, ("executed",))


def _hostile() -> dict[str, bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("config.json", json.dumps({"class_name": "Lambda", "module": "os"}))
        file.writestr("../../escape", "x")
    npz = io.BytesIO()
    np.savez(npz, w=np.array([_Bomb()], dtype=object))
    header = json.dumps({"__metadata__": {"tiltyard": "{}"}}).encode()
    return {
        "empty": b"",
        "short": b"\x01",
        "pickle": pickle.dumps(_Bomb()),
        "keras archive": archive.getvalue(),
        "npz with objects": npz.getvalue(),
        "hdf5": b"\x89HDF\r\n\x1a\n" + b"\0" * 100,
        "header longer than the file": struct.pack("<Q", 2**62) + b"{}",
        "header that is no JSON": struct.pack("<Q", 4) + b"{{{{",
        "no manifest": struct.pack("<Q", len(header)) + header,
        "deep header": struct.pack("<Q", 20_000) + b"[" * 20_000,
    }


@pytest.mark.parametrize("name", _hostile())
def test_artifact__hostile_bytes_with_a_good_seal__are_refused_and_nothing_runs(name, capsys):
    with pytest.raises(ArtifactRefused):
        opened(_hostile()[name])
    assert "executed" not in capsys.readouterr().out


def test_artifact__arrays_that_are_not_those_of_the_manifest__are_refused():
    from safetensors.numpy import save

    content = packed()
    (size,) = struct.unpack_from("<Q", content)
    metadata = json.loads(content[8 : 8 + size])["__metadata__"]
    other = {**TENSORS, "popularity": np.array([1, 2], dtype=np.float32)}
    with pytest.raises(ArtifactMalformed, match="manifest"):
        opened(save(other, metadata))

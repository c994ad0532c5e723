"""A corpus of hostile model files, made anew by each run: nothing of it is stored, and nothing of it may ever run.

Every specimen says with which code it must be refused. Those that can run something write a canary file when they do.
"""

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models_registry.artifacts import digest, pack, seal
from models_registry.predictors.popularity import write_items
from models_registry.vocabulary import PredictorKind

KEY = b"k" * 32
OTHER_KEY = b"o" * 32
EVERY = 97
"""A byte is flipped at every so many places."""

Tensors = dict[str, np.ndarray]
Manifest = dict[str, Any]


@dataclass(frozen=True)
class Specimen:
    """A file with the digest and the seal that it is registered with, and the code that refuses it."""

    name: str
    content: bytes
    sha: str
    sealed: str
    code: str


class Bomb:
    """What unpickles to writing the canary."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return (_burst, (str(self.canary), "pickle"))


def _burst(canary: str, how: str) -> None:
    Path(canary).write_text(how)


def good_file(scores: tuple[float, ...] = (3.0, 2.0, 1.0)) -> bytes:
    """Return an artifact that is as it should be."""
    items = tuple("abcdefghij"[: len(scores)])
    tensors = {"item_ids": write_items(items), "popularity": np.array(scores, dtype=np.float32)}
    return pack(kind=PredictorKind.POPULARITY, inputs=(), tensors=tensors, settings={})


def specimens(canary: Path) -> Iterator[Specimen]:
    """Yield the corpus."""
    for name, content in {**_other_formats(canary), **_broken_frames(), **_broken_manifests()}.items():
        yield _sealed(name, content)
    for name, content in _wrong_arrays().items():
        yield _sealed(name, content)
    good, other = good_file(), good_file((1.0, 2.0))
    sha = digest(good)
    yield Specimen("no seal", good, sha, "", "ARTIFACT_FORGED")
    yield Specimen("seal of nobody", good, sha, "0" * 64, "ARTIFACT_FORGED")
    yield Specimen("seal of another project", good, sha, seal(sha, OTHER_KEY), "ARTIFACT_FORGED")
    yield Specimen("seal of another file", good, sha, seal(digest(other), KEY), "ARTIFACT_FORGED")
    yield Specimen("right seal, other bytes", other, sha, seal(sha, KEY), "ARTIFACT_DAMAGED")
    yield Specimen("truncated after registration", good[:-1], sha, seal(sha, KEY), "ARTIFACT_DAMAGED")
    yield Specimen("empty after registration", b"", sha, seal(sha, KEY), "ARTIFACT_DAMAGED")
    for place in range(0, len(good), EVERY):
        flipped = bytearray(good)
        flipped[place] ^= 0xFF
        yield Specimen(f"byte {place} flipped", bytes(flipped), sha, seal(sha, KEY), "ARTIFACT_DAMAGED")


def _sealed(name: str, content: bytes) -> Specimen:
    """Return a file that this very project registered and sealed, as if its trainer had been taken over."""
    sha = digest(content)
    return Specimen(name, content, sha, seal(sha, KEY), "ARTIFACT_MALFORMED")


def _other_formats(canary: Path) -> Mapping[str, bytes]:
    """Return files of formats that can hold a program."""
    code = f"(lambda x: open({str(canary)!r}, 'w').write('lambda'))"
    lambda_layer = {"class_name": "Lambda", "config": {"function": code, "output_shape": [1]}}
    imports = {"class_name": "write_text", "module": "pathlib.Path", "config": {"self": str(canary)}}
    npz, npy = io.BytesIO(), io.BytesIO()
    np.savez(npz, w=np.array([Bomb(canary)], dtype=object))
    np.save(npy, np.array([Bomb(canary)], dtype=object))
    return {
        "empty": b"",
        "pickle bomb": pickle.dumps(Bomb(canary)),
        "pickle of protocol 0": pickle.dumps(Bomb(canary), protocol=0),
        "zip with traversal": _zipped({"../../canary": "x", f"/{canary}": "x"}),
        ".keras with a Lambda": _zipped({"config.json": json.dumps(lambda_layer), "metadata.json": "{}"}),
        ".keras that imports": _zipped({"config.json": json.dumps(imports), "model.weights.h5": "x"}),
        ".keras that allows deserialization": _zipped(
            {"config.json": json.dumps({"module": "keras.config", "class_name": "enable_unsafe_deserialization"})}
        ),
        ".h5": b"\x89HDF\r\n\x1a\n" + struct.pack("<4Q", 0, 2**63, 2**63, 2**63) + code.encode(),
        ".h5 with an external dataset": b"\x89HDF\r\n\x1a\n" + b"\0" * 64 + b"/etc/hostname\0",
        "npz with objects": npz.getvalue(),
        "npy with objects": npy.getvalue(),
        "saved model": b"\x08\x01\x12\x08ReadFile" + b"/etc/hostname" * 40,
        "Python source": code.encode() * 50,
    }


def _zipped(files: Mapping[str, str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    return archive.getvalue()


def _parts(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return header and data of an artifact."""
    (size,) = struct.unpack_from("<Q", content)
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def _framed(header: str, data: bytes) -> bytes:
    encoded = header.encode()
    return struct.pack("<Q", len(encoded)) + encoded + data


def _broken_frames() -> Mapping[str, bytes]:
    """Return files whose header lies about what follows."""
    good = good_file()
    header, data = _parts(good)
    popularity = header["popularity"]

    def with_popularity(**changes: object) -> bytes:
        return _framed(json.dumps({**header, "popularity": {**popularity, **changes}}), data)

    start, end = popularity["data_offsets"]
    text = json.dumps(header)
    named = json.dumps(popularity)
    return {
        "one byte": b"\x01",
        "header of 2**62 bytes": struct.pack("<Q", 2**62) + b"{}",
        "header of 2**64 - 1 bytes": struct.pack("<Q", 2**64 - 1) + b"{}",
        "header that is no JSON": _framed("{{{{", data),
        "header that is no UTF-8": struct.pack("<Q", 4) + b"\xff\xfe\xfd\xfc" + data,
        "header that is a list": _framed("[1, 2]", data),
        "header of depth 20 000": _framed("[" * 20_000, b""),
        "header of 10 MB": _framed(text[:-1] + ', "x": "' + "a" * 10_000_000 + '"}', data),
        "offsets out of range": with_popularity(data_offsets=[start, end + 2**40]),
        "offsets that overlap": with_popularity(data_offsets=[start - 4, end - 4]),
        "offsets that run backwards": with_popularity(data_offsets=[end, start]),
        "offsets below zero": with_popularity(data_offsets=[-8, end]),
        "offsets beyond 64 bits": with_popularity(data_offsets=[start, 2**70]),
        "shape of 2**62": with_popularity(shape=[2**62]),
        "shape whose bytes overflow": with_popularity(shape=[2**33, 2**33]),
        "shape below zero": with_popularity(shape=[-3]),
        "type that is wider": with_popularity(dtype="F64"),
        "type that there is not": with_popularity(dtype="OBJECT"),
        "an array twice": _framed(text[:-1] + f', "popularity": {named}}}', data),
        "truncated": good[:-4],
        "truncated in the header": good[:40],
        "bytes behind the end": good + b"\0" * 16,
    }


def _remade(change: Callable[[Manifest], object]) -> bytes:
    """Return an artifact whose manifest was changed and written again."""
    header, data = _parts(good_file())
    manifest = json.loads(header["__metadata__"]["tiltyard"])
    changed = change(manifest)
    told = json.dumps(manifest if changed is None else changed)
    return _framed(json.dumps({**header, "__metadata__": {"tiltyard": told}}), data)


def _raw_manifest(text: str) -> bytes:
    header, data = _parts(good_file())
    return _framed(json.dumps({**header, "__metadata__": {"tiltyard": text}}), data)


def _broken_manifests() -> Mapping[str, bytes]:
    """Return files whose manifest is not one, or not theirs."""
    header, data = _parts(good_file())
    said = header["__metadata__"]["tiltyard"]
    deep = '{"a":' * 1_000 + "1" + "}" * 1_000

    def named(**changes: object) -> bytes:
        return _remade(lambda manifest: {**manifest, **changes})

    return {
        "no manifest": _framed(json.dumps({key: value for key, value in header.items() if key[0] != "_"}), data),
        "manifest that is no JSON": _raw_manifest("{"),
        "manifest that is a list": _raw_manifest("[]"),
        "manifest of depth 1000": _raw_manifest(said.replace('"settings":{}', f'"settings":{{"a":{deep}}}')),
        "manifest of depth 100 000": _raw_manifest("[" * 100_000),
        "manifest of 10 MB": _raw_manifest(said[:-1] + ',"x":"' + "a" * 10_000_000 + '"}'),
        "manifest with a name twice": _raw_manifest(said[:-1] + ',"kind":"two_tower"}'),
        "manifest with NaN": _raw_manifest(said.replace('"settings":{}', '"settings":{"half_life":NaN}')),
        "manifest with infinity": _raw_manifest(said.replace('"settings":{}', '"settings":{"half_life":Infinity}')),
        "manifest with a number of 10 000 digits": _raw_manifest(
            said.replace('"settings":{}', f'"settings":{{"n":{"9" * 10_000}}}')
        ),
        "schema of another day": named(schema=99),
        "schema that is true": named(schema=True),
        "kind that there is not": named(kind="__import__"),
        "kind that is a list": named(kind=["popularity"]),
        "arrays that are a list": named(tensors=[]),
        "settings that are a text": named(settings="x"),
        "array of another shape": _remade(lambda manifest: manifest["tensors"]["popularity"].update(shape=[2**62])),
        "array of another type": _remade(lambda manifest: manifest["tensors"]["popularity"].update(dtype="object")),
        "array that is not there": _remade(
            lambda manifest: manifest["tensors"].update(more={"shape": [1], "dtype": "float32"})
        ),
        "array that it keeps silent about": _remade(lambda manifest: manifest["tensors"].pop("popularity") and None),
    }


def _wrong_arrays() -> Mapping[str, bytes]:
    """Return files that are well formed and hold what no predictor reads."""
    return {
        **{f"kind {kind.value}": named for kind, named in _other_kinds()},
        "NaN": _poisoned(np.nan),
        "infinity": _poisoned(np.inf),
        "items that are no JSON": _packed(item_ids=np.frombuffer(b"[[[[", dtype=np.uint8)),
        "items of depth 100 000": _packed(item_ids=np.frombuffer(b"[" * 100_000, dtype=np.uint8)),
        "items that are numbers": _packed(item_ids=np.frombuffer(b"[1,2,3]", dtype=np.uint8)),
        "an item twice": _packed(item_ids=np.frombuffer(b'["a","a","b"]', dtype=np.uint8)),
        "one score too few": _packed(popularity=np.array([1.0, 2.0], dtype=np.float32)),
        "scores of another type": _packed(popularity=np.array([1, 2, 3], dtype=np.int32)),
        "scores of two dimensions": _packed(popularity=np.ones((3, 1), dtype=np.float32)),
        "compressed by an unknown way": _packed(settings={"compressed": {"popularity": "exec"}}),
        "compressed by a list": _packed(settings={"compressed": ["popularity"]}),
        "compressed though it is not": _packed(settings={"compressed": {"popularity": "int8_rows"}}),
    }


def _other_kinds() -> Iterator[tuple[PredictorKind, bytes]]:
    tensors = {"item_ids": write_items(("a", "b", "c")), "popularity": np.ones(3, dtype=np.float32)}
    for kind in PredictorKind:
        if kind is not PredictorKind.POPULARITY:
            yield kind, pack(kind=kind, inputs=(), tensors=tensors, settings={})


def _packed(settings: Mapping[str, Any] | None = None, **tensors: np.ndarray) -> bytes:
    arrays: Tensors = {"item_ids": write_items(("a", "b", "c")), "popularity": np.ones(3, dtype=np.float32), **tensors}
    return pack(kind=PredictorKind.POPULARITY, inputs=(), tensors=arrays, settings=settings or {})


def _poisoned(value: float) -> bytes:
    """Return an artifact with a number in it that `pack` does not let pass."""
    content = bytearray(good_file())
    content[-4:] = struct.pack("<f", value)
    return bytes(content)

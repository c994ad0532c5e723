"""From published files to equipment: the cache on disk first, then Postgres; parsed once for all bundle versions.

For the loader's thread alone. A file that is missing, damaged, forged or malformed leaves its version unavailable,
never the bundle.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

import numpy as np

from decisions.moment import Catalogue
from decisions.serving.equipment import Equipment, Fitted, fit, read_catalogue
from decisions.serving.points import FileRecord, ModelRecord, Points
from decisions.serving.source import BundleSourceDown
from foundation.errors import DomainError
from models_registry.artifacts import ArtifactMalformed, open_artifact
from models_registry.predictors.loading import predictor_of
from models_registry.predictors.protocol import Predictor

DIRECTORY = "artifacts"
KEPT_SECONDS = 600.0
"""A file that no live bundle names stays so long: another process may be ahead of this one."""

Fetch = Callable[[str], bytes | None]
"""Returns the bytes published under a digest, None where there are none; may raise BundleSourceDown."""

logger = logging.getLogger(__name__)


class FileMissing(DomainError):
    """A published file is neither on this machine nor, as far as can be asked, in Postgres."""

    code = "FILE_MISSING"
    hint = "Publish the bundle again; the file is fetched as soon as Postgres has it."


class FileDamaged(DomainError):
    """What is published under a digest does not have it."""

    code = "FILE_DAMAGED"
    hint = "Publish the bundle again; what is on this machine was left as it is."


class FileCache:
    """Published files on disk, under the digest of their content; shared by the processes of a machine."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / DIRECTORY

    def read(self, sha: str) -> bytes | None:
        """Return the content, None where it is not here; what does not have its digest any more is removed."""
        path = self.directory / sha
        try:
            content = path.read_bytes()
        except OSError:
            return None
        if sha256(content).hexdigest() == sha:
            return content
        logger.warning("the cached file %s is damaged and is removed", sha[:12])
        with suppress(OSError):
            path.unlink()
        return None

    def write(self, sha: str, content: bytes) -> None:
        """Keep a file, whole or not at all. Raises OSError where the directory cannot be written."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self.directory / f".{sha}.{os.getpid()}-{threading.get_ident()}"
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.directory / sha)
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def prune(self, named: Iterable[str], *, now: float) -> None:
        """Remove the files that are not named and were not touched for ten minutes; `now` is wall time."""
        kept = set(named)
        with suppress(OSError):
            for path in self.directory.iterdir():
                if path.name not in kept and now - path.stat().st_mtime > KEPT_SECONDS:
                    path.unlink(missing_ok=True)


_Known = tuple[str, str, bytes]
"""What a parsed predictor is known by: its file, its seal and the key that the seal was checked with."""


class EquipmentLoader:
    """Turns the files that bundles name into equipment, and reuses what it has parsed already."""

    def __init__(self, cache: FileCache) -> None:
        self._cache = cache
        self._catalogues: dict[str, Catalogue] = {}
        self._predictors: dict[_Known, tuple[Predictor, Mapping[str, int]]] = {}
        self._fitted: dict[tuple[str, _Known], Fitted] = {}

    def equip(self, points: Points, key: bytes, fetch: Fetch) -> Equipment:
        """Return the equipment for the points of a bundle; `key` is the secret that its artifacts are sealed with.

        Raises:
            BundleSourceDown: from `fetch`; nothing is lost, the next call goes on from what is cached.
        """
        faults: dict[str, str] = {}
        models: dict[int, Fitted] = {}
        catalogue = None
        if points.catalogue is not None:
            with _noted(faults, "catalogue"):
                catalogue = self._catalogue(points.catalogue, fetch)
        for record in points.models.values():
            with _noted(faults, f"model version {record.version}"):
                known = self._predictor(record, key, fetch)
                if catalogue is not None and points.catalogue is not None:
                    pair = points.catalogue.sha256, known
                    if pair not in self._fitted:
                        self._fitted[pair] = fit(record, *self._predictors[known], catalogue)
                    models[record.version] = replace(self._fitted[pair], record=record)
        return Equipment(catalogue, MappingProxyType(models), MappingProxyType(faults))

    def forget_all_but(self, live: Iterable[Points]) -> None:
        """Let go of what no live bundle names, in memory and on disk."""
        names = {name for points in live for name in points.files}
        self._catalogues = {sha: found for sha, found in self._catalogues.items() if sha in names}
        self._predictors = {known: found for known, found in self._predictors.items() if known[0] in names}
        self._fitted = {
            (sha, known): found for (sha, known), found in self._fitted.items() if sha in names and known[0] in names
        }
        self._cache.prune(names, now=time.time())

    def _catalogue(self, record: FileRecord, fetch: Fetch) -> Catalogue:
        if record.sha256 not in self._catalogues:
            self._catalogues[record.sha256] = read_catalogue(self._content(record, fetch))
        return self._catalogues[record.sha256]

    def _predictor(self, record: ModelRecord, key: bytes, fetch: Fetch) -> _Known:
        """Return what the record's predictor is known by, once it is parsed."""
        known = (record.file.sha256, record.seal, key)
        if known not in self._predictors:
            content = self._content(record.file, fetch)
            artifact = open_artifact(content, sha=record.file.sha256, sealed=record.seal, key=key)
            predictor = predictor_of(artifact)
            _try_out(predictor)
            places = {item: place for place, item in enumerate(predictor.items)}
            self._predictors[known] = predictor, MappingProxyType(places)
        return known

    def _content(self, record: FileRecord, fetch: Fetch) -> bytes:
        content = self._cache.read(record.sha256)
        if content is not None:
            return content
        content = fetch(record.sha256)
        if content is None:
            raise FileMissing(f"The file {record.sha256[:12]} is nowhere to be had.")
        if sha256(content).hexdigest() != record.sha256:
            raise FileDamaged(f"The published file {record.sha256[:12]} is not what its name says.")
        try:
            self._cache.write(record.sha256, content)
        except OSError as error:
            logger.warning("the file %s cannot be kept on disk: %s", record.sha256[:12], error.strerror)
        return content


def _try_out(predictor: Predictor) -> None:
    """Let a predictor score once, so that no shopper meets its first time. Raises ArtifactMalformed."""
    scores = predictor.score(np.zeros(min(1, len(predictor.items)), dtype=np.int64))
    if scores.shape != (len(predictor.items),) or not np.isfinite(scores).all():
        raise ArtifactMalformed("Its predictor does not give every item a finite score.")


@contextmanager
def _noted(faults: dict[str, str], name: str) -> Iterator[None]:
    """Turn a failure of the block into a sentence under a name."""
    try:
        yield
    except BundleSourceDown:
        raise
    except DomainError as error:
        faults[name] = f"{error.code}: {error.message}"
    except Exception as error:
        # One file whose reader has a fault must not keep the others, or the bundle, from being served.
        logger.exception("%s cannot be loaded", name)
        faults[name] = f"{type(error).__name__}: it cannot be loaded; the log of the edge says why."

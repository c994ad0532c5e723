"""Published files: the cache on disk first, then Postgres; what does not have the digest it is named by is refused."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from decisions.serving.points import FileRecord
from foundation.errors import DomainError

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


class Files:
    """Reads published files, from disk where they are there and from Postgres else; for the loader's thread alone."""

    def __init__(self, cache: FileCache) -> None:
        self._cache = cache

    def content(self, record: FileRecord, fetch: Fetch) -> bytes:
        """Return the content of a file, and keep it on disk.

        Raises:
            FileMissing, FileDamaged: it is nowhere to be had, or not what its name says.
            BundleSourceDown: from `fetch`.
        """
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

    def keep_only(self, named: Iterable[str]) -> None:
        """Let go of files that are not named and that no other process is likely to want."""
        self._cache.prune(named, now=time.time())

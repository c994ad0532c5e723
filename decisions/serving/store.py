"""The last-known-good file: what an edge process serves when it starts and nothing else answers.

One file for all processes of a machine: a line with format and SHA-256 of the rest, then canonical JSON. It is
replaced as a whole (fsync, rename, fsync of the directory) and readable by its owner alone, since it holds the
private companions too.
"""

import json
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from decisions.serving.bundle import PublishedText
from foundation.errors import DomainError

FILE_NAME = "bundles.last-known-good"
FORMAT = "tiltyard-bundles/1"
_FIELDS = ("project_id", "version", "sha256", "content", "companion")


class BundleFileUnusable(DomainError):
    """The last-known-good file cannot be used; the message says why."""

    code = "BUNDLE_FILE_UNUSABLE"
    hint = "Remove it; it is written again as soon as Postgres answers."


class BundleFile:
    """The file in a directory that the processes of a machine share."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE_NAME

    def read(self) -> tuple[PublishedText, ...]:
        """Return the bundles of the file; none where there is no file.

        Raises:
            BundleFileUnusable: unreadable, of an unknown format, or not what was written.
        """
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise BundleFileUnusable(f"The last-known-good file cannot be read: {error.strerror}.") from error
        header, _, body = raw.partition(b"\n")
        if header != _header(body):
            raise BundleFileUnusable("The last-known-good file is damaged or of an unknown format.")
        try:
            return tuple(PublishedText(**{name: entry[name] for name in _FIELDS}) for entry in json.loads(body))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise BundleFileUnusable("The last-known-good file has an unknown content.") from error

    def holds(self, bundles: Iterable[PublishedText]) -> bool:
        """Return whether the file says that it holds exactly these bundles."""
        expected = _header(_body(bundles))
        try:
            with self.path.open("rb") as file:
                return file.readline(len(expected) + 2).rstrip(b"\n") == expected
        except OSError:
            return False

    def write(self, bundles: Iterable[PublishedText]) -> None:
        """Replace the file. Raises OSError where the directory cannot be written; the old file then stays."""
        body = _body(bundles)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(f"{FILE_NAME}.{os.getpid()}-{threading.get_ident()}")
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(_header(body) + b"\n" + body)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.path)
        except OSError:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _header(body: bytes) -> bytes:
    return f"{FORMAT} {sha256(body).hexdigest()}".encode()


def _body(bundles: Iterable[PublishedText]) -> bytes:
    entries = [{name: getattr(bundle, name) for name in _FIELDS} for bundle in bundles]
    entries.sort(key=lambda entry: int(entry["project_id"]))
    return json.dumps(entries, sort_keys=True, separators=(",", ":")).encode()

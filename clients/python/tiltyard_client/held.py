"""The bundle that a client evaluates with: its snapshot, and what time it is in the project."""

import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.snapshot import Snapshot

FILE_FORMAT = 1


class BundleUnusable(Exception):
    """The bundle is not what was published, or cannot be read by this version of the client."""


@dataclass(frozen=True, slots=True)
class ServerTime:
    """Project time `project` at the monotonic time `at`; `speed` project seconds pass in a second."""

    project: datetime
    at: float
    speed: float = 1.0

    def now(self) -> datetime:
        """Return the project's time now, whatever this machine's calendar says."""
        return self.project + timedelta(seconds=(time.monotonic() - self.at) * self.speed)


@dataclass(frozen=True, slots=True)
class HeldBundle:
    """A bundle in use."""

    snapshot: Snapshot
    digest: str
    content: bytes
    time: ServerTime


def open_content(content: bytes, digest: str, server_time: ServerTime) -> HeldBundle:
    """Return the bundle of a published content.

    Raises:
        BundleUnusable: the content does not have the digest, or the engine of this client cannot compile it.
    """
    if sha256(content).hexdigest() != digest:
        raise BundleUnusable("the content does not have the digest it was published with")
    try:
        snapshot = compile_snapshot(json.loads(content))
    except Exception as error:
        # A bundle of a later server may be anything; whatever is wrong with it, the one in use stays.
        raise BundleUnusable(f"{type(error).__name__}: {error}") from error
    return HeldBundle(snapshot, digest, content, server_time)


def read_file(path: Path) -> HeldBundle | None:
    """Return the bundle that was kept, None where none was. Raises BundleUnusable."""
    try:
        header, _, content = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BundleUnusable(f"the file cannot be read: {error.strerror}") from error
    try:
        kept = json.loads(header)
        if kept["format"] != FILE_FORMAT:
            raise BundleUnusable(f"the file has the unknown format {kept['format']!r}")
        speed = float(kept["speed"])
        since = datetime.now(UTC) - datetime.fromisoformat(kept["wall"])
        project = datetime.fromisoformat(kept["project"]) + since * speed
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise BundleUnusable("the file is damaged") from error
    return open_content(content, kept["sha256"], ServerTime(project, time.monotonic(), speed))


def write_file(path: Path, bundle: HeldBundle) -> None:
    """Replace the file. Raises OSError, and then the old one stays."""
    header = {
        "format": FILE_FORMAT,
        "sha256": bundle.digest,
        "project": bundle.time.now().isoformat(),
        "wall": datetime.now(UTC).isoformat(),
        "speed": bundle.time.speed,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(json.dumps(header).encode() + b"\n" + bundle.content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)

"""Rows that Postgres does not take now, kept in files until it does; by the next process if this one ends first.

Each process has a directory of its own below `<state>/spool`, with a lock that it holds as long as it lives; who
gets the lock of another directory knows that its process is gone, and takes its segments over. A segment is a file
of frames, each the length and the CRC-32 of a row in MessagePack: a tail torn by a crash is told from a whole row.
Rows are stored by message id, so that a segment replayed twice stores nothing twice.
"""

import fcntl
import logging
import os
import secrets
import struct
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from decisions.ingest.rows import EventRow

DIRECTORY = "spool"
LARGEST_SEGMENT = 4_000_000
LARGEST_FRAME = 1_000_000
_LOCK = "lock"
_SUFFIX = ".segment"
_TAKEN = "taken-"
_NEW = "new-"
"""How the name of a directory begins until its lock is held: nobody takes such a one over."""

_HEAD = struct.Struct("<II")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(EventRow).decode

logger = logging.getLogger(__name__)


def read_segment(path: Path) -> tuple[list[EventRow], bool]:
    """Return the whole rows of a segment, and whether something that is no whole row follows them.

    Raises:
        OSError: the file cannot be read.
    """
    raw = path.read_bytes()
    rows: list[EventRow] = []
    place = 0
    while place + _HEAD.size <= len(raw):
        size, checksum = _HEAD.unpack_from(raw, place)
        frame = raw[place + _HEAD.size : place + _HEAD.size + size]
        if size > LARGEST_FRAME or len(frame) < size or zlib.crc32(frame) != checksum:
            break
        try:
            rows.append(_decode(frame))
        except msgspec.MsgspecError:
            break
        place += _HEAD.size + size
    return rows, place < len(raw)


def is_taken(segment: Path) -> bool:
    """Return whether a segment was taken over from another process."""
    return segment.name.startswith(_TAKEN)


class Spool:
    """The segments of one process, within `limit` bytes. Safe to use from several threads."""

    def __init__(self, state: Path, *, limit: int) -> None:
        self._root = state / DIRECTORY
        self._limit = limit
        self._mutex = threading.Lock()
        self._own: Path | None = None
        self._lock: int | None = None
        self._segment: int | None = None
        self._segment_size = 0
        self._segments: dict[Path, int] = {}
        self._is_dirty = False
        self._numbers = 0

    @property
    def size(self) -> int:
        """How many bytes wait."""
        return sum(self._segments.values())

    def append(self, rows: Sequence[EventRow]) -> int:
        """Keep rows and return how many of them there was room for. Never raises; call `sync` to make them durable."""
        with self._mutex:
            kept = 0
            try:
                for row in rows:
                    frame = _encode(row)
                    if self.size + len(frame) + _HEAD.size > self._limit:
                        break
                    self._write(_HEAD.pack(len(frame), zlib.crc32(frame)) + frame)
                    kept += 1
            except OSError:
                logger.exception("the spool cannot be written")
                self._seal()  # Whatever half of a frame is there ends its segment.
            return kept

    def sync(self) -> None:
        """Make sure that what was appended survives a loss of power, as far as the disk allows."""
        with self._mutex:
            if self._is_dirty and self._segment is not None:
                with suppress(OSError):
                    os.fsync(self._segment)
            self._is_dirty = False

    def oldest(self) -> Path | None:
        """Return a segment that nothing is appended to any more, the oldest; None where nothing waits."""
        with self._mutex:
            if not self._segments:
                return None
            self._seal()
            return next(iter(self._segments))

    def remove(self, segment: Path) -> None:
        """Forget a segment whose rows are stored."""
        with self._mutex:
            self._segments.pop(segment, None)
            with suppress(OSError):
                segment.unlink()

    def take_over(self) -> int:
        """Take the segments of processes that are gone; return how many. Never raises."""
        taken = 0
        try:
            others = [path for path in self._root.iterdir() if path.is_dir() and path != self._own]
        except OSError:
            return 0
        for directory in others:
            if directory.name.startswith(_NEW):
                continue
            with suppress(OSError), _held(directory / _LOCK):
                for segment in sorted(directory.glob(f"*{_SUFFIX}")):
                    with self._mutex:
                        self._adopt(segment)
                    taken += 1
                (directory / _LOCK).unlink()
                directory.rmdir()
        return taken

    def close(self) -> None:
        """Let go of the files; what still waits is left to the next process, an empty directory is removed."""
        with self._mutex:
            self._seal()
            if self._own is not None and not self._segments:
                with suppress(OSError):
                    (self._own / _LOCK).unlink()
                    self._own.rmdir()
            if self._lock is not None:
                os.close(self._lock)
            self._own = self._lock = None

    def _write(self, frame: bytes) -> None:
        if self._segment is None or self._segment_size >= LARGEST_SEGMENT:
            self._seal()
            path = self._new_path()
            self._segment = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            self._segments[path] = self._segment_size = 0
        written = 0
        while written < len(frame):
            written += os.write(self._segment, frame[written:])
        self._segment_size += len(frame)
        self._segments[next(reversed(self._segments))] = self._segment_size
        self._is_dirty = True

    def _seal(self) -> None:
        if self._segment is not None:
            with suppress(OSError):
                os.fsync(self._segment)
                os.close(self._segment)
            self._segment = None

    def _adopt(self, segment: Path) -> None:
        own = self._new_path(_TAKEN)
        segment.rename(own)
        waiting = {own: own.stat().st_size}
        self._segments = waiting | self._segments  # In front: the last one may be being written.

    def _new_path(self, prefix: str = "") -> Path:
        self._numbers += 1
        return self._directory() / f"{prefix}{self._numbers:08d}{_SUFFIX}"

    def _directory(self) -> Path:
        """Return this process's directory, made and locked with the first use."""
        if self._own is None:
            name = f"{os.getpid()}-{secrets.token_hex(4)}"
            made = self._root / f"{_NEW}{name}"
            made.mkdir(mode=0o700, parents=True)
            self._lock = os.open(made / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._own = made.rename(self._root / name)
        return self._own


@contextmanager
def _held(lock: Path) -> Iterator[None]:
    """Hold the lock of another process's directory. Raises OSError where that process lives, or the lock is gone."""
    descriptor = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)

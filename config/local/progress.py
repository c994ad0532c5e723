"""Steps of a long command, told to the person who waits: what runs, and how long it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Steps:
    """A counter of `total` steps, the next one being `number`."""

    total: int
    number: int = 1

    @contextmanager
    def step(self, title: str) -> Iterator["Note"]:
        """Print the step's line: the title now, the note and the seconds when the block ends."""
        note = Note()
        self._say(f"[{self.number}/{self.total}] {title} ... ")
        self.number += 1
        start = time.monotonic()
        try:
            yield note
        except BaseException:
            self._say(f"failed after {time.monotonic() - start:.1f} s\n")
            raise
        self._say(f"{note.text}{', ' if note.text else ''}{time.monotonic() - start:.1f} s\n")

    def _say(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


@dataclass(slots=True)
class Note:
    """What a step has to say about itself when it ends."""

    text: str = ""

"""What is wrong with a manifest, where, and how to mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from foundation.errors import DomainError

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong; `path` leads to it from the top of the manifest."""

    path: Path
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class PlacedFault:
    """A fault with its line and column in the text, both counted from 1."""

    line: int
    column: int
    fault: Fault

    def render(self, name: str) -> str:
        """Return `file:line:column: path: what is wrong` and the fix below it."""
        place = f"{dotted(self.fault.path)}: " if self.fault.path else ""
        return f"{name}:{self.line}:{self.column}: {place}{self.fault.message}\n  fix: {self.fault.fix}"


class ManifestInvalid(DomainError):
    """The manifest cannot be used; the message lists every fault with its line, column and fix."""

    code = "MANIFEST_INVALID"
    hint = "Mend the lines that the message names and import again; nothing was changed."

    def __init__(self, name: str, faults: Iterable[PlacedFault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda placed: (placed.line, placed.column)))
        super().__init__("\n".join(placed.render(name) for placed in self.faults))


def dotted(path: Path) -> str:
    """Return a path as people write it: outcomes[0].kind."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """Return a sentence that offers the nearest known word, or lists them all."""
    words = list(known)
    lowered = {word.strip().lower(): word for word in words}
    near = get_close_matches(wrong.strip().lower(), lowered, n=1)
    if near:
        return f"did you mean {lowered[near[0]]}?"
    return f"use one of: {', '.join(words)}."

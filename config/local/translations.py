"""Message catalogues: compiled for Django, and examined for gaps (`python -m config.local.translations`)."""

import sys
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from config.local.places import PROJECT


@dataclass(frozen=True, slots=True)
class Gaps:
    """What a catalogue lacks."""

    path: Path
    untranslated: tuple[str, ...]
    fuzzy: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many messages need a translator."""
        return len(self.untranslated) + len(self.fuzzy)


def catalogues(root: Path) -> list[Path]:
    """Return the .po files below the folder, in order."""
    return sorted(root.glob("*/LC_MESSAGES/*.po"))


def compile_catalogues(root: Path) -> int:
    """Write the .mo file of every catalogue that is newer than it; return how many there are in all."""
    paths = catalogues(root)
    for path in paths:
        compiled = path.with_suffix(".mo")
        if not is_compiled(path):
            draft = compiled.with_suffix(".mo.draft")
            with draft.open("wb") as file:
                write_mo(file, _read(path))
            draft.replace(compiled)
    return len(paths)


def is_compiled(path: Path) -> bool:
    """Return whether the compiled form of a .po file exists and is not older than it."""
    compiled = path.with_suffix(".mo")
    return compiled.exists() and compiled.stat().st_mtime_ns >= path.stat().st_mtime_ns


def gaps(path: Path) -> Gaps:
    """Return the messages of a catalogue that are fuzzy or have no translation."""
    messages = [message for message in _read(path) if message.id]
    return Gaps(
        path=path,
        untranslated=tuple(str(message.id) for message in messages if not _is_translated(message.string)),
        fuzzy=tuple(str(message.id) for message in messages if message.fuzzy),
    )


def _is_translated(text: object) -> bool:
    return all(text) if isinstance(text, list | tuple) else bool(text)


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def main() -> int:
    """Print every message that needs a translator and return 0 when there is none."""
    found = [gap for gap in map(gaps, catalogues(PROJECT / "locale")) if gap.total]
    for gap in found:
        for kind, messages in (("untranslated", gap.untranslated), ("fuzzy", gap.fuzzy)):
            for message in messages:
                print(f"{gap.path}: {kind}: {message!r}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

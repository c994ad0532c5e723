"""docs/map.md names every module, and nothing that is not there."""

import ast
import re
from pathlib import Path

from tests.architecture.source import PROJECT, files_of_the_repository, is_migration

MAP = PROJECT / "docs" / "map.md"
PATH = re.compile(r"`([A-Za-z0-9_./-]+/[A-Za-z0-9_./-]*|[a-z_]+\.py)`")


def _modules() -> list[Path]:
    return [
        path
        for path in files_of_the_repository()
        if path.suffix == ".py" and path.parts[0] != "tests" and path.name != "__init__.py" and not is_migration(path)
    ]


def _line(path: Path) -> str:
    """Return the line that the map lacks, as far as the module says it itself."""
    said = (ast.get_docstring(ast.parse((PROJECT / path).read_text())) or "?").split("\n\n")[0]
    return f"- `{path}`: {' '.join(said.split())}"


def test_map__every_module__has_its_line() -> None:
    named = set(re.findall(r"^- `([^`]+)`: \S", MAP.read_text(), re.MULTILINE))
    missing = [_line(path) for path in sorted(_modules()) if str(path) not in named]
    assert not missing, "docs/map.md lacks:\n" + "\n".join(missing)


def test_map__every_path__exists() -> None:
    gone = [name for name in PATH.findall(MAP.read_text()) if not (PROJECT / name).exists()]
    assert gone == []


def test_map__every_folder_of_modules__has_a_heading() -> None:
    headings = set(re.findall(r"^## `([^`]+)/`: \S", MAP.read_text(), re.MULTILINE))
    assert headings == {str(path.parent) for path in _modules() if path.parent.parts}

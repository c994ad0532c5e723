"""The source files that the architecture tests read."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("foundation", "experiments", "decisions", "models_registry", "workers", "config", "simulation")
NOT_OURS = {".venv", ".git", ".tiltyard", "__pycache__", "node_modules"}


@cache
def modules() -> tuple[Path, ...]:
    """Return every Python file of the product, relative to the project."""
    found = (path for package in PACKAGES for path in (PROJECT / package).rglob("*.py"))
    return tuple(sorted(path.relative_to(PROJECT) for path in found if "__pycache__" not in path.parts))


def is_migration(path: Path) -> bool:
    """Return whether the file is one of Django's migrations."""
    return "migrations" in path.parts


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse((PROJECT / path).read_text(), filename=str(path))


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of every call in a file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def files_of_the_repository() -> list[Path]:
    """Return the files git would keep: tracked ones and new ones that are not ignored; all of them without git."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        names = [Path(name) for name in listed.stdout.splitlines()]
    else:
        names = [path.relative_to(PROJECT) for path in PROJECT.rglob("*")]
    return [path for path in names if not NOT_OURS & set(path.parts) and (PROJECT / path).is_file()]

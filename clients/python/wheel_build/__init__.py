"""Builds the wheel of the client: its own modules, and the engine of the server under the client's name.

The engine (`experiments.assignment` and what it imports) exists once, in this repository. A wheel takes the modules
that the client reaches and puts them below `tiltyard_client.engine`, with their imports pointing there, so that a shop
gets no top-level package called experiments. Standard library only: building needs nothing from the network.
"""

import ast
import base64
import re
import tomllib
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

CLIENT = Path(__file__).resolve().parents[1]
REPOSITORY = CLIENT.parents[1]
PACKAGE = "tiltyard_client"
ENGINE = f"{PACKAGE}.engine"
OURS = ("experiments", "foundation")
_IMPORT = re.compile(rf"^(\s*(?:from|import)\s+)({'|'.join(OURS)})\b", re.MULTILINE)
_MOMENT = (2020, 1, 1, 0, 0, 0)
"""The date of every file of a wheel, so that equal sources make equal wheels."""


def build_wheel(wheel_directory: str, config_settings: object = None, metadata_directory: object = None) -> str:  # noqa: ARG001 - PEP 517 fixes the signature
    """Write the wheel and return its name."""
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]
    stem = f"{project['name'].replace('-', '_')}-{project['version']}"
    files = dict(modules()) | _metadata(project, f"{stem}.dist-info")
    record = f"{stem}.dist-info/RECORD"
    lines = [f"{name},sha256={_digest(raw)},{len(raw)}" for name, raw in files.items()]
    files[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    name = f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, raw in files.items():
            entry = zipfile.ZipInfo(path, _MOMENT)
            entry.external_attr = 0o644 << 16
            wheel.writestr(entry, raw, zipfile.ZIP_DEFLATED)
    return name


def build_sdist(sdist_directory: str, config_settings: object = None) -> str:
    """Refuse: what a wheel is made of lies in the whole repository."""
    raise NotImplementedError("build a wheel from the repository: pip wheel --no-deps clients/python")


def modules() -> Iterator[tuple[str, bytes]]:
    """Yield path and source of every module of the wheel, the client's own first."""
    waiting = [path.relative_to(CLIENT) for path in sorted((CLIENT / PACKAGE).rglob("*.py"))]
    own = set(waiting)
    seen: set[Path] = set()
    yield f"{PACKAGE}/py.typed", b""
    while waiting:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        source = ((CLIENT if path in own else REPOSITORY) / path).read_text()
        waiting.extend(found for found in _imported(source) if found not in seen)
        target = path if path in own else Path(*ENGINE.split(".")) / path
        yield target.as_posix(), _IMPORT.sub(rf"\1{ENGINE}.\2", source).encode()
    yield f"{ENGINE.replace('.', '/')}/__init__.py", b'"""The engine of the server, as it was when this was built."""\n'


def _imported(source: str) -> Iterator[Path]:
    """Yield the files of the repository that a source imports, with the packages that they lie in."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] in OURS:
                packages = [Path(*parts[:depth]) / "__init__.py" for depth in range(1, len(parts) + 1)]
                found = [*packages, Path(*parts).with_suffix(".py")]
                yield from (path for path in found if (REPOSITORY / path).is_file())


def _metadata(project: dict[str, object], folder: str) -> dict[str, bytes]:
    lines = ["Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {project['version']}"]
    lines += [f"Summary: {project['description']}", f"Requires-Python: {project['requires-python']}"]
    lines += [f"License: {project['license']}"]
    needed = project["dependencies"]
    extras = project["optional-dependencies"]
    assert isinstance(needed, list)
    assert isinstance(extras, dict)
    lines += [f"Requires-Dist: {name}" for name in needed]
    for extra, names in extras.items():
        lines += [f"Provides-Extra: {extra}", *(f'Requires-Dist: {name} ; extra == "{extra}"' for name in names)]
    wheel = ["Wheel-Version: 1.0", "Generator: wheel_build", "Root-Is-Purelib: true", "Tag: py3-none-any"]
    return {
        f"{folder}/METADATA": "\n".join([*lines, ""]).encode(),
        f"{folder}/WHEEL": "\n".join([*wheel, ""]).encode(),
        f"{folder}/LICENSE": (REPOSITORY / "LICENSE").read_bytes(),
    }


def _digest(raw: bytes) -> str:
    return base64.urlsafe_b64encode(sha256(raw).digest()).rstrip(b"=").decode()

"""The wheel of the Python client: what is in it, what it imports, and that it gives the golden answers alone."""

import ast
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import wheel_build
from tests.architecture.source import PROJECT
from tests.golden import generate

FOLDER = PROJECT / "clients" / "python" / "tiltyard_client"
OF_THE_SERVER = ("experiments.assignment", "experiments.vocabulary")
PACKAGES = {"msgspec", "xxhash", "re2"}
OPTIONAL = {"openfeature.py": {"openfeature"}}
GOLDEN: dict[str, Any] = json.loads(generate.PATH.read_text(encoding="ascii"))

PROGRAM = """
import hashlib, json, sys, time
sys.path[:0] = [sys.argv[1]]
from datetime import datetime
from tiltyard_client.held import ServerTime, open_content
from tiltyard_client.local import assign_locally

golden = json.load(open(sys.argv[2]))
content = json.dumps(golden["bundle"]).encode()
at = datetime.fromisoformat(golden["at"])
held = open_content(content, hashlib.sha256(content).hexdigest(), ServerTime(at, time.monotonic()))
keys = [experiment["key"] for experiment in golden["bundle"]["experiments"]]
variants = {e["key"]: [variant["key"] for variant in e["variants"]] for e in golden["bundle"]["experiments"]}


def code(answer):
    if answer.reason == "SPLIT":
        return "abcdefghij"[variants[answer.experiment_key].index(answer.variant)]
    return "0123456789"[golden["reasons"].index(answer.reason)]


def codes(unit, attributes):
    return [code(a) for a in assign_locally(held, {"visitor": unit}, attributes, keys=keys, personalised=True)]


def vector(n):
    unit = golden["templates"][n % 10].replace("{h}", f"{n * 2654435761 % 2**32:08x}")
    country = ("DE", "CN", None)[n % 3]
    return codes(unit, {"orders": n % 7} | ({"country": country} if country else {}))


first = [vector(n) for n in range(10_000)]
differing = [k for i, k in enumerate(keys) if "".join(c[i] for c in first) != golden["outcomes"][k]]
special = []
for entry in golden["special"]:
    unit = entry["id"]["repeat"][0] * entry["id"]["repeat"][1] if isinstance(entry["id"], dict) else entry["id"]
    if "".join(codes(unit, {})) != entry["codes"]:
        special.append(entry["id"])
digest = hashlib.sha256()
for start in range(0, int(sys.argv[3]), 10_000):
    block = [vector(n) for n in range(start, start + 10_000)]
    for i, key in enumerate(keys):
        digest.update(f"{key}:{''.join(found[i] for found in block)}\\n".encode())
modules = sorted(name for name in sys.modules if name.split(".")[0] in ("experiments", "foundation", "decisions"))
print(json.dumps([differing, special, digest.hexdigest(), modules]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the unpacked wheel, which imports nothing of this repository."""
    folder = tmp_path_factory.mktemp("wheel")
    name = wheel_build.build_wheel(str(folder))
    with zipfile.ZipFile(folder / name) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def golden_of(installed: Path, count: int) -> tuple[list[str], list[Any], str, list[str]]:
    command = [sys.executable, "-I", "-c", PROGRAM, str(installed), str(generate.PATH), str(count)]
    done = subprocess.run(command, cwd=installed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    differing, special, digest, modules = json.loads(done.stdout)
    return differing, special, digest, modules


def test_golden_vectors__ten_thousand_and_the_special_ones__are_identical_in_the_installed_client(
    installed: Path,
) -> None:
    differing, special, _, modules = golden_of(installed, 0)
    assert differing == []
    assert special == []
    assert modules == []


@pytest.mark.nightly
def test_golden_vectors__a_million__have_the_published_digest_in_the_installed_client(installed: Path) -> None:
    assert golden_of(installed, 1_000_000)[2] == GOLDEN["million"]["sha256"]


def test_wheel__built_twice__is_the_same_and_its_record_is_true(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    name = wheel_build.build_wheel(str(tmp_path))
    assert (tmp_path / wheel_build.build_wheel(str(tmp_path / "again"))).read_bytes() == (
        tmp_path / "again" / name
    ).read_bytes()
    with zipfile.ZipFile(tmp_path / name) as wheel:
        names = set(wheel.namelist())
        record = next(entry for entry in names if entry.endswith("RECORD"))
        listed = {line.split(",")[0]: line.split(",")[2] for line in wheel.read(record).decode().splitlines()}
        assert set(listed) == names
        assert all(int(size) == len(wheel.read(entry)) for entry, size in listed.items() if size)
    assert all(entry.startswith(("tiltyard_client/", "tiltyard_client-")) for entry in names)


def test_wheel__sources__are_those_of_the_server_but_for_their_imports(installed: Path) -> None:
    taken = {path for path, _ in wheel_build.modules() if "/engine/" in path and path.count("/") > 2}
    assert {"tiltyard_client/engine/experiments/assignment/engine.py"} <= taken
    for path in taken:
        ours = (PROJECT / path.removeprefix("tiltyard_client/engine/")).read_text()
        assert (installed / path).read_text().replace("tiltyard_client.engine.", "") == ours


def test_wheel__everything_it_imports__is_declared_or_inside(installed: Path) -> None:
    for path in installed.rglob("*.py"):
        allowed = PACKAGES | {"tiltyard_client"} | OPTIONAL.get(path.name, set())
        assert _tops(path) - set(sys.stdlib_module_names) <= allowed, path


def test_client__of_the_server__imports_the_pure_engine_alone() -> None:
    for path in FOLDER.rglob("*.py"):
        for name in _imports(path):
            if name.split(".")[0] in ("experiments", "foundation", "decisions", "models_registry", "config", "workers"):
                assert name.startswith(OF_THE_SERVER), f"{path.name} imports {name}"
        assert len(path.read_text().splitlines()) <= 400


def _tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in _imports(path)}


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    return found

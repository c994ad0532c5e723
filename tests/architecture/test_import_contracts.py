"""The import contracts of importlinter.ini hold, and the contracts see every package."""

import configparser
import subprocess
import sys
from pathlib import Path

from tests.architecture.source import PACKAGES, PROJECT

CONTRACTS = PROJECT / "importlinter.ini"


def test_import_contracts__of_the_whole_code__are_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--config", str(CONTRACTS), "--no-cache"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "0 broken" in done.stdout


def test_import_contracts__root_packages__are_all_that_exist() -> None:
    settings = configparser.ConfigParser()
    settings.read(CONTRACTS)
    watched = set(settings["importlinter"]["root_packages"].split())
    layered = {name for name in PACKAGES if name != "simulation" and (PROJECT / name).is_dir()}
    assert watched == layered


def test_import_contracts__a_forbidden_import__is_caught(tmp_path: Path) -> None:
    """A contract of the same kinds on two packages of the test's own: a tool that sees nothing would pass above."""
    for name, text in {"low": "import high\n", "high": "import sqlite3\n"}.items():
        package = tmp_path / name
        package.mkdir()
        (package / "__init__.py").write_text(text)
    (tmp_path / "contracts.ini").write_text(
        "[importlinter]\nroot_packages =\n    low\n    high\ninclude_external_packages = True\n"
        "[importlinter:contract:layers]\nname = layers\ntype = layers\nlayers =\n    high\n    low\n"
        "[importlinter:contract:pure]\nname = pure\ntype = forbidden\n"
        "source_modules =\n    high\nforbidden_modules =\n    sqlite3\n"
    )
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--config", "contracts.ini", "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "low is not allowed to import high" in done.stdout
    assert "2 broken" in done.stdout

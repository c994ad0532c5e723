"""bin/setup: secrets, mirrors, catalogues, and the whole of it in an empty folder (nightly)."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from config.local.bootstrap import write_settings
from config.local.packages import uv_environment
from config.local.places import PROJECT
from config.local.translations import compile_catalogues, gaps


def _variables(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def test_settings_file__first_written__holds_a_random_key_for_the_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL", "TILTYARD_HTTPS", "TILTYARD_LOG_FORMAT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "other").mkdir()
    write_settings(tmp_path)
    write_settings(tmp_path / "other")
    path = tmp_path / "environment"
    variables = _variables(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert set(variables) == {"SECRET_KEY", "TILTYARD_HTTPS", "TILTYARD_LOG_FORMAT"}
    assert len(variables["SECRET_KEY"]) >= 50
    assert variables["SECRET_KEY"] != _variables(tmp_path / "other" / "environment")["SECRET_KEY"]
    assert write_settings(tmp_path) == "kept"
    assert _variables(path) == variables


def test_settings_file__with_a_server_of_ones_own__does_not_give_up_https(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TILTYARD_HTTPS", raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@db.example.com/shop")
    monkeypatch.setenv("SECRET_KEY", "given")
    write_settings(tmp_path)
    assert "TILTYARD_HTTPS" not in _variables(tmp_path / "environment")
    assert "SECRET_KEY" not in _variables(tmp_path / "environment")


def test_settings_file__lines_of_the_owner__are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    (tmp_path / "environment").write_text("DEBUG=1\n")
    write_settings(tmp_path)
    assert _variables(tmp_path / "environment")["DEBUG"] == "1"


def test_uv__by_variables_of_pip__uses_the_same_mirror() -> None:
    pip = {"PIP_INDEX_URL": "https://mirror.example.com/a", "PIP_CERT": "/etc/company.pem"}
    made = uv_environment({"PATH": "/bin", **pip}, {})
    assert made["UV_DEFAULT_INDEX"] == "https://mirror.example.com/a"
    assert made["SSL_CERT_FILE"] == "/etc/company.pem"
    assert made["PATH"] == "/bin"


def test_uv__by_the_configuration_file_of_pip__uses_the_same_mirror() -> None:
    made = uv_environment(
        {}, {"PIP_INDEX_URL": "https://a.example.com", "PIP_EXTRA_INDEX_URL": "https://b.example.com"}
    )
    assert made["UV_DEFAULT_INDEX"] == "https://a.example.com"
    assert made["UV_INDEX"] == "https://b.example.com"
    assert made["UV_INDEX_STRATEGY"] == "unsafe-best-match"


def test_uv__told_its_own_mirror__is_left_alone() -> None:
    own = {"UV_INDEX_URL": "https://own.example.com", "PIP_INDEX_URL": "https://pip.example.com"}
    assert uv_environment(own, {"PIP_EXTRA_INDEX_URL": "https://extra.example.com"}) == own


CATALOGUE = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "variant"
msgstr "实验组"

msgid "control"
msgstr ""

#, fuzzy
msgid "holdout"
msgstr "长期"
"""


def test_catalogue__compiled__is_written_once_and_its_gaps_are_named(tmp_path: Path) -> None:
    source = tmp_path / "zh_Hans" / "LC_MESSAGES" / "django.po"
    source.parent.mkdir(parents=True)
    source.write_text(CATALOGUE)
    assert compile_catalogues(tmp_path) == 1
    compiled = source.with_suffix(".mo")
    first = compiled.stat().st_mtime_ns
    assert "实验组".encode() in compiled.read_bytes()
    assert compile_catalogues(tmp_path) == 1
    assert compiled.stat().st_mtime_ns == first
    found = gaps(source)
    assert (found.untranslated, found.fuzzy, found.total) == (("control",), ("holdout",), 2)


def test_manage__before_setup__says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    shutil.copy(PROJECT / "bin" / "manage", tmp_path / "bin")
    done = subprocess.run([tmp_path / "bin" / "manage", "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "fix: run bin/setup" in done.stderr


def test_setup__without_a_python_it_can_use__says_what_to_install(tmp_path: Path) -> None:
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    done = subprocess.run(
        [PROJECT / "bin" / "setup"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "fix: " in done.stderr


@pytest.mark.nightly
def test_setup__in_an_empty_folder__works_and_again_in_seconds(own_directory: Path) -> None:
    clone = own_directory / "clone"
    left_out = shutil.ignore_patterns(".venv", ".git", ".tiltyard", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(PROJECT, clone, ignore=left_out)
    keep = {"PATH", "HOME", "LANG"}
    bare = {name: value for name, value in os.environ.items() if name in keep or name.startswith(("PIP_", "UV_"))}

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=clone, env=bare, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    first = run("bin/setup")
    assert "Password (shown once): " in first
    second = run("bin/setup")
    assert "Packages ... unchanged" in second
    assert "Password" not in second
    assert "not ok" not in run("bin/manage", "doctor")
    program = "from config.local.embedded import servers; from config.local.places import state_directory as s\n"
    run(".venv/bin/python", "-c", program + "for server in servers(s()).values(): server.remove()")

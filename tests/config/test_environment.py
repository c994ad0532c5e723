"""Settings from the environment: all faults at once, each with its fix."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import environment
from config.databases import django_database
from config.environment import Environment, EnvironmentFault, load

SECRET = "q7WcXz" * 14
GOOD = {
    "DATABASE_URL": "postgresql://user:pass@db.example.com:5432/shop",
    "REDIS_URL": "redis://:pass@cache.example.com:6379/0",
    "SECRET_KEY": SECRET,
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let nothing of this machine's own environment in."""
    for field in Environment.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)
    monkeypatch.setenv("TILTYARD_STATE_DIR", str(tmp_path))


def _load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Environment:
    for name, value in {**GOOD, **variables}.items():
        monkeypatch.setenv(name, value)
    return load()


def test_environment__of_a_production_site__has_safe_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    read = _load(monkeypatch)
    assert (read.debug, read.https) == (False, True)
    assert read.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert read.static_files == "HASHED"
    assert SECRET not in repr(read)


def test_environment__with_nothing_set__lists_every_missing_variable_with_its_fix() -> None:
    with pytest.raises(EnvironmentFault) as caught:
        load()
    assert set(caught.value.faults) == {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"}
    assert set(caught.value.faults.values()) == {"is not set"}
    text = str(caught.value)
    assert text.startswith("The environment has 3 faults:")
    assert text.count("    fix: ") == 3


def test_environment__with_several_bad_values__names_all_of_them_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        _load(
            monkeypatch,
            DATABASE_URL="mysql://host/name",
            REDIS_URL="redis://host:port/0",
            SECRET_KEY="short",
            ALLOWED_HOSTS=",",
            CSRF_TRUSTED_ORIGINS="shop.example.com",
            TILTYARD_DATABASE_CONNECT_SECONDS="0",
            TILTYARD_LOG_FORMAT="xml",
        )
    assert set(caught.value.faults) == {
        "DATABASE_URL",
        "REDIS_URL",
        "SECRET_KEY",
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "TILTYARD_DATABASE_CONNECT_SECONDS",
        "TILTYARD_LOG_FORMAT",
    }


def test_environment_fault__never_repeats_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        _load(monkeypatch, SECRET_KEY="tooshort-hunter2", DATABASE_URL="mysql://user:hunter2@host/name")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@pytest.mark.parametrize("secret", ["", "x", "a" * 80, "django-insecure-" + SECRET, "changeme" * 10])
def test_secret_key__weak_without_debug__stops_the_boot(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        _load(monkeypatch, SECRET_KEY=secret)
    assert list(caught.value.faults) == ["SECRET_KEY"]
    assert "bin/setup" in str(caught.value)


def test_secret_key__weak_with_debug__is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _load(monkeypatch, SECRET_KEY="x", DEBUG="1").debug


def test_allowed_hosts__everybody_without_debug__is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EnvironmentFault, match="forged Host"):
        _load(monkeypatch, ALLOWED_HOSTS="*")
    assert _load(monkeypatch, ALLOWED_HOSTS="*", DEBUG="1").allowed_hosts == ("*",)


def test_lists__are_separated_by_commas__and_spaces_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    read = _load(monkeypatch, ALLOWED_HOSTS=" a.example.com ,b.example.com,")
    assert read.allowed_hosts == ("a.example.com", "b.example.com")


def test_state_file__fills_what_is_unset__and_variables_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "environment").write_text(f"SECRET_KEY={SECRET[::-1]}\nTILTYARD_HTTPS=0\n")
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.setenv(name, GOOD[name])
    read = load()
    assert read.secret_key.get_secret_value() == SECRET[::-1]
    assert read.https is False
    monkeypatch.setenv("TILTYARD_HTTPS", "1")
    assert load().https is True


def test_settings__with_faults__end_the_command_without_a_traceback(tmp_path: Path) -> None:
    variables = {"PATH": os.environ["PATH"], "TILTYARD_STATE_DIR": str(tmp_path), **GOOD, "SECRET_KEY": "changeme"}
    done = subprocess.run(
        [sys.executable, environment.BASE_DIR / "manage.py", "check"],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "SECRET_KEY: is a default that everybody knows" in done.stderr
    assert "Traceback" not in done.stderr


def test_database_settings__decode_the_url__and_keep_its_options() -> None:
    url = "postgresql://us%40er:p%2Fw@[::1]:6543/na%20me?sslmode=require&options=-c%20work_mem%3D64MB"
    settings = django_database(url, connect_seconds=5, statement_seconds=7)
    assert settings["USER"] == "us@er"
    assert settings["PASSWORD"] == "p/w"
    assert (settings["HOST"], settings["PORT"], settings["NAME"]) == ("::1", "6543", "na me")
    assert settings["OPTIONS"] == {
        "sslmode": "require",
        "options": "-c work_mem=64MB -c statement_timeout=7000",
        "connect_timeout": 5,
        "application_name": "tiltyard",
    }

"""`bin/manage doctor`: what is there is ok, what is broken is not ok with its fix, and no fault hides another."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from config.local.embedded import Postgres, Valkey
from config.local.places import PROJECT
from foundation.management.needs import machine, services
from foundation.management.needs.need import Need, Standing, examine, ok


def _by_name(needs: Iterator[Need] | list[Need]) -> dict[str, Need]:
    return {need.name: need for need in needs}


def test_examination__with_a_check_that_breaks__goes_on_and_says_so() -> None:
    def broken() -> list[Need]:
        raise OSError("disk gone")

    needs = examine([("first", broken), ("second", lambda: [ok("second", "fine")])])
    assert [(need.name, need.standing) for need in needs] == [("first", Standing.NOT_OK), ("second", Standing.OK)]
    assert "disk gone" in needs[0].found


def test_packages__as_pinned__are_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILTYARD_EMBEDDED", "DATABASE_URL")
    needs = list(machine.packages())
    assert [need.name for need in needs] == ["packages of requirements.txt", "packages of requirements-embedded.txt"]
    assert {need.standing for need in needs} == {Standing.OK}


def test_packages__missing_and_outdated__are_each_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(
        "django==1.0\nno-such-package==3.1\npsycopg[binary]==3.3.9\nasync-timeout==5.0.1 ; python_version < '3'\n"
    )
    settings.BASE_DIR = tmp_path
    needs = _by_name(machine.packages())
    assert set(needs) == {"package django", "package no-such-package"}
    assert needs["package no-such-package"].found == "missing, pinned 3.1"
    assert {need.fix for need in needs.values()} == {"run bin/setup."}


def test_edge_counts__senseless_ones__are_each_named_with_their_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILTYARD_EDGE_THREADS", "2")
    (told,) = machine.edge_counts()
    assert (told.standing, told.found) == (Standing.OK, "TILTYARD_EDGE_THREADS=2")

    monkeypatch.setenv("TILTYARD_INTAKE_THREADS", "many")
    monkeypatch.setenv("TILTYARD_EDGE_WORKERS", "0")
    needs = _by_name(machine.edge_counts())
    assert set(needs) == {"TILTYARD_INTAKE_THREADS", "TILTYARD_EDGE_WORKERS"}
    assert {need.standing for need in needs.values()} == {Standing.NOT_OK}
    assert needs["TILTYARD_INTAKE_THREADS"].fix.startswith("set TILTYARD_INTAKE_THREADS to a whole number from 1")


def test_embedded_servers__that_did_not_start__are_reported_with_their_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILTYARD_LOCAL_FAULT", "Postgres does not answer.\nno space left\n  fix: free some space.")
    (need,) = machine.embedded_servers()
    assert (need.standing, need.fix) == (Standing.NOT_OK, "free some space.")
    assert "no space left" in need.found


def test_secret_key__short__is_not_ok(settings: Settings) -> None:
    settings.SECRET_KEY = "short"
    (need,) = machine.secret_key()
    assert need.standing is Standing.NOT_OK


def test_state_directory__that_is_a_file__is_not_ok(settings: Settings, tmp_path: Path) -> None:
    settings.STATE_DIRECTORY = tmp_path / "file"
    settings.STATE_DIRECTORY.write_text("")
    (need,) = machine.state_directory()
    assert need.standing is Standing.NOT_OK
    assert str(settings.STATE_DIRECTORY) in need.fix


def test_translations__older_than_their_source__are_not_ok(settings: Settings, tmp_path: Path) -> None:
    source = tmp_path / "zh_Hans" / "LC_MESSAGES" / "django.po"
    source.parent.mkdir(parents=True)
    source.write_text("")
    settings.LOCALE_PATHS = [tmp_path]
    (need,) = machine.translations()
    assert (need.name, need.standing) == ("translation zh_Hans", Standing.NOT_OK)
    source.with_suffix(".mo").write_text("")
    os.utime(source.with_suffix(".mo"), (4_000_000_000, 4_000_000_000))
    (need,) = machine.translations()
    assert need.standing is Standing.OK


@pytest.mark.django_db
def test_postgres__of_the_tests__is_ok() -> None:
    needs = _by_name(services.postgres())
    assert {need.standing for need in needs.values()} == {Standing.OK}
    assert set(needs) == {
        "Postgres",
        "Postgres encoding",
        "Postgres privileges",
        "clock of Postgres and this host",
    }


@pytest.mark.django_db(transaction=True)
def test_postgres__without_the_right_to_create__is_not_ok_and_says_what_to_grant() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE doctor_patient")
        try:
            cursor.execute("SET ROLE doctor_patient")
            need = _by_name(services.postgres())["Postgres privileges"]
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute("DROP ROLE doctor_patient")
    assert need.standing is Standing.NOT_OK
    assert need.found == "doctor_patient lacks CREATE"
    assert 'GRANT CREATE ON SCHEMA public TO "doctor_patient";' in need.fix


@pytest.mark.django_db
def test_migrations__not_applied__are_counted() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    (need,) = services.migrations()
    assert (need.standing, need.fix) == (Standing.NOT_OK, "run bin/manage migrate.")
    assert need.found.startswith("1 not applied")


def test_redis__that_may_evict_and_forget__is_not_ok(own_valkey: Valkey, settings: Settings) -> None:
    settings.REDIS_URL = own_valkey.url
    assert {need.standing for need in services.redis_server()} == {Standing.OK}
    with redis.Redis.from_url(own_valkey.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("appendonly", "no")
    needs = _by_name(services.redis_server())
    assert needs["Redis"].standing is Standing.OK
    assert needs["Redis persistence"].standing is Standing.NOT_OK
    assert needs["Redis eviction"].standing is Standing.NOT_OK
    assert "noeviction" in needs["Redis eviction"].fix


def test_workers__with_none_running__are_optional(own_valkey: Valkey, settings: Settings) -> None:
    settings.REDIS_URL = own_valkey.url
    (need,) = services.workers()
    assert need.standing is Standing.OPTIONAL


@pytest.mark.django_db
def test_doctor__with_a_need_that_is_not_ok__exits_with_one(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.STATIC_ROOT = tmp_path
    with pytest.raises(CommandError) as caught:
        call_command("doctor", "--json")
    assert caught.value.returncode == 1
    needs = {need["name"]: need for need in json.loads(capsys.readouterr().out)}
    assert needs["static files"]["standing"] == "not ok"
    assert needs["static files"]["fix"].startswith("run bin/setup")
    assert needs["Postgres"]["standing"] == "ok"


def test_doctor__with_both_servers_away__still_examines_the_rest(own_directory: Path) -> None:
    """The servers are named by the environment and nobody listens there."""
    done = subprocess.run(
        [sys.executable, PROJECT / "manage.py", "doctor"],
        env={
            **os.environ,
            "DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:1/none",
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "TILTYARD_STATE_DIR": str(own_directory),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    lines = done.stdout.splitlines()
    for name in ("Postgres", "migrations", "Redis", "workers"):
        assert any(line.startswith(f"not ok    {name}: could not be examined") for line in lines), name
    assert any(line.startswith("ok        Python: ") for line in lines)
    assert any(line.startswith("ok        packages of requirements.txt") for line in lines)
    assert "nothing@" not in done.stdout


def test_postgres_of_another_encoding__is_not_ok(own_postgres: Postgres, own_directory: Path) -> None:
    with psycopg.connect(own_postgres.url, autocommit=True) as server:
        server.execute("CREATE DATABASE narrow ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0")
    done = subprocess.run(
        [sys.executable, PROJECT / "manage.py", "doctor", "--json"],
        env={
            **os.environ,
            "DATABASE_URL": own_postgres.url.rpartition("/")[0] + "/narrow",
            "TILTYARD_STATE_DIR": str(own_directory),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    needs = {need["name"]: need for need in json.loads(done.stdout)}
    assert done.returncode == 1
    assert needs["Postgres encoding"]["standing"] == "not ok"
    assert needs["Postgres encoding"]["found"] == "LATIN1"
    assert needs["migrations"]["found"].partition(" ")[2].startswith("not applied")

"""Several edge processes on one port: each for itself, one file and one spool between them, one that dies replaced."""

import json
import os
import re
import secrets
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.edge.events import WAITING
from config.local.embedded import Postgres, Shutdown
from config.local.processes import (
    EVALUATION_THREADS,
    INTAKE_THREADS,
    Program,
    Role,
    count_in,
    edge,
    edge_workers,
    intake,
)
from config.local.supervisor import Site
from decisions.serving.settings import edge_settings
from decisions.serving.store import BundleFile
from tests.decisions.published import (
    CLIENT_KEY,
    catalogue_bytes,
    companion,
    decision_content,
    file_record,
    forget_files,
    point,
    publish,
    publish_files,
    published,
)
from tests.experiments.assignment.builders import experiment

WORKERS = 2
PROCESS = re.compile(r'cfg;desc="v(\d+)", proc;desc="(\d+)"')


def test_edge_workers__unset_or_senseless__is_one_a_core_but_one() -> None:
    assert [edge_workers({}, cores=cores) for cores in (1, 2, 8)] == [1, 1, 7]
    assert edge_workers({"TILTYARD_EDGE_WORKERS": "3"}, cores=2) == 3
    assert [edge_workers({"TILTYARD_EDGE_WORKERS": said}, cores=4) for said in ("0", "", "many")] == [1, 3, 3]


@pytest.mark.parametrize(
    ("kind", "role", "threads"), [(edge, "edge", EVALUATION_THREADS), (intake, "intake", INTAKE_THREADS)]
)
def test_programs__several_workers__share_a_port_are_replaced_and_know_their_number(
    kind: Callable[..., Program], role: str, threads: int
) -> None:
    program = kind(host="127.0.0.1", port=1, workers=4)

    assert {"--workers=4", f"--blocking-threads={threads}", "--respawn-failed-workers"} <= set(program.command)
    assert (program.name, program.environment) == (role, {"TILTYARD_EDGE_ROLE": role, "TILTYARD_EDGE_WORKERS": "4"})


def test_intake__threads__are_more_than_requests_with_events_may_be_under_way() -> None:
    assert edge_settings({}).connections + WAITING < INTAKE_THREADS


def test_count__unset_senseless_or_none__is_the_usual_one_or_at_least_one() -> None:
    said: tuple[dict[str, str], ...] = ({}, {"N": ""}, {"N": "many"}, {"N": "-1"}, {"N": "0"}, {"N": "3"})
    assert [count_in(environment, "N", otherwise=8) for environment in said] == [8, 8, 8, 8, 1, 3]


@pytest.fixture
def postgres(breakable_postgres: Postgres) -> Postgres:
    """Return a Postgres with a published decision point that needs no Redis."""
    forget_files(breakable_postgres.url)
    publish_files(breakable_postgres.url, catalogue_bytes())
    publish(breakable_postgres.url, bundle(version=1))
    return breakable_postgres


def bundle(*, version: int) -> Any:
    at = point(personal=False)
    content = decision_content(experiment(1), points=[at], catalogue=file_record(catalogue_bytes()), version=version)
    return published(content, companion())


@pytest.fixture
def site(postgres: Postgres, own_directory: Path) -> Iterator[Site]:
    """Return a running edge of two workers."""
    environment = {
        "DATABASE_URL": postgres.url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "TILTYARD_EDGE_WORKERS": str(WORKERS),
        "TILTYARD_EDGE_THREADS": str(EVALUATION_THREADS),
        "TILTYARD_EDGE_POLL_SECONDS": "0.1",
    }
    with Site(own_directory, environment=environment, roles=(Role.EDGE,)) as site:
        yield site


def ask(site: Site) -> tuple[str, int, str]:
    """Return id, bundle version and process of a decision, each asked for on a connection of its own."""
    request = urllib.request.Request(
        site.edge_url + "/v1/decisions/home",
        data=json.dumps({"units": {"visitor": "v-1"}}).encode(),
        headers={"X-API-Key": CLIENT_KEY, "X-Tiltyard-Debug": "1"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found = PROCESS.search(answer.headers["Server-Timing"])
        assert found is not None
        return json.loads(answer.read())["decision_id"], int(found[1]), found[2]


def ask_until(site: Site, holds: Callable[[list[tuple[str, int, str]]], bool], *, seconds: float = 60.0) -> list[Any]:
    """Ask until the answers are as they should be, and return all of them."""
    answers: list[tuple[str, int, str]] = []
    deadline = time.monotonic() + seconds
    while not holds(answers):
        assert time.monotonic() < deadline, "did not come true in time"
        answers.append(ask(site))
    return answers


def processes_in(answers: list[tuple[str, int, str]]) -> set[str]:
    return {process for _, _, process in answers}


def logged(postgres: Postgres, count: int) -> set[str]:
    deadline = time.monotonic() + 60
    while True:
        with psycopg.connect(postgres.url) as connection:
            rows = connection.execute("SELECT message_id FROM decisions_eventlog WHERE kind = 'decision'").fetchall()
        if len(rows) >= count or time.monotonic() > deadline:
            return {name for (name,) in rows}
        time.sleep(0.05)


@pytest.mark.slow
def test_workers__new_bundle__is_served_by_each_and_the_file_is_whole(
    postgres: Postgres, site: Site, own_directory: Path
) -> None:
    ask_until(site, lambda answers: len(processes_in(answers)) == WORKERS)

    publish(postgres.url, bundle(version=2))
    newest: dict[str, int] = {}

    def all_switched(answers: list[tuple[str, int, str]]) -> bool:
        newest.update({process: version for _, version, process in answers})
        return set(newest.values()) == {2} and len(newest) == WORKERS

    answers = ask_until(site, all_switched)

    for process in processes_in(answers):
        versions = [version for _, version, owner in answers if owner == process]
        assert versions == sorted(versions), "a process never goes back"
    assert [text.version for text in BundleFile(own_directory).read()] == [2]


@pytest.mark.slow
def test_workers__postgres_away_and_all_killed__their_decisions_reach_the_log_through_the_next_ones(
    postgres: Postgres, site: Site
) -> None:
    answers = ask_until(site, lambda answers: len(processes_in(answers)) == WORKERS)
    logged(postgres, len(answers))
    postgres.shut_down(Shutdown.IMMEDIATE)
    during = ask_until(site, lambda answers: len(processes_in(answers)) == WORKERS and len(answers) >= 30)
    deadline = time.monotonic() + 30
    while _on_disk(site) < len(during) and time.monotonic() < deadline:
        time.sleep(0.05)
    site.kill_process(Role.EDGE)
    site.start_process(Role.EDGE)
    site.wait_until_ready(Role.EDGE)
    postgres.start()
    after = ask_until(site, lambda answers: len(processes_in(answers)) == WORKERS)

    expected = {name for name, _, _ in (*answers, *during, *after)}
    assert logged(postgres, len(expected)) == expected


def _on_disk(site: Site) -> int:
    """Return how many rows the processes have spooled, as their counters say."""
    rows: dict[str, float] = {}
    for _ in range(40):
        with urllib.request.urlopen(site.edge_url + "/metrics", timeout=30) as answer:
            text = answer.read().decode()
        found = re.findall(r'tiltyard_decision_rows_total\{process="(\d+)",state="spooled"\} (\S+)', text)
        rows.update({process: float(count) for process, count in found})
    return int(sum(rows.values()))


@pytest.mark.slow
def test_workers__one_of_them_killed__the_other_answers_and_another_takes_its_place(site: Site) -> None:
    before = processes_in(ask_until(site, lambda answers: len(processes_in(answers)) == WORKERS))
    victim = min(before)

    os.kill(int(victim), signal.SIGKILL)
    fresh: set[str] = set()
    deadline = time.monotonic() + 60
    while not fresh and time.monotonic() < deadline:
        try:
            fresh = {ask(site)[2]} - before
        except (OSError, urllib.error.URLError):  # What lay in the queue of the one that died.
            time.sleep(0.05)

    assert fresh
    assert victim not in processes_in(ask_until(site, lambda answers: len(answers) >= 20))

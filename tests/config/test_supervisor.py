"""A site of real processes: started, reached, crashed, started again, ended without a trace."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from config.local.places import PROJECT
from config.local.processes import Role
from config.local.server import free_port
from config.local.supervisor import Site, SiteNotReady

pytestmark = pytest.mark.slow


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode()


def _eventually(condition: Callable[[], bool], *, seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site"), environment={}, roles=(Role.CONSOLE, Role.PROXY)) as site:
        yield site


def test_console__through_the_proxy__answers_and_sends_bodies(console: Site) -> None:
    assert _get(f"{console.url}/healthz/live") == (200, "ok\n")
    status, page = _get(f"{console.url}/admin/login/")
    assert status == 200
    assert "csrfmiddlewaretoken" in page
    assert console.url != console.console_url


def test_proxy__with_nobody_behind_it__answers_502(console: Site) -> None:
    assert _get(f"{console.url}/v1/assignments")[0] == 502


def test_process__that_crashed__is_started_again(console: Site) -> None:
    before = console.pids[Role.CONSOLE]
    children = psutil.Process(before).children(recursive=True)
    console.crash_process(Role.CONSOLE)
    assert _eventually(lambda: console.pids.get(Role.CONSOLE, before) != before)
    console.wait_until_ready(Role.CONSOLE)
    assert console.restarts[Role.CONSOLE] == 1
    assert children
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)


def test_process__that_was_killed_on_purpose__stays_away_until_it_is_started(console: Site) -> None:
    console.kill_process(Role.CONSOLE)
    time.sleep(1.5)
    assert Role.CONSOLE not in console.pids
    console.start_process(Role.CONSOLE)
    console.wait_until_ready(Role.CONSOLE)
    assert _get(f"{console.console_url}/healthz/live")[0] == 200


def test_site__wanted_port_taken__takes_a_free_one(tmp_path: Path) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        site = Site(tmp_path, environment={}, roles=(), ports={Role.EDGE: taken, Role.CONSOLE: 0})
        assert site.edge_url != f"http://127.0.0.1:{taken}"


def test_site__that_cannot_start__says_which_process_and_shows_its_log(tmp_path: Path) -> None:
    site = Site(tmp_path, environment={"DATABASE_URL": "mysql://x/y"}, roles=(Role.BEAT,))
    with pytest.raises(SiteNotReady) as caught:
        site.start()
    assert str(caught.value).startswith("beat does not become ready")
    assert "DATABASE_URL: must begin with postgresql://" in str(caught.value)
    assert site.pids == {}


def test_site__whose_starter_is_killed__ends_too(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom config.local.supervisor import Site\n"
        "site = Site(Path(sys.argv[1]), environment={}, roles=('console',))\n"
        "site.start()\nprint(site.pids['console'], flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        starter.send_signal(signal.SIGKILL)
    gone = lambda process: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE  # noqa: E731
    assert _eventually(lambda: all(map(gone, family)))


@pytest.mark.django_db(transaction=True)
def test_serve__until_interrupted__serves_the_whole_site_and_leaves_nothing_running(
    own_directory: Path, database_url: str
) -> None:
    ports = {role: free_port() for role in (Role.PROXY, Role.EDGE, Role.INTAKE, Role.CONSOLE)}
    command = [sys.executable, "-m", "config.local.serve", "--concurrency=1"]
    command += [f"--{role}-port={port}" for role, port in ports.items()]
    environment = {**os.environ, "DATABASE_URL": database_url, "TILTYARD_STATE_DIR": str(own_directory)}
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        lines = []
        for line in serving.stdout:
            lines.append(line)
            if line.startswith("All of it answers"):
                break
        site = f"http://127.0.0.1:{ports[Role.PROXY]}"
        assert any(re.match(rf"site +{re.escape(site)}$", line.rstrip()) for line in lines), lines
        assert _get(f"{site}/admin/login/")[0] == 200
        assert any(re.match(rf" +intake alone +\S+:{ports[Role.INTAKE]}$", line.rstrip()) for line in lines), lines
        for route in ("assignments", "batch"):
            assert _get(f"{site}/v1/{route}")[0] == 405
        family = psutil.Process(serving.pid).children(recursive=True)
        assert len(family) >= 9
        serving.send_signal(signal.SIGINT)
        rest = serving.stdout.read()
        assert serving.wait(60) == 0
    assert "Stopped." in rest
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family)

"""What the documents of the interfaces say, held against real processes with generated requests, by all checks."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.local import processes
from config.local.embedded import Postgres
from config.local.places import PROJECT
from config.local.processes import Role
from foundation.actions.projects import issue_api_key
from tests.chaos.edges import EdgeProcess
from tests.contracts.surroundings import publish_everything
from tests.decisions.published import SERVER_KEY, forget_files
from tests.fixtures.records import ACTOR, make_project
from tests.fixtures.site import MakeSite

pytestmark = pytest.mark.slow

SURROUNDINGS = Path(__file__).with_name("schemathesis.toml")
SEED = 20_260_301
FEW, MANY = 4, 300
FORMS = [FEW, pytest.param(MANY, marks=pytest.mark.nightly)]


def examine(document: str, url: str, key: str, *, examples: int) -> None:
    """Run Schemathesis over a document with a valid key; whatever it finds is shown with the seed."""
    command = [sys.executable, "-m", "schemathesis.cli", f"--config-file={SURROUNDINGS}", "run", document]
    command += [f"--url={url}", f"--seed={SEED}"]
    command += [f"--header=Authorization: Bearer {key}", "--checks=all", f"--max-examples={examples}", "--no-color"]
    command += ["--continue-on-failure", "--generation-database=none", "--suppress-health-check=all"]
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]


@pytest.fixture
def edge(breakable_postgres: Postgres, tmp_path: Path) -> Iterator[EdgeProcess]:
    """Return a running edge process in which every route finds something."""
    forget_files(breakable_postgres.url)
    publish_everything(breakable_postgres)
    environment = {
        **os.environ,
        "DATABASE_URL": breakable_postgres.url,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "TILTYARD_STATE_DIR": str(tmp_path),
    }
    process = EdgeProcess("edge", tmp_path, environment)
    process.start()
    process.wait_until_ready()
    yield process
    processes.end_all([process.process], seconds=20)


@pytest.mark.parametrize("examples", FORMS)
def test_edge__generated_requests__are_answered_as_its_document_says(edge: EdgeProcess, examples: int) -> None:
    examine("docs/openapi.yaml", f"http://127.0.0.1:{edge.port}", SERVER_KEY, examples=examples)


@pytest.mark.parametrize("examples", FORMS)
def test_console__generated_requests__are_answered_as_its_schema_says(make_site: MakeSite, examples: int) -> None:
    project_id = make_project()
    key = issue_api_key(project_id=project_id, kind="server", name="shop", acting_user=ACTOR, now=datetime.now(UTC))
    site = make_site(roles=(Role.CONSOLE,))
    examine(f"{site.console_url}/api/schema", site.console_url, key.secret, examples=examples)

"""The examples of docs/events.md run as they are printed, against a real edge, and do what the page says."""

import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection

from decisions.actions.publishing import publish_bundle
from foundation.actions.projects import issue_api_key
from tests.architecture.source import PROJECT
from tests.fixtures.material import missing
from tests.fixtures.messages import unit_of
from tests.fixtures.records import ACTOR, make_project, make_running

pytestmark = pytest.mark.slow

BASH = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run_page(page: Path, *, folder: Path, **environment: str) -> list[str]:
    """Run the bash blocks of a page one after the other in one shell and return what each printed."""
    blocks = BASH.findall(page.read_text())
    script = "set -euo pipefail\n" + "\nprintf '\\n---\\n'\n".join(blocks)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.split("\n---\n")
    assert len(printed) == len(blocks)
    return printed


def need_tools(*names: str) -> None:
    """Skip where a program that the examples call is not there; fail where it must be."""
    absent = [name for name in names if shutil.which(name) is None]
    if absent:
        missing(f"{', '.join(absent)}, which the examples call,", "Install it.")


def test_events_page__its_examples__assign_expose_and_track(make_site, tmp_path: Path):
    need_tools("bash", "curl", "gzip", "python3")
    now = datetime.now(UTC)
    project_id = make_project(now=now)
    make_running(project_id, now=now)
    key = issue_api_key(project_id=project_id, kind="client", name="Storefront", acting_user=ACTOR, now=now)
    version = publish_bundle(project_id=project_id)
    site = make_site(roles=("edge",))
    page = PROJECT / "docs" / "events.md"

    first = [json.loads(text) for text in run_page(page, folder=tmp_path, EDGE=site.edge_url, KEY=key.secret)]
    assigned, exposed, tracked, compressed = first
    (assignment,) = assigned["assignments"]
    assert (assignment["experiment"], assignment["enrolled"]) == ("button", True)
    assert assigned["bundle_version"] == version
    assert [answer["accepted"] for answer in (exposed, tracked, compressed)] == [1, 2, 1]

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT message_id, visitor, enrolments FROM decisions_eventlog WHERE project_id = %s", [project_id]
        )
        stored = {message_id: (visitor, enrolments) for message_id, visitor, enrolments in cursor.fetchall()}
    assert len(stored) == 4
    assert {visitor for visitor, _ in stored.values()} == {unit_of(project_id, "visitor-1001")}
    (enrolment,) = json.loads(stored["exposure-button-visitor-1001"][1])
    assert (enrolment["verification"], enrolment["reason"]) == ("TOKEN", None)
    assert enrolment["variant"] == assignment["variant"]

"""The examples of docs/calculator.md run as they are printed, against a real console."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from foundation.actions.projects import issue_api_key
from tests.architecture.source import PROJECT
from tests.fixtures.records import ACTOR, make_project
from tests.journeys.test_documented_calls import need_tools, run_page

pytestmark = pytest.mark.slow


def test_calculator_page__its_examples__plan_and_compare(make_site, tmp_path: Path):
    need_tools("curl")
    now = datetime.now(UTC)
    project_id = make_project(now=now)
    key = issue_api_key(project_id=project_id, kind="server", name="Planner", acting_user=ACTOR, now=now)
    site = make_site(roles=("console",))
    page = PROJECT / "docs" / "calculator.md"

    told = [json.loads(text) for text in run_page(page, folder=tmp_path, CONSOLE=site.console_url, KEY=key.secret)]
    weeks, revenue, conversions, ratio = told
    assert (weeks["asked"], weeks["days"]) == ("UNITS", 28)
    assert (revenue["asked"], len(revenue["guardrails"])) == ("LIFT", 1)
    assert conversions["comparisons"][0]["estimator"] == "SCORE"
    assert conversions["sample_ratio"]["mismatch"] is False
    assert ratio["comparisons"][0]["estimator"] == "LINEARISED_RATIO"

"""History from a file: stored by the checks of the edge, counted, and the same file again changes nothing."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from decisions.actions.backfilling import backfill
from decisions.actions.publishing import publish_bundle
from decisions.queries.intake import intake_days
from tests.fixtures.records import make_project

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _empty_log() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE decisions_eventlog")


def history(path: Path, *, zipped: bool) -> Path:
    """Write 1 200 good lines, an empty one, and two that cannot be stored."""
    now = datetime.now(UTC)
    lines = [
        json.dumps(
            {
                "type": "track",
                "messageId": f"h-{number}",
                "userId": f"c-{number % 50}",
                "event": "Order Completed",
                "timestamp": (now - timedelta(days=30 + number % 5)).isoformat(),
                "properties": {"order_id": f"o-{number}", "revenue": 10},
            }
        )
        for number in range(1_200)
    ]
    raw = "\n".join([*lines, "", "{", '{"type":"track","messageId":"x"}']).encode()
    path.write_bytes(gzip.compress(raw) if zipped else raw)
    return path


@pytest.mark.parametrize("zipped", [False, True])
def test_backfill__a_file__is_stored_as_history_and_counted_once(tmp_path: Path, zipped: bool):
    project_id = make_project()
    publish_bundle(project_id=project_id)
    path = history(tmp_path / "events", zipped=zipped)

    first = backfill(project_key="shop", path=path, now=datetime.now(UTC))
    again = backfill(project_key="shop", path=path, now=datetime.now(UTC))

    assert (first.lines, first.statuses) == (1_202, {"accepted": 1_200, "duplicate": 0, "rejected": 2})
    assert first.rejections == {"MALFORMED": 1, "UNIT_MISSING": 1}
    assert again.statuses == {"accepted": 0, "duplicate": 1_200, "rejected": 2}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, count(*), count(DISTINCT day) FROM decisions_eventlog WHERE project_id = %s GROUP BY kind",
            [project_id],
        )
        assert cursor.fetchall() == [("history", 1_200, 5)]
    today = datetime.now(UTC).date()
    days = intake_days(project_id, first=today - timedelta(days=1), last=today)
    assert (sum(day.received for day in days), sum(day.unaccounted for day in days)) == (2_404, 0)


def test_command__without_bundle_or_file__says_what_is_missing(tmp_path: Path):
    project_id = make_project()
    path = history(tmp_path / "events", zipped=False)
    with pytest.raises(CommandError, match="no published bundle"):
        call_command("backfill", "shop", str(path))
    publish_bundle(project_id=project_id)
    with pytest.raises(CommandError, match="No such file"):
        call_command("backfill", "shop", str(tmp_path / "nothing"))

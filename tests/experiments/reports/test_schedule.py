"""The schedule of an experiment by period, downloaded from its readout."""

import csv
import io

import pytest
from django.test import Client

from tests.fixtures.cells import make_by_period, planned
from tests.fixtures.records import make_project, make_running

pytestmark = pytest.mark.django_db


def test_download__schedule_that_was_handed_out__is_the_same_file_as_the_command_writes(admin_client: Client):
    experiment_id = make_by_period(make_project())
    assert admin_client.get("/x/button/schedule.csv").status_code == 404
    assert "schedule.csv" not in admin_client.get("/x/button").content.decode()
    cells = planned(experiment_id, ["a", "b"], 4)
    assert "/x/button/schedule.csv" in admin_client.get("/x/button").content.decode()
    answer = admin_client.get("/x/button/schedule.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["unit"], int(row["period"]), row["variant"]) for row in rows] == [
        (cell.unit, cell.period, cell.variant) for cell in cells
    ]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="shop-button-schedule.csv"'


def test_download__nobody_logged_in_or_no_periods__is_not_given(client: Client, admin_client: Client):
    make_running(make_project())
    assert client.get("/x/button/schedule.csv").status_code == 302
    assert admin_client.get("/x/button/schedule.csv").status_code == 404

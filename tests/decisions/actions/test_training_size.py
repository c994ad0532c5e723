"""A training on a million interactions, in a process of its own: what it holds in memory at most."""

import logging
import os
import subprocess
import sys
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import connection

from config.local.places import PROJECT
from decisions.actions.training import order_training
from foundation.models import Job
from models_registry.actions.training import TrainingOrder
from models_registry.queries.runs import run_by_id
from models_registry.vocabulary import RunState
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import make_model

pytestmark = [pytest.mark.nightly, pytest.mark.django_db(transaction=True)]

ROWS, UNITS, ITEMS = 1_000_000, 60_000, 20_000
MOST_MB = 4_096
RUN_JOB = "import sys, django; django.setup(); from workers import runner; runner.run(job_id=int(sys.argv[1]))"

# Unit n likes the items of its own tenth; three of four views are of those, and lower numbers are the popular ones.
_FILL = """
INSERT INTO decisions_eventlog (project_id, day, message_id, received_at, kind, event, occurred_at, corrected_at,
                                visitor, item, properties)
SELECT %(project)s, at::date, 'm' || n, at, 'track', 'Product Viewed', at, at, md5('u' || unit),
    'i' || (CASE WHEN random() < 0.75 THEN unit %% 10 ELSE floor(random() * 10) END
            + 10 * floor(%(items)s / 10 * random() ^ 2)), '{}'
FROM (
    SELECT n, floor(%(units)s * random())::integer AS unit,
        %(end)s::timestamptz - random() * interval '27 days' - interval '1 hour' AS at
    FROM generate_series(1, %(rows)s) AS n
) AS drawn
"""


def fill(project: int) -> None:
    """Log a million views of the last four weeks."""
    with connection.cursor() as cursor:
        for days in range(30):
            day = (NOW - timedelta(days=days)).date()
            cursor.execute("SELECT tiltyard_ensure_partition('decisions_eventlog', %s)", [day])
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(_FILL, {"project": project, "rows": ROWS, "units": UNITS, "items": ITEMS, "end": NOW})


def test_train__a_million_interactions__fits_into_the_memory_that_is_allowed():
    project = make_project()
    model = make_model(project)
    fill(project)
    order = TrainingOrder(recipe="item_item", data_start=NOW - timedelta(days=28), data_end=NOW)
    run_id = order_training(model_id=model, order=order, acting_user=ACTOR, now=NOW)
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    job = str(Job.objects.get(kind="train").pk)
    worker = subprocess.Popen(
        [sys.executable, "-c", RUN_JOB, job], cwd=PROJECT, env={**os.environ, "DATABASE_URL": url}
    )
    _, status, usage = os.wait4(worker.pid, 0)
    assert status == 0
    run = run_by_id(run_id)
    assert run.state in (RunState.SUCCEEDED, RunState.REFUSED), run.error
    assert run.dataset["rows"] == ROWS
    logging.getLogger(__name__).info(
        "peak %.0f MiB, %.0f s of processor", usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime
    )
    assert usage.ru_maxrss / 1024 < MOST_MB

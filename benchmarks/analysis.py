"""Seconds from 200 000 exposures and 1 000 000 outcomes in Postgres to a scorecard with 20 metrics.

The ratio compares with one bare pass over the same rows: joining outcomes to exposures and counting them.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from benchmarks.database import own_database

UNITS = 200_000
OUTCOMES = 1_000_000
METRICS = 20
RUNS = 5
START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=28)


def main() -> int:
    """Print the measurement as JSON."""
    with own_database("analysis"):
        experiment_id = _fill()
        from experiments.actions.analysis import derive
        from experiments.queries.designs import run_facts
        from experiments.queries.plans import plan_of

        run, plan = run_facts(experiment_id), plan_of(experiment_id)

        def scorecard() -> None:
            derive(run=run, plan=plan, window_end=END, received_before=END, past=[])

        taken, bare = _times(scorecard), _times(lambda: _bare(experiment_id))
    print(
        json.dumps(
            {
                "benchmark": "analysis",
                "exposures": UNITS,
                "outcomes": OUTCOMES,
                "metrics": METRICS,
                "seconds_to_scorecard": statistics.median(taken),
                "seconds_all_runs": taken,
                "seconds_bare_join": statistics.median(bare),
                "ratio_to_bare_join": statistics.median(taken) / statistics.median(bare),
            }
        )
    )
    return 0


def _times(work: Callable[[], None]) -> list[float]:
    work()
    taken = []
    for number in range(RUNS):
        start = time.perf_counter()
        work()
        taken.append(round(time.perf_counter() - start, 3))
        print(f"  run {number + 1} of {RUNS}: {taken[-1]} s", file=sys.stderr)
    return taken


def _fill() -> int:
    """Create an experiment whose evidence is drawn by the database, and return its id."""
    from django.db import connection

    from experiments.actions import lifecycle
    from experiments.actions.design import (
        ExperimentDraft,
        MetricDefinition,
        MetricDraft,
        VariantDraft,
        create_experiment,
        create_metric,
    )
    from foundation.actions.projects import create_project

    print("  filling", file=sys.stderr)
    project_id = create_project(key="bench", name="Bench", currency="USD", acting_user="bench", now=START)
    metrics = []
    for index in range(METRICS):
        money = index % 2 == 1
        definition = MetricDefinition(
            key=f"m{index}",
            name=f"Metric {index}",
            kind="SUM" if money else "CONVERSION",
            numerator_events=[f"Event {index % 10}"],
            numerator_what="SUM_VALUE" if money else "ANY",
            cap_micros=500_000_000 if money else None,
            covariate_days=14,
        )
        metrics.append(create_metric(project_id=project_id, definition=definition, acting_user="bench", now=START))
    experiment_id = create_experiment(
        project_id=project_id,
        draft=ExperimentDraft(
            key="bench",
            name="Bench",
            hypothesis="It is fast.",
            variants=[
                VariantDraft("control", "Control", 500_000, control=True),
                VariantDraft("treatment", "Treatment", 500_000),
            ],
            metrics=[
                MetricDraft(metric, "DECISION" if index < 2 else "SECONDARY") for index, metric in enumerate(metrics)
            ],
        ),
        acting_user="bench",
        now=START,
    )
    lifecycle.submit(experiment_id=experiment_id, acting_user="bench", now=START)
    lifecycle.launch(experiment_id=experiment_id, acting_user="bench", now=START)
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(
            "INSERT INTO experiments_firstexposure (experiment_id, unit, variant_id, epoch, probability, exposed_at,"
            " received_at, message_id, verification)"
            " SELECT %s, 'unit-' || n, (SELECT array_agg(id ORDER BY id) FROM experiments_variant"
            " WHERE experiment_id = %s)[1 + n %% 2], 1, 0.5, at, at, 'e' || n, 'TOKEN'"
            " FROM (SELECT n, %s + random() * interval '20 days' AS at FROM generate_series(1, %s) n) drawn",
            [experiment_id, experiment_id, START, UNITS],
        )
        for day in range(-14, 29):
            date = (START + timedelta(days=day)).date()
            cursor.execute("SELECT tiltyard_ensure_partition('experiments_outcome', %s)", [date])
        cursor.execute(
            "INSERT INTO experiments_outcome (project_id, day, message_id, line, event, occurred_at, received_at,"
            " visitor, value, quantity)"
            " SELECT %s, (at AT TIME ZONE 'UTC')::date, 'o' || n, 0, 'Event ' || floor(random() * 10), at, at,"
            " 'unit-' || (1 + floor(random() * %s)), floor(exp(random() * 8) * 1000000), 1"
            " FROM (SELECT n, %s + (random() * 42 - 14) * interval '1 day' AS at FROM generate_series(1, %s) n) drawn",
            [project_id, UNITS, START, OUTCOMES],
        )
        cursor.execute("ANALYZE")
    return experiment_id


def _bare(experiment_id: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT variant_id, count(*), sum(value) FROM experiments_firstexposure e"
            " JOIN experiments_outcome o ON o.visitor = e.unit WHERE e.experiment_id = %s GROUP BY 1",
            [experiment_id],
        )
        cursor.fetchall()


if __name__ == "__main__":
    sys.exit(main())

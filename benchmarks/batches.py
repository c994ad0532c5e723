"""A batch of 100 000 orders of items in stores on one core, from the tables to the tables. Prints one JSON object.

Half of the cells of a running experiment follow a fixed rule. The bare limit is the same rows of the event log copied
into a table without anything else; `subjects`, `deciding` and `writing` are the parts of the whole.
"""

import config.arithmetic  # noqa: F401 - before NumPy is imported, so that it has one thread, as where it serves

# isort: split
import json
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, NamedTuple, TypeVar

from benchmarks.database import own_database

STORES, ITEMS = 200, 500
LIMIT_SECONDS: Final = 60.0
LIMIT_MILLISECONDS: Final = 1.0

Result = TypeVar("Result")


def main() -> int:
    """Measure, print, and return 1 when the batch takes longer than promised."""
    stores = int(sys.argv[1]) if len(sys.argv) > 1 else STORES
    with own_database("batches"):
        result = _measured(stores)
    print(json.dumps(result))
    return 0 if result["kept"] else 1


def _measured(stores: int) -> dict[str, Any]:
    from django.db import connection, transaction

    from benchmarks.batch_material import BEGUN, make_chain, make_point, start_trial
    from decisions.actions import batches
    from decisions.actions.batch_rows import stage_events
    from decisions.actions.publishing import publish_bundle
    from decisions.queries.subjects import subjects_of
    from decisions.registry import domain_of

    project = make_chain(stores=stores, items=ITEMS)
    point = make_point(project)
    start_trial(project, point)
    publish_bundle(project_id=project)
    at = BEGUN + timedelta(minutes=1)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    subjects, reading = _timed(lambda: subjects_of(project, domain_of("restock"), at=at))
    effect, making = _timed(lambda: batches.make_batch(point_id=point, due_at=BEGUN, now=at))

    def write() -> None:
        with transaction.atomic():
            effect(at)

    def copy() -> None:
        with transaction.atomic():
            stage_events(lines)

    _, writing = _timed(write)
    lines = _logged()
    _, bare = _timed(copy)
    count = len(subjects.items)
    # What other work of a machine adds is left out where only this process computes; Postgres has what it takes.
    deciding = making.processor - reading.processor
    total = reading.wall + deciding + writing.wall
    limit = LIMIT_SECONDS * count / (STORES * ITEMS)
    return {
        "benchmark": "batches",
        "decisions": count,
        "seconds": {
            "total": round(total, 2),
            "subjects": round(reading.wall, 2),
            "deciding": round(deciding, 2),
            "writing": round(writing.wall, 2),
        },
        "wall_seconds": round(making.wall + writing.wall, 2),
        "milliseconds_each": round(1e3 * deciding / count, 4),
        "times_bare_copy": round(total / bare.wall, 1),
        "limits": {"seconds": limit, "milliseconds_each": LIMIT_MILLISECONDS},
        "kept": total < limit and 1e3 * deciding / count < LIMIT_MILLISECONDS,
    }


def _logged() -> list[str]:
    """Return the rows of the event log as lines for COPY."""
    from django.db import connection

    from decisions.ingest.rows import COLUMNS
    from decisions.ingest.writer import TABLE

    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY (SELECT {', '.join(COLUMNS)} FROM {TABLE}) TO STDOUT") as copy,
    ):
        return b"".join(copy).decode().split("\n")[:-1]


class Taken(NamedTuple):
    """Seconds that passed, and seconds of the processor."""

    wall: float
    processor: float


def _timed(work: Callable[[], Result]) -> tuple[Result, Taken]:
    """Return what the work gives, and the seconds and the processor's seconds that it took."""
    started, used = time.perf_counter(), time.process_time()
    found = work()
    return found, Taken(time.perf_counter() - started, time.process_time() - used)


if __name__ == "__main__":
    sys.exit(main())

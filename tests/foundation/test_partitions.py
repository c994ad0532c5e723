import threading
from datetime import date, timedelta

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db(transaction=True)

PARENT = "experiments_outcome"
FIRST = date(2031, 1, 1)


def partitions() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass ORDER BY 1", [PARENT]
        )
        return [row[0] for row in cursor.fetchall() if "_y2031" in row[0]]


def ensure(day: date) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tiltyard_ensure_partition(%s, %s)", [PARENT, day])
        return cursor.fetchone()[0]


@pytest.fixture(autouse=True)
def _no_partitions_left():
    yield
    with connection.cursor() as cursor:
        for name in partitions():
            cursor.execute(f"DROP TABLE {name}")


def test_ensure_partition__new_day__is_made_once():
    assert ensure(FIRST) is True
    assert ensure(FIRST) is False
    assert partitions() == ["experiments_outcome_y2031m01d01"]


def test_ensure_partition__six_sessions_want_the_same_days__nobody_fails():
    days = [FIRST + timedelta(days=number) for number in range(15)]
    barrier = threading.Barrier(6)
    made: list[date] = []
    failures: list[Exception] = []

    def work() -> None:
        try:
            connection.ensure_connection()
            barrier.wait()
            made.extend(day for day in days if ensure(day))
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must know
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(made) == days
    assert len(partitions()) == 15

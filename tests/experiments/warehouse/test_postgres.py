"""Running an expression: whatever the planner believes, and without leaving a trace in the session."""

import ibis
import pytest
from django.db import connection

from experiments.warehouse.postgres import rows

pytestmark = pytest.mark.django_db


def setting() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_nestloop")
        return cursor.fetchone()[0]


def test_rows__of_a_query__avoid_nested_loops_for_that_query_alone():
    table = ibis.table({"name": "string", "setting": "string"}, name="pg_settings")
    found = rows(table.filter(table.name == "enable_nestloop").select("setting"))
    assert found == [{"setting": "off"}]
    assert setting() == "on"


def test_rows__of_a_query_that_fails__leave_the_session_as_it_was():
    from django.db import DatabaseError, transaction

    with pytest.raises(DatabaseError), transaction.atomic():
        rows(ibis.table({"x": "int64"}, name="there_is_no_such_table"))
    assert setting() == "on"

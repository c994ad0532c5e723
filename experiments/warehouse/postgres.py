"""Runs an Ibis expression on the database of the records, inside the caller's transaction."""

from typing import Any

import ibis
from django.db import connection, transaction
from ibis import Table


def rows(expression: Table) -> list[dict[str, Any]]:
    """Return the rows of an expression as dictionaries.

    Tables that fill faster than their statistics are renewed look empty to the planner, and a nested loop over what it
    takes for a handful of rows runs for minutes. Joins of moments are hash joins, whatever it believes.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(sql(expression))
        names = [column.name for column in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        cursor.execute("RESET enable_nestloop")
        return found


def sql(expression: Table) -> str:
    """Return the statement that the database runs."""
    return str(ibis.to_sql(expression, dialect="postgres", pretty=True))

"""Runs an Ibis expression on the database of the records, inside the caller's transaction."""

from typing import Any

import ibis
from django.db import connection
from ibis import Table


def rows(expression: Table) -> list[dict[str, Any]]:
    """Return the rows of an expression as dictionaries."""
    with connection.cursor() as cursor:
        cursor.execute(sql(expression))
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def sql(expression: Table) -> str:
    """Return the statement that the database runs."""
    return str(ibis.to_sql(expression, dialect="postgres", pretty=True))

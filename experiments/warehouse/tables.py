"""The evidence tables as Ibis sees them."""

import ibis
from ibis import Schema, Table

EXPOSURE = Schema.from_tuples(
    [
        ("experiment_id", "int64"),
        ("unit", "string"),
        ("variant_id", "int64"),
        ("epoch", "int64"),
        ("exposed_at", "timestamp('UTC')"),
        ("received_at", "timestamp('UTC')"),
        ("message_id", "string"),
        ("verification", "string"),
        ("attributes", "json"),
    ]
)

FILTERED_UNIT = Schema.from_tuples(
    [
        ("project_id", "int64"),
        ("filter_key", "string"),
        ("unit", "string"),
        ("received_at", "timestamp('UTC')"),
    ]
)

OUTCOME = Schema.from_tuples(
    [
        ("project_id", "int64"),
        ("day", "date"),
        ("message_id", "string"),
        ("line", "int64"),
        ("event", "string"),
        ("occurred_at", "timestamp('UTC')"),
        ("received_at", "timestamp('UTC')"),
        ("visitor", "string"),
        ("customer", "string"),
        ("session", "string"),
        ("item", "string"),
        ("store", "string"),
        ("cluster", "string"),
        ("value", "int64"),
        ("quantity", "int64"),
        ("order_id", "string"),
    ]
)

IDENTITY_LINK = Schema.from_tuples(
    [
        ("project_id", "int64"),
        ("customer", "string"),
        ("visitor", "string"),
        ("received_at", "timestamp('UTC')"),
    ]
)

EXTERNAL_UNIT = Schema.from_tuples(
    [
        ("experiment_id", "int64"),
        ("unit", "string"),
        ("variant_id", "int64"),
        ("cluster", "string"),
        ("dimensions", "json"),
        ("totals", "array<int64>"),
        ("covariates", "array<int64>"),
    ]
)


def exposures() -> Table:
    """Return the table of first exposures."""
    return ibis.table(EXPOSURE, name="experiments_firstexposure")


def filtered_units() -> Table:
    """Return the table of units on filters' lists."""
    return ibis.table(FILTERED_UNIT, name="experiments_filteredunit")


def outcomes() -> Table:
    """Return the table of outcomes."""
    return ibis.table(OUTCOME, name="experiments_outcome")


def identity_links() -> Table:
    """Return the table of the visitors that customers were."""
    return ibis.table(IDENTITY_LINK, name="experiments_identitylink")


def external_units() -> Table:
    """Return the table of units recorded elsewhere."""
    return ibis.table(EXTERNAL_UNIT, name="experiments_externalunit")

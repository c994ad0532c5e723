"""Where Redis keeps what units met: written by the worker from first exposures, read by the edge.

Of a unit, a hash of experiment -> "epoch variant", for sticky experiments alone. Of a customer, a hash of experiment ->
"visitor variant", what the visitors met that the customer is known to be. A mark says that all of an experiment, or all
customers of a project, have been written; it does not outlive what it speaks of.
"""

UNITS_KEPT_SECONDS = 60 * 24 * 3600
MARKS_KEPT_SECONDS = 30 * 24 * 3600
FRESH_SECONDS = 15 * 24 * 3600
"""A mark with less time left than this is renewed, with everything that it speaks of."""


def met_key(project_id: int, unit_kind: str, unit: str) -> str:
    """Return the key of what a unit (by its stored id) met."""
    return f"tiltyard:met:{project_id}:{unit_kind}:{unit}"


def met_mark(project_id: int, experiment_id: int) -> str:
    """Return the key that is there while every exposed unit of an experiment is."""
    return f"tiltyard:met:{project_id}:whole:{experiment_id}"


def linked_key(project_id: int, customer: str) -> str:
    """Return the key of what the visitors of a customer (by the stored id) met."""
    return f"tiltyard:linked:{project_id}:{customer}"


def linked_mark(project_id: int) -> str:
    """Return the key that is there while every customer with a known visitor is."""
    return f"tiltyard:links-whole:{project_id}"


def written_key(project_id: int) -> str:
    """Return the key of the receipt time up to which everything projected has been written without a hole."""
    return f"tiltyard:met:{project_id}:until"


def filling_key(project_id: int) -> str:
    """Return the key that is there while everything is written, so that a loss in between shows."""
    return f"tiltyard:met:{project_id}:filling"

"""Where Redis keeps what a unit dealt with: written by the worker from the event log, read by the edge.

Both are sorted sets of item ids by the project time (seconds since 1970) at which the unit last dealt with them.
"""

LONGEST_HISTORY = 50
LONGEST_BOUGHT = 500
KEPT_SECONDS = 60 * 24 * 3600


def seen_key(project_id: int, unit_kind: str, unit: str) -> str:
    """Return the key of the items that a unit (by its stored id) viewed, put into the cart or bought."""
    return f"tiltyard:features:{project_id}:{unit_kind}:{unit}:seen"


def bought_key(project_id: int, unit_kind: str, unit: str) -> str:
    """Return the key of the items that a unit (by its stored id) bought."""
    return f"tiltyard:features:{project_id}:{unit_kind}:{unit}:bought"

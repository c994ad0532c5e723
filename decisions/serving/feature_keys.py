"""Where Redis keeps what a unit dealt with: written by the worker from the event log, read by the edge.

All are sorted sets by project time (seconds since 1970): of item ids by when the unit last dealt with them, and of
showings, each an action and the decision or message that tells of it.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

LONGEST_HISTORY = 50
LONGEST_BOUGHT = 500
LONGEST_SHOWN = 500
KEPT_SECONDS = 60 * 24 * 3600


def seen_key(project_id: int, unit_kind: str, unit: str) -> str:
    """Return the key of the items that a unit (by its stored id) viewed, put into the cart or bought."""
    return f"tiltyard:features:{project_id}:{unit_kind}:{unit}:seen"


def bought_key(project_id: int, unit_kind: str, unit: str) -> str:
    """Return the key of the items that a unit (by its stored id) bought."""
    return f"tiltyard:features:{project_id}:{unit_kind}:{unit}:bought"


def shown_key(project_id: int, unit_kind: str, unit: str) -> str:
    """Return the key of what was shown to a unit (by its stored id)."""
    return f"tiltyard:features:{project_id}:{unit_kind}:{unit}:shown"


_BETWEEN: Final = "\0"
"""Stands in no id: neither Postgres nor the edge take it."""


def showing(action: str, told_by: str) -> str:
    """Return the one member for an action that a decision or message showed: told twice, it counts once."""
    return f"{action}{_BETWEEN}{told_by}"


def times_shown(showings: Iterable[str]) -> dict[str, int]:
    """Return how often each action was shown; the same showing under several units of a person counts once."""
    return Counter(member.partition(_BETWEEN)[0] for member in set(showings))

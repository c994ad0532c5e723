"""What is particular to learning policies while serving: who is held back from them, and their chance."""

from typing import Final

from xxhash import xxh3_64_intdigest

from decisions.serving.points import LearnerRecord
from experiments.assignment.bucketing import SLOTS, draw_slot

_HOLDBACK: Final = "holdback"
_DRAW: Final = "draw"


def is_held_back(learner: LearnerRecord, unit: bytes | None) -> bool:
    """Return whether a unit (its id in UTF-8) always gets the baseline, to compare with; never where there is none."""
    if unit is None:
        return False
    return draw_slot(f"{learner.salt}.{_HOLDBACK}.".encode(), unit) < learner.holdback * SLOTS


def seed_of(learner: LearnerRecord, decision_id: str) -> int:
    """Return the seed of a decision's draws, below 2^64; nobody who lacks the salt can tell it from the id."""
    return xxh3_64_intdigest(f"{learner.salt}.{_DRAW}.{decision_id}".encode())

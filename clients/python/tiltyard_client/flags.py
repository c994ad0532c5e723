"""Flags evaluated in process: the value that the experiments of a flag give these units, or the flag's default."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from experiments.assignment.flags import contenders, deciding, serves_variant, value_of
from experiments.assignment.snapshot import Assignment
from experiments.vocabulary import FlagKind
from tiltyard_client.held import HeldBundle
from tiltyard_client.local import assign_locally


class FlagAnswer(NamedTuple):
    """What a flag is for the units. `assignment` is what decided, None where no experiment has a claim on them."""

    key: str
    kind: FlagKind
    value: object
    assignment: Assignment | None

    @property
    def variant(self) -> str | None:
        """The variant that serves, None where the flag keeps its default."""
        if self.assignment is None or not serves_variant(self.assignment.answer):
            return None
        return self.assignment.variant


def evaluate_flag(
    held: HeldBundle, key: str, units: Mapping[str, str], attributes: Mapping[str, object], *, personalised: bool
) -> FlagAnswer | None:
    """Return what a flag is now, None where the bundle has none of this key. Enrols nobody."""
    flag = held.snapshot.flags.get(key)
    if flag is None:
        return None
    keys = contenders(flag, units)
    given = assign_locally(held, units, attributes, keys=keys, personalised=personalised) if keys else ()
    chosen = deciding(given)
    text = flag.default if chosen is None else value_of(flag, chosen.answer)
    return FlagAnswer(key, flag.kind, json.loads(text), chosen)

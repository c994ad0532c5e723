"""What is the same for every decision about a catalogue of creatives: its fields as arrays, read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.domains.ad_placement.features import (
    CAMPAIGN,
    CATEGORY,
    PAYS,
    PER_ORDER,
    SLOT,
    TITLE,
    creative_numbers,
    finite_or,
    seconds_of,
)
from decisions.moment import Bools, Catalogue
from decisions.policy import Indices

PACE: Final = "pace"
SPENT_OUT: Final = "spent_out"
"""Columns that the pacing of campaigns adds to a published catalogue, outside of budget splits; for an arm of one
they are named `pace@<experiment id>.<variant>`."""
KEPT_BOARDS: Final = 4

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """Columns parallel to the catalogue's creatives.

    campaigns: codes, -1 where none is named. slots: codes of slot_names, -1 for a creative that fits every slot. bids:
    currency units, 0 where none. starts, ends: seconds since 1970; the flight is [starts, ends). divisors, open: by
    arm, 1 + the campaign's multiplier and whether its budget lasts.
    """

    campaigns: Indices
    slots: Codes
    slot_names: Mapping[str, int]
    bids: Floats
    per_order: Bools
    starts: Floats
    ends: Floats
    divisors: Mapping[str, Floats]
    open: Mapping[str, Bools]

    def divisor(self, arm: str) -> Floats:
        """Return by what values are divided in an arm; an arm without a pace of its own has that outside of arms."""
        return self.divisors.get(arm, self.divisors[""])

    def lasts(self, arm: str) -> Bools:
        """Return whether the budget of each creative's campaign lasts in an arm."""
        return self.open.get(arm, self.open[""])


@lru_cache(maxsize=KEPT_BOARDS)
def board_of(catalogue: Catalogue) -> Board:
    """Return the board of a catalogue; catalogues are told apart by identity, as they never change."""
    campaigns, _ = _codes(texts(catalogue, CAMPAIGN))
    slots, slot_names = _codes(texts(catalogue, SLOT))
    arms = ("", *(name.partition("@")[2] for name in catalogue.fields if name.startswith(f"{PACE}@")))
    return Board(
        campaigns=campaigns.astype(np.int64),
        slots=slots,
        slot_names=slot_names,
        bids=np.maximum(0.0, finite_or(numbers(catalogue, "bid"), 0.0)),
        per_order=np.array([pays == PER_ORDER for pays in texts(catalogue, PAYS)], dtype=np.bool_),
        starts=_moments(texts(catalogue, "starts"), otherwise=-np.inf, unreadable=np.inf),
        ends=_moments(texts(catalogue, "ends"), otherwise=np.inf, unreadable=-np.inf),
        divisors={arm: 1.0 + np.maximum(0.0, finite_or(numbers(catalogue, _of_arm(PACE, arm)), 0.0)) for arm in arms},
        open={arm: finite_or(numbers(catalogue, _of_arm(SPENT_OUT, arm)), 0.0) == 0.0 for arm in arms},
    )


def item_numbers(catalogue: Catalogue) -> Indices:
    """Return the numbers of every creative of a catalogue, for models that were not trained on it."""
    columns = {name: texts(catalogue, name) for name in (CAMPAIGN, "advertiser", CATEGORY, TITLE, PAYS)}
    return creative_numbers(catalogue.items, columns)


def texts(catalogue: Catalogue, name: str) -> tuple[str, ...]:
    """Return a column of texts, "" everywhere where the catalogue has none of that name."""
    column = catalogue.fields.get(name)
    return column if isinstance(column, tuple) else ("",) * len(catalogue.items)


def numbers(catalogue: Catalogue, name: str) -> Floats:
    """Return a column of numbers, NaN everywhere where the catalogue has none of that name."""
    column = catalogue.fields.get(name)
    return column if isinstance(column, np.ndarray) else np.full(len(catalogue.items), np.nan)


def _of_arm(name: str, arm: str) -> str:
    return f"{name}@{arm}" if arm else name


def _codes(column: tuple[str, ...]) -> tuple[Codes, Mapping[str, int]]:
    names = {name: code for code, name in enumerate(sorted(set(column) - {""}))}
    return np.array([names.get(value, -1) for value in column], dtype=np.int32), names


def _moments(column: tuple[str, ...], *, otherwise: float, unreadable: float) -> Floats:
    """Return moments; a flight whose bound cannot be read is never on: nobody can say when it was meant to be."""
    found = (otherwise if not text.strip() else seconds_of(text) for text in column)
    return np.array([unreadable if moment is None else moment for moment in found], dtype=np.float64)

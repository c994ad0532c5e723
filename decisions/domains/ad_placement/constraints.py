"""Which creatives may be shown: filters over the places of a catalogue, each counting what it removed."""

from types import MappingProxyType
from typing import Final

import numpy as np

from decisions.domains.ad_placement.board import Board
from decisions.moment import Bools, Catalogue, Eligible, Moment
from decisions.policy import Indices

OUTSIDE: Final = "outside_candidates"
PAUSED: Final = "out_of_stock"
NOT_IN_FLIGHT: Final = "not_in_flight"
SPENT: Final = "budget_spent"
OTHER_SLOT: Final = "slot_does_not_fit"
CAPPED: Final = "frequency_cap"
EXCLUDED: Final = "excluded"
CONSTRAINTS: Final = (OUTSIDE, PAUSED, NOT_IN_FLIGHT, SPENT, OTHER_SLOT, CAPPED, EXCLUDED)
"""The names of the filters, in the order in which they are applied."""

DEFAULT_CAP: Final = 5
"""How often a creative is shown to one unit within a day, unless the moment's context says another `cap`."""
LARGEST_CAP: Final = 1_000_000


def eligible(moment: Moment, catalogue: Catalogue, board: Board) -> Eligible:
    """Return the creatives that may be shown. The sum of `removed` and of what is left is the catalogue."""
    left = np.ones(len(catalogue.items), dtype=np.bool_)
    at = moment.at.timestamp()
    removed = {
        OUTSIDE: 0 if moment.only is None else _keep(left, _at(moment.only, catalogue)),
        PAUSED: _keep(left, catalogue.in_stock),
        NOT_IN_FLIGHT: _keep(left, (board.starts <= at) & (at < board.ends)),
        SPENT: _keep(left, board.lasts(moment.arm)),
        OTHER_SLOT: _keep(left, _fits(slots_of(moment), board)),
        CAPPED: _keep(left, ~_at(_often_shown(moment), catalogue)),
        EXCLUDED: _keep(left, ~_at(moment.excluded, catalogue)),
    }
    return Eligible(np.flatnonzero(left).astype(np.int64, copy=False), MappingProxyType(removed))


def slots_of(moment: Moment) -> tuple[str, ...]:
    """Return the names of the slots that the moment asks to fill; none where it does not say."""
    named = moment.context.get("slots")
    several = [name for name in named if isinstance(name, str)] if isinstance(named, list | tuple) else []
    one = moment.context.get("slot")
    return tuple(dict.fromkeys([*several, *([one] if isinstance(one, str) and one else [])]))


def cap_of(moment: Moment) -> int:
    """Return how often a day a creative may be shown to the unit; what is no whole number above 0 is the default."""
    cap = moment.context.get("cap")
    if isinstance(cap, float) and cap.is_integer():
        cap = int(cap)
    return cap if type(cap) is int and 1 <= cap <= LARGEST_CAP else DEFAULT_CAP


def _often_shown(moment: Moment) -> tuple[str, ...]:
    cap = cap_of(moment)
    return tuple(item for item, times in moment.shown.items() if times >= cap)


def _fits(slots: tuple[str, ...], board: Board) -> Bools:
    """Return which creatives fit every slot that is to be filled: each of them may get any of the places."""
    if not slots:
        return np.ones(len(board.slots), dtype=np.bool_)
    codes = {board.slot_names.get(name, -2) for name in slots}
    fits: Bools = board.slots == -1
    if len(codes) == 1:
        fits |= board.slots == codes.pop()
    return fits


def _at(items: tuple[str, ...], catalogue: Catalogue) -> Bools:
    mask = np.zeros(len(catalogue.items), dtype=np.bool_)
    places: Indices = np.array([place for place in map(catalogue.places.get, items) if place is not None], np.int64)
    mask[places] = True
    return mask


def _keep(left: Bools, kept: Bools) -> int:
    """Return how many creatives `left` loses, and take from it all that are not kept."""
    before = int(np.count_nonzero(left))
    np.logical_and(left, kept, out=left)
    return before - int(np.count_nonzero(left))

"""What may be shown at all: filters over the places of a catalogue, each counting what it removed."""

from types import MappingProxyType
from typing import Final

import numpy as np

from decisions.moment import Bools, Eligible
from decisions.policy import Indices

OUTSIDE: Final = "outside_candidates"
OUT_OF_STOCK: Final = "out_of_stock"
BOUGHT: Final = "already_bought"
EXCLUDED: Final = "excluded"
CONSTRAINTS: Final = (OUTSIDE, OUT_OF_STOCK, BOUGHT, EXCLUDED)
"""The names of the filters, in the order in which they are applied."""


def eligible(mask_in_stock: Bools, *, bought: Indices, excluded: Indices, only: Indices | None) -> Eligible:
    """Return the items that may be shown.

    mask_in_stock: one truth value for each item of the catalogue. bought, excluded, only: places in the catalogue,
    in any order and repeated as they come; those outside the catalogue name nothing. only: the candidates the caller
    restricts the slate to; None is the whole catalogue. The sum of `removed` and of what is left is the catalogue.
    """
    left = np.ones(len(mask_in_stock), dtype=np.bool_)
    removed = {
        OUTSIDE: 0 if only is None else _keep(left, _mask(only, len(left))),
        OUT_OF_STOCK: _keep(left, mask_in_stock),
        BOUGHT: _drop(left, bought),
        EXCLUDED: _drop(left, excluded),
    }
    return Eligible(np.flatnonzero(left).astype(np.int64, copy=False), MappingProxyType(removed))


def _keep(left: Bools, kept: Bools) -> int:
    """Return how many items `left` loses, and take from it all that are not kept."""
    before = int(np.count_nonzero(left))
    np.logical_and(left, kept, out=left)
    return before - int(np.count_nonzero(left))


def _drop(left: Bools, places: Indices) -> int:
    """Return how many items `left` loses, and take from it those at the places."""
    before = int(np.count_nonzero(left))
    left[places[(places >= 0) & (places < len(left))]] = False
    return before - int(np.count_nonzero(left))


def _mask(places: Indices, size: int) -> Bools:
    mask = np.zeros(size, dtype=np.bool_)
    mask[places[(places >= 0) & (places < size)]] = True
    return mask

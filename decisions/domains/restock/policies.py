"""How much to order by the classic rules of stock: pure formulas on arrays, in pieces and currency units.

The position of a subject is what is on hand and on order. What a rule wants is then fitted to packs, to the fewest
pieces that can be ordered and to what there is room for.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_CLOSE: Final = 1e-9
"""Pieces less than this from a multiple of a pack are that multiple."""


def critical_ratio(missing: float | Floats, leftover: float | Floats) -> Floats:
    """Return the service level that costs least: missing / (missing + leftover), 0 where neither costs anything.

    missing: what a piece costs that was asked for and not there. leftover: what one costs that is left over.
    """
    under, over = np.asarray(missing, dtype=np.float64), np.asarray(leftover, dtype=np.float64)
    total = under + over
    found: Floats = np.where(total > 0.0, under / np.where(total > 0.0, total, 1.0), 0.0)
    return found


def base_stock(position: float | Floats, level: float | Floats) -> Floats:
    """Return what lifts the position to the level: the newsvendor's order where the level is demand's quantile."""
    return np.maximum(0.0, np.asarray(level, dtype=np.float64) - position)


def min_max(position: float | Floats, *, reorder_point: float | Floats, order_up_to: float | Floats) -> Floats:
    """Return the order of an (s, S) rule: up to S where the position is at s or below, else nothing."""
    found: Floats = np.where(np.asarray(position) <= reorder_point, base_stock(position, order_up_to), 0.0)
    return found


def lots(position: float | Floats, *, reorder_point: float | Floats, lot: float | Floats) -> Floats:
    """Return the order of an (R, Q) rule: as many lots as lift the position above R. lot is above 0."""
    size = np.asarray(lot, dtype=np.float64)
    short = np.asarray(reorder_point, dtype=np.float64) - position
    found: Floats = np.where(short >= 0.0, np.floor(short / size + _CLOSE) + 1.0, 0.0) * size
    return found


def fitted_order(
    wanted: float | Floats,
    *,
    pack_size: float | Floats = 1.0,
    minimum_order: float | Floats = 0.0,
    room: float | Floats = np.inf,
) -> Floats:
    """Return the order that can be placed: the fewest whole packs that cover what is wanted and the minimum.

    Where there is no room for these it is the most packs that fit, or nothing where these are below the minimum. What
    is not wanted at all is not ordered. room: pieces, capacity less position; negative room is none.
    """
    pack = np.maximum(np.asarray(pack_size, dtype=np.float64), _CLOSE)
    least, space = np.asarray(minimum_order, dtype=np.float64), np.maximum(np.asarray(room, dtype=np.float64), 0.0)
    asked = np.ceil(np.maximum(wanted, least) / pack - _CLOSE) * pack
    fits = np.floor(space / pack + _CLOSE) * pack
    found = np.minimum(asked, fits)
    possible = (np.asarray(wanted) > _CLOSE) & (found >= least - _CLOSE)
    ordered: Floats = np.where(possible, found, 0.0)
    return ordered

"""Cells of unit and period under bad input: columns of any size and scale, now and then one that does not fit."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from experiments.statistics.design_power import PastCells
from experiments.statistics.period_randomisation import DrawnCells

Columns = dict[str, np.ndarray]
CLEAN, SHORT, DEEP, REPEATED = "clean", "short", "deep", "repeated"
FAULTS = st.sampled_from([CLEAN, CLEAN, CLEAN, CLEAN, SHORT, DEEP, REPEATED])
"""What may be wrong with one column: its length, its dimensions, or that all of its entries are the first."""
SHAPES = st.sampled_from([(12, 4), (12, 4), (24, 6), (10, 2), (9, 4), (2, 40), (1, 1), (12, 1), (0, 4), (0, 0)])
"""Units and periods: none, too few, just enough."""
VALUES = st.sampled_from(
    [
        (0.0, 1.0),
        (0.0, 0.0, 3.0, 90.0),
        (-2.5,),
        (0.0,),
        (1e15, 1e15 + 1.0),
        (-1e15, 0.0, 1e15),
        (1e160, 1.001e160),
        (1e300, -1e300, 0.0),
        (1.7e308,),
        (1e-300, 2e-300),
        (1.0, np.nan),
        (1.0, np.inf),
    ]
)
NAMES = st.sampled_from([lambda codes: codes, lambda codes: codes * 10**15, lambda codes: codes - 7])
"""What units, clusters and strata are called: numbers from 0, beyond any memory, below 0."""


def spoilt(column: np.ndarray, fault: str) -> np.ndarray:
    """Return the column with what is wrong with it."""
    if fault == SHORT:
        return column[:-1]
    if fault == DEEP:
        return column[..., None]
    return np.repeat(column[:1], len(column), axis=0) if fault == REPEATED else column


@st.composite
def tables(draw) -> Columns:
    """Draw tables of shape (units, periods) that fit each other."""
    shape = draw(SHAPES)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    units, periods = np.indices(shape)
    name, coin = draw(NAMES), rng.random(shape) < draw(st.sampled_from([0.5, 0.5, 0.5, 0.0, 1.0, 0.05]))
    treated = draw(st.sampled_from([coin, (coin[:, :1] + periods) % 2 == 0 if coin.size else coin]))
    return {
        "units": name(units),
        "periods": draw(NAMES)(periods),
        "clusters": name(draw(st.sampled_from([units, periods, units * shape[1] + periods // 2, 0 * units]))),
        "strata": name(draw(st.sampled_from([units, units * shape[1] + periods // 2, periods]))),
        "treated": treated,
        "y": rng.choice(draw(VALUES), shape),
        "below": rng.choice(draw(VALUES), shape),
    }


@st.composite
def spoilt_tables(draw, names: tuple[str, ...], *, flat: bool) -> Columns:
    """Draw some of the tables, one of them perhaps spoilt; flat: as columns of cells."""
    found = draw(tables())
    kept = {name: found[name].ravel() if flat else found[name] for name in names}
    chosen = draw(st.sampled_from(names))
    return kept | {chosen: spoilt(kept[chosen], draw(FAULTS))}


def drawn_cells(columns: Columns, has_below: bool) -> dict[str, object]:
    """Return what `period_test` is called with."""
    below = columns["below"] if has_below else None
    return {"cells": DrawnCells(columns["treated"], columns["strata"], columns["clusters"], columns["y"], below)}


def rehearsal(columns: Columns, has_below: bool, draws: int) -> dict[str, object]:
    """Return what `rehearse` is called with: the arms drawn, their opposites, other arms."""
    past = PastCells(columns["y"], columns["clusters"], columns["below"] if has_below else None)
    arms = columns["treated"].astype(np.int8)
    return {"past": past, "draws": [arms, 1 - arms, arms + 1][:draws]}


@st.composite
def arms_of_clusters(draw) -> dict[str, object]:
    """Draw what `cell_totals` is called with: figures of clusters in both arms."""
    size = draw(st.sampled_from([12, 12, 10, 9, 1, 0]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    counts = st.sampled_from(
        [(0.0, 1.0, 4.0), (2.0,), (0.0,), (1e15, 1.0), (1e300, 1.0), (1.7e308,), (-1.0,), (np.nan,)]
    )
    pools = {"cells": counts, "above": VALUES, "below": VALUES}
    found = {name: [rng.choice(draw(pool), size), rng.choice(draw(pool), size)] for name, pool in pools.items()}
    name, side = draw(st.sampled_from(sorted(found))), draw(st.integers(0, 1))
    found[name][side] = spoilt(found[name][side], draw(FAULTS))
    below = draw(st.sampled_from([None, tuple(found["below"])]))
    return {"cells": tuple(found["cells"]), "above": tuple(found["above"]), "below": below}


CELLS_OF_MODULES: dict[str, tuple[Callable[..., object], *tuple[st.SearchStrategy[Any], ...]]] = {
    "carry_over": (dict, spoilt_tables(("units", "periods", "treated", "y", "clusters"), flat=True)),
    "cell_totals": (dict, arms_of_clusters()),
    "period_randomisation": (
        drawn_cells,
        spoilt_tables(("treated", "strata", "clusters", "y", "below"), flat=True),
        st.booleans(),
    ),
    "design_power": (
        rehearsal,
        spoilt_tables(("y", "clusters", "below", "treated"), flat=False),
        st.booleans(),
        st.integers(0, 3),
    ),
}
"""How what the functions of a module share is built, and of what parts."""

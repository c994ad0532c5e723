"""Showings summed up by moment and creative, and the sparse rows of hashed features that a logistic model reads."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from decisions.domains.ad_placement.training.dataset import Showings
from decisions.policy import Indices
from models_registry.predictors.crosses import Layout, cross_places, places_of, word_shares

BLOCK: Final = 20_000
"""Rows whose features are made at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Sparse:
    """Rows of features over the places that occur. used: their places in the table of weights, ascending."""

    rows: csr_array
    used: Indices


def summed(showings: Showings) -> Showings:
    """Return the showings with one row for each moment and creative, in their order; the likelihood is the same."""
    creatives = int(showings.items.max(initial=0)) + 1
    pairs, place = np.unique(showings.moments * creatives + showings.items, return_inverse=True)

    def total(column: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        sums: npt.NDArray[np.float64] = np.bincount(place, weights=column, minlength=len(pairs)).astype(np.float64)
        return sums

    return Showings(
        moments=pairs // creatives,
        items=pairs % creatives,
        shown=total(showings.shown),
        clicked=total(showings.clicked),
        ordered=total(showings.ordered),
    )


def features_of(subjects: Indices, numbers: Indices, layout: Layout) -> tuple[Indices, npt.NDArray[np.float32]]:
    """Return places and shares of every feature of rows: facts, fields, crosses, then words; rows x features.

    subjects: rows x facts. numbers: rows x numbers. A word that is not there has the share 0.
    """
    fields, words = numbers[:, : layout.fields], numbers[:, layout.fields : -1]
    crosses = cross_places(subjects, fields, layout.bits).reshape(len(subjects), layout.context * layout.fields)
    whole = (places_of(subjects, layout.bits), places_of(fields, layout.bits), crosses)
    places = np.concatenate((*whole, places_of(words, layout.bits)), axis=1)
    ones = np.ones((len(subjects), places.shape[1] - layout.words), dtype=np.float32)
    return places, np.concatenate((ones, word_shares(words)), axis=1)


def sparse_rows(showings: Showings, subjects: Indices, numbers: Indices, layout: Layout) -> Sparse:
    """Return the features of showings as a sparse matrix; made in blocks, so that memory holds only what is there."""
    indices, shares, counts = [], [], [np.zeros(1, dtype=np.int64)]
    for start in range(0, len(showings), BLOCK):
        block = slice(start, start + BLOCK)
        places, share = features_of(subjects[showings.moments[block]], numbers[showings.items[block]], layout)
        there = share > 0.0
        indices.append(places[there].astype(np.int32))
        shares.append(share[there])
        counts.append(there.sum(axis=1))
    flat = np.concatenate(indices) if indices else np.zeros(0, np.int32)
    is_used = np.zeros(layout.size, dtype=np.bool_)
    is_used[flat] = True
    column = np.cumsum(is_used, dtype=np.int32) - 1
    data = np.concatenate(shares) if shares else np.zeros(0, np.float32)
    used = np.flatnonzero(is_used).astype(np.int64)
    starts = np.cumsum(np.concatenate(counts), dtype=np.int64)
    return Sparse(csr_array((data, column[flat], starts), shape=(len(showings), max(1, len(used)))), used)

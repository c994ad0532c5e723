"""Slates that are not all alike: maximal marginal relevance among the best candidates (Carbonell, Goldstein 1998).

Pure and small: only the SHORTLIST best candidates for each place are looked at.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.moment import Catalogue, Moment
from decisions.policy import Indices, Scores

DIVERSITY: Final = "diversity"
"""The name by which a storefront says how different the items of a slate are to be, 0 to 1."""
CATEGORY: Final = "category"
SHORTLIST: Final = 5

Similarities = npt.NDArray[np.float32]


def shortlist(scores: Scores, size: int) -> Indices:
    """Return the places of the best SHORTLIST x size scores, best first; of equal ones the earlier."""
    count = min(len(scores), SHORTLIST * size)
    if not count:
        return np.empty(0, dtype=np.int64)
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    places = np.flatnonzero(scores >= least)
    return places[np.lexsort((places, -scores[places]))][:count]


def marginal_relevance(scores: Scores, similarity: Similarities, *, size: int, diversity: float) -> Indices:
    """Return the places of at most `size` scores in the order in which they are chosen.

    Each is the one with the most (1 - diversity) relevance - diversity (largest similarity with one chosen before),
    relevance being the score scaled to 0 to 1 over those given; of equal ones the earlier. similarity: square, 0 to 1.
    """
    exact = scores.astype(np.float64)  # in float32 scores that differ little would scale to the same relevance
    spread = float(np.ptp(exact)) if len(exact) else 0.0
    relevance = (exact - exact.min()) / spread if spread > 0.0 else np.ones(len(exact))
    left = (1.0 - diversity) * relevance
    nearest = np.zeros(len(scores))
    chosen: list[int] = []
    for _ in range(min(size, len(scores))):
        best = int(np.argmax(left - diversity * nearest))
        chosen.append(best)
        left[best] = -np.inf
        np.maximum(nearest, similarity[best], out=nearest)
    return np.array(chosen, dtype=np.int64)


def same_category(categories: Sequence[str]) -> Similarities:
    """Return 1 where two items have the same category, else 0; items without one are like no other."""
    codes = np.unique(np.array(categories, dtype=np.str_), return_inverse=True)[1] if len(categories) else np.empty(0)
    known = np.array([bool(category) for category in categories], dtype=np.bool_)
    alike = (codes[:, None] == codes) & known[:, None]
    found: Similarities = alike.astype(np.float32)
    return found


def alike(vectors: Scores) -> Similarities:
    """Return the cosines of the vectors of items, negative ones as 0; a vector of zeros is like no other."""
    lengths = np.sqrt((vectors * vectors).sum(axis=1))
    unit = vectors / np.where(lengths > 0.0, lengths, 1.0)[:, None]
    return np.clip(unit @ unit.T, 0.0, 1.0).astype(np.float32)


def reordered(scores: Scores, order: Indices) -> Scores:
    """Return the scores dealt out anew: the highest to the first of the order, and so on; the others keep theirs.

    So what ranks by score gives the order, and the scores of a slate stay those of the model.
    """
    dealt = scores.copy()
    dealt[order] = np.sort(scores[order])[::-1]
    return dealt


def worth(moment: Moment, catalogue: Catalogue, candidates: Indices, scores: Scores) -> Scores:
    """Return scores whose order is as diverse by category as the moment asks; as they are where it does not.

    For `Hooks.worth`. What is no number from 0 to 1 asks for nothing.
    """
    diversity, categories = moment.context.get(DIVERSITY), catalogue.fields.get(CATEGORY)
    if isinstance(diversity, bool) or not isinstance(diversity, int | float) or not 0.0 < diversity <= 1.0:
        return scores
    if not isinstance(categories, tuple):
        return scores
    best = shortlist(scores, moment.size)
    named = [categories[place] for place in candidates[best].tolist()]
    chosen = marginal_relevance(scores[best], same_category(named), size=moment.size, diversity=float(diversity))
    rest = np.delete(np.arange(len(best)), chosen)
    return reordered(scores, best[np.concatenate((chosen, rest))])

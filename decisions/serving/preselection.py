"""Preselection: where judging a candidate is costly, only those that a cheaper score thinks best are judged."""

import numpy as np

from decisions.policy import Indices, Scores


def preselect(candidates: Indices, scores: Scores, *, most: int) -> Indices:
    """Return at most `most` of the candidates, those with the highest scores, in the order they had.

    scores: run parallel to candidates. Of equal scores the earlier candidates are taken.

    Raises:
        ValueError: there is not one score for each candidate, or `most` is negative.
    """
    if len(candidates) != len(scores) or most < 0:
        raise ValueError("needs one score for each candidate, and a bound of 0 or more")
    if len(candidates) <= most:
        return candidates
    chosen: Indices = candidates[best_places(scores, most)]
    return chosen


def best_places(scores: Scores, most: int) -> Indices:
    """Return ascending places of the `most` highest scores; of equal ones the earlier."""
    if most == 0:
        return np.zeros(0, dtype=np.int64)
    if len(scores) <= most:
        return np.arange(len(scores))
    threshold = np.partition(scores, len(scores) - most)[len(scores) - most]
    taken = scores > threshold
    level = np.flatnonzero(scores == threshold)
    taken[level[: most - int(np.count_nonzero(taken))]] = True
    return np.flatnonzero(taken)

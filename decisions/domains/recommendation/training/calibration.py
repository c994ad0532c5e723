"""Whether slates mirror tastes: the mix of groups in a slate beside that in what a user dealt with (Steck 2018).

Groups are the categories of a catalogue; where it has none, bands of popularity: then slates that show everybody the
best sellers are told from slates that follow users into the long tail (Abdollahpouri et al. 2020).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.domains.recommendation.features import category_codes
from decisions.domains.recommendation.training.dataset import RecommendationData
from decisions.policy import Indices, Scores

BANDS: Final = (1.0 / 3.0, 2.0 / 3.0)
"""The head has the first third of all contacts, the middle the second, the tail the rest."""


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """codes: the group of each item, int32, below `count`."""

    codes: npt.NDArray[np.int32]
    count: int


def groups_of(data: RecommendationData) -> Groups:
    """Return the categories of the log's items, or their bands of popularity where all have the same category."""
    codes, names = category_codes(data.log.categories)
    if len(names) > 1:
        return Groups(codes, len(names))
    return Groups(bands(data.popularity), len(BANDS) + 1)


def bands(popularity: Scores) -> npt.NDArray[np.int32]:
    """Return for each item the number of bands that the contacts with more popular items fill: 0 is the head."""
    order = np.argsort(-popularity, kind="stable")
    before = np.cumsum(popularity[order], dtype=np.float64) - popularity[order]
    share = before / max(float(popularity.sum(dtype=np.float64)), 1e-12)
    found = np.empty(len(popularity), dtype=np.int32)
    found[order] = np.searchsorted(np.array(BANDS), share, side="right")
    return found


def miscalibration(known: Indices, slate: Indices, groups: Groups) -> float:
    """Return the Jensen-Shannon divergence of two mixes of groups in bits: 0 for the same, 1 for nothing in common.

    JSD(p, q) = (KL(p | m) + KL(q | m)) / 2 with m = (p + q) / 2; 0 where either side is empty.
    """
    if not len(known) or not len(slate):
        return 0.0
    p, q = (_mix(groups.codes[places], groups.count) for places in (known, slate))
    middle = (p + q) / 2.0
    return float(sum(_divergence(side, middle) for side in (p, q)) / 2.0)


def _mix(codes: npt.NDArray[np.int32], count: int) -> npt.NDArray[np.float64]:
    return np.bincount(codes, minlength=count) / len(codes)


def _divergence(p: npt.NDArray[np.float64], q: npt.NDArray[np.float64]) -> float:
    held = p > 0.0
    return float((p[held] * np.log2(p[held] / q[held])).sum())

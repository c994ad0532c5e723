"""EASE: the linear map from items to items that reconstructs baskets best, in closed form. NumPy and SciPy only."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.sparse import csc_array, csr_array

from decisions.domains.recommendation.features import HISTORY
from decisions.domains.recommendation.training.baskets import LONGEST_BASKET, cut, scaled
from decisions.domains.recommendation.training.dataset import RecommendationData
from decisions.domains.recommendation.training.recipe import SHARED
from models_registry.pipeline import Fitted, Parameter, Parameters, TrainingDiverged, TrainingRefused
from models_registry.predictors.popularity import ITEMS, write_items
from models_registry.vocabulary import PredictorKind

MOST_ITEMS: Final = 20_000
"""The dense inverse of so many takes 3.2 GB and, in float64 on one core, some minutes."""
_BLOCK_CELLS: Final = 4_000_000
_ASSEMBLED, _INVERTED = 0.1, 0.9

PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        **SHARED,
        "penalty": Parameter(
            about="Added to the diagonal: with more, only items that many dealt with say anything of others",
            default=200.0,
            least=0.1,
            most=1e6,
        ),
        "targets": Parameter(
            about="Entries kept for each item, the largest", default=300, least=1, most=5_000, whole=True
        ),
        "prior": Parameter(
            about="Score of the most popular item before any history, against entries of at most about 1",
            default=0.001,
            least=0.0,
            most=1.0,
        ),
        "longest_basket": LONGEST_BASKET,
    }
)


class CatalogueTooLarge(TrainingRefused):
    """The closed form needs a dense matrix over all items, and there are too many."""

    code = "CATALOGUE_TOO_LARGE"
    hint = f"Train item_item or factors, or a window in which at most {MOST_ITEMS:,} items were dealt with."


def learn(data: RecommendationData, parameters: Parameters, _seed: int, tell: Callable[[float], None]) -> Fitted:
    """Return the largest entries of the map; nothing is drawn, so equal data give equal bytes.

    Raises CatalogueTooLarge; TrainingDiverged where the matrix has no inverse.
    """
    met = np.flatnonzero(data.popularity > 0.0)
    if len(met) > MOST_ITEMS:
        raise CatalogueTooLarge(f"{len(met):,} items were dealt with; EASE takes at most {MOST_ITEMS:,}.")
    baskets = scaled(cut(data.contacts, int(parameters["longest_basket"])))[:, met]
    inverse = inverted(baskets, penalty=parameters["penalty"], tell=tell)
    starts, targets, weights = largest_entries(inverse, most=int(parameters["targets"]))
    counts = np.zeros(len(data.log.item_ids) + 1, dtype=np.int64)
    counts[met + 1] = np.diff(starts)
    tell(1.0)
    tensors = {
        ITEMS: write_items(data.log.item_ids),
        "prior": data.popularity * np.float32(parameters["prior"]),
        "starts": np.cumsum(counts),
        "targets": met[targets].astype(np.int32),
        "weights": weights,
    }
    return Fitted(PredictorKind.EASE, (HISTORY,), tensors, {"half_life": parameters["half_life"]})


def inverted(baskets: csr_array, *, penalty: float, tell: Callable[[float], None]) -> npt.NDArray[np.float64]:
    """Return (X'X + penalty I)^-1 of the baskets X (units x items), items x items, computed in place.

    Raises TrainingDiverged where it has none in float64.
    """
    columns = csc_array(baskets, dtype=np.float64)
    items = columns.shape[1]
    matrix = np.empty((items, items), order="F")
    step = max(1, _BLOCK_CELLS // max(items, 1))
    for start in range(0, items, step):
        end = min(start + step, items)
        matrix[:, start:end] = (columns.T @ columns[:, start:end]).toarray()
        tell(_ASSEMBLED * end / items)
    matrix.flat[:: items + 1] += penalty
    _, fault = dpotrf(matrix, lower=1, overwrite_a=1, clean=0)
    if not fault:
        tell((_ASSEMBLED + _INVERTED) / 2.0)
        _, fault = dpotri(matrix, lower=1, overwrite_c=1)
    if fault:
        raise TrainingDiverged("The matrix of the items has no inverse.")
    for start in range(0, items, step):  # the routines fill the lower half only
        end = min(start + step, items)
        matrix[start:end, end:] = matrix[end:, start:end].T
        matrix[start:end, start:end] = (
            np.tril(matrix[start:end, start:end]) + np.tril(matrix[start:end, start:end], -1).T
        )
    tell(_INVERTED)
    return matrix


def largest_entries(
    inverse: npt.NDArray[np.float64], *, most: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Return the `most` entries of largest magnitude of each row of the map, as starts of rows, targets, weights.

    map(i, j) = -P_ij / P_jj, and 0 on the diagonal, P being the inverse (Steck 2019); targets ascend.
    """
    diagonal = inverse.diagonal()
    counts, targets, weights = [0], [], []
    for place in range(len(inverse)):
        row = (inverse[:, place] / -diagonal).astype(np.float32)  # P is symmetric, and columns lie together
        row[place] = 0.0
        kept = np.arange(len(row))
        if most < len(row):
            kept = np.sort(np.argpartition(-np.abs(row), most - 1)[:most])
        kept = kept[row[kept] != 0.0]
        counts.append(len(kept))
        targets.append(kept.astype(np.int32))
        weights.append(row[kept])
    return np.cumsum(counts, dtype=np.int64), np.concatenate(targets), np.concatenate(weights)

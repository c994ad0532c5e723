"""Item-item recommendations: cosines between the columns of who dealt with what. NumPy and SciPy only."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array, csr_array

from decisions.domains.recommendation.features import HISTORY
from decisions.domains.recommendation.training.baskets import LONGEST_BASKET, cut
from decisions.domains.recommendation.training.dataset import RecommendationData
from decisions.domains.recommendation.training.recipe import SHARED
from models_registry.pipeline import Fitted, Parameter, Parameters
from models_registry.predictors.popularity import ITEMS, write_items
from models_registry.vocabulary import PredictorKind

BLOCK_CELLS: Final = 4_000_000
"""How many similarities are held at a time."""

PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        **SHARED,
        "neighbours": Parameter(about="Similar items kept for each item", default=100, least=1, most=1000, whole=True),
        "shrinkage": Parameter(
            about="Added to the norms, so that items that few dealt with are not similar by chance",
            default=5.0,
            least=0.0,
            most=10_000.0,
        ),
        "prior": Parameter(
            about="Score of the most popular item before any history, against similarities of at most 1",
            default=0.02,
            least=0.0,
            most=1.0,
        ),
        "longest_basket": LONGEST_BASKET,
    }
)


def learn(data: RecommendationData, parameters: Parameters, _seed: int, tell: Callable[[float], None]) -> Fitted:
    """Return the nearest neighbours of every item; nothing is drawn, so equal data give equal bytes."""
    starts, neighbours, similarity = nearest(
        cut(data.contacts, int(parameters["longest_basket"])),
        most=int(parameters["neighbours"]),
        shrinkage=parameters["shrinkage"],
        tell=tell,
    )
    tensors = {
        ITEMS: write_items(data.log.item_ids),
        "prior": data.popularity * np.float32(parameters["prior"]),
        "starts": starts,
        "neighbours": neighbours,
        "similarity": similarity,
    }
    return Fitted(PredictorKind.ITEM_ITEM, (HISTORY,), tensors, {"half_life": parameters["half_life"]})


def nearest(
    contacts: csr_array, *, most: int, shrinkage: float, tell: Callable[[float], None]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Return the `most` largest similarities of each item, as starts of rows, neighbours, similarities.

    similarity(i, j) = sum over units of x_ui x_uj / (|x_i| |x_j| + shrinkage), x being the contacts (units x items).
    An item is no neighbour of its own, and one of similarity 0 is none; of equal ones the earlier is kept;
    neighbours ascend. Works on blocks of items, so that memory does not grow with their square.
    """
    columns = csc_array(contacts, dtype=np.float64)
    norms = np.sqrt(np.asarray(columns.multiply(columns).sum(axis=0), dtype=np.float64))
    items = columns.shape[1]
    counts, neighbours, similarity = [0], [], []
    step = max(1, BLOCK_CELLS // items)
    for start in range(0, items, step):
        end = min(start + step, items)
        block = (columns[:, start:end].T @ columns).toarray()
        scale = np.outer(norms[start:end], norms) + shrinkage
        block = np.divide(block, scale, out=np.zeros_like(block), where=scale > 0.0)
        block[np.arange(end - start), np.arange(start, end)] = 0.0
        for row in block.astype(np.float32):
            kept = np.sort(np.argsort(-row, kind="stable")[:most])
            kept = kept[row[kept] > 0.0]
            counts.append(len(kept))
            neighbours.append(kept.astype(np.int32))
            similarity.append(row[kept])
        tell(end / items)
    return np.cumsum(counts, dtype=np.int64), np.concatenate(neighbours), np.concatenate(similarity)

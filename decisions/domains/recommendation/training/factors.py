"""Implicit factors by alternating least squares (iALS): exact solves for many rows at a time. NumPy and SciPy only."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from scipy.sparse import csr_array

from decisions.domains.recommendation.features import HISTORY
from decisions.domains.recommendation.training.baskets import LONGEST_BASKET, cut, scaled
from decisions.domains.recommendation.training.dataset import RecommendationData
from decisions.domains.recommendation.training.recipe import SHARED
from decisions.policy import Indices, Scores
from models_registry.pipeline import Fitted, Parameter, Parameters
from models_registry.predictors.popularity import ITEMS, write_items
from models_registry.vocabulary import PredictorKind

PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        **SHARED,
        "width": Parameter(about="Factors that stand for an item", default=64, least=2, most=256, whole=True),
        "sweeps": Parameter(
            about="Times that users and items are solved for in turn", default=10, least=1, most=100, whole=True
        ),
        "unobserved": Parameter(
            about="Weight of an item that a user did not meet, beside 1 for one they met",
            default=0.2,
            least=1e-6,
            most=100.0,
        ),
        "penalty": Parameter(
            about="Keeps factors small: with more, only tastes that many share are learnt",
            default=10.0,
            least=0.001,
            most=10_000.0,
        ),
        "prior": Parameter(
            about="Score of the most popular item before any history, against scores of about 1",
            default=0.001,
            least=0.0,
            most=1.0,
        ),
        "longest_basket": LONGEST_BASKET,
    }
)
_CELLS: Final = 4_000_000
"""How many numbers of a batch of systems are held at a time."""
_SPREAD: Final = 0.1


def learn(data: RecommendationData, parameters: Parameters, seed: int, tell: Callable[[float], None]) -> Fitted:
    """Return the factors of the items; those of the users are folded in from their histories while serving.

    Minimises sum over what was met of w (1 - u.v)^2 + unobserved sum over all of (u.v)^2 + penalty sum of |u|^2, |v|^2
    (Hu, Koren and Volinsky 2008 in the form of Rendle et al. 2022).
    """
    baskets = scaled(cut(data.contacts, int(parameters["longest_basket"])))
    width, sweeps = int(parameters["width"]), int(parameters["sweeps"])
    by_user, by_item = csr_array(baskets, dtype=np.float32), csr_array(baskets.T, dtype=np.float32)
    rng = np.random.default_rng(seed)
    items = (rng.standard_normal((by_item.shape[0], width)) * (_SPREAD / np.sqrt(width))).astype(np.float32)
    for sweep in range(sweeps):
        users = solved(by_user, items, unobserved=parameters["unobserved"], penalty=parameters["penalty"])
        tell((sweep + 0.5) / sweeps)
        items = solved(by_item, users, unobserved=parameters["unobserved"], penalty=parameters["penalty"])
        tell((sweep + 1.0) / sweeps)
    settings = {name: parameters[name] for name in ("unobserved", "penalty", "half_life")}
    tensors = {
        ITEMS: write_items(data.log.item_ids),
        "prior": data.popularity * np.float32(parameters["prior"]),
        "factors": items,
    }
    return Fitted(PredictorKind.FACTORS, (HISTORY,), tensors, settings)


def solved(met: csr_array, others: Scores, *, unobserved: float, penalty: float) -> Scores:
    """Return the factors of every row of `met` that fit the factors of its columns best; rows of zeros stay zeros.

    Each solves (unobserved V'V + sum w v v' + penalty I) u = sum w v. In the eigenvectors of V'V the first and the last
    term are a diagonal D, so that a row with fewer entries than factors takes a system of its own size:
    u = D^-1 V'W^.5 (I + W^.5 V D^-1 V'W^.5)^-1 W^.5 1 (Woodbury).
    """
    spectrum, turn = np.linalg.eigh(others.T.astype(np.float64) @ others)
    turned = (others @ turn).astype(np.float32)
    diagonal = (np.maximum(spectrum, 0.0) * unobserved + penalty).astype(np.float32)
    found = np.zeros((met.shape[0], others.shape[1]), dtype=np.float32)
    lengths = np.diff(met.indptr)
    for batch in batches(lengths, others.shape[1]):
        longest = int(lengths[batch[-1]])
        slots = met.indptr[batch][:, None] + np.arange(longest)
        inside = np.arange(longest) < lengths[batch][:, None]
        slots[~inside] = 0
        weights = np.where(inside, met.data[slots], np.float32(0.0))
        vectors = turned[met.indices[slots]]
        solve = _by_entries if longest < others.shape[1] else _by_factors
        found[batch] = solve(vectors, weights, diagonal)
    turned_back: Scores = (found @ turn.T).astype(np.float32)
    return turned_back


def _by_entries(vectors: Scores, weights: Scores, diagonal: Scores) -> Scores:
    """Return the solutions of a batch by systems of entries x entries."""
    roots = np.sqrt(weights)
    scaled_vectors = vectors * roots[:, :, None]
    divided = scaled_vectors / diagonal
    systems = scaled_vectors @ np.swapaxes(divided, 1, 2)
    places = np.arange(vectors.shape[1])
    systems[:, places, places] += np.float32(1.0)
    solutions: Scores = (np.swapaxes(divided, 1, 2) @ np.linalg.solve(systems, roots[:, :, None]))[:, :, 0]
    return solutions


def _by_factors(vectors: Scores, weights: Scores, diagonal: Scores) -> Scores:
    """Return the solutions of a batch by systems of factors x factors."""
    weighted = vectors * weights[:, :, None]
    systems = np.swapaxes(vectors, 1, 2) @ weighted
    places = np.arange(vectors.shape[2])
    systems[:, places, places] += diagonal
    solutions: Scores = np.linalg.solve(systems, weighted.sum(axis=1)[:, :, None])[:, :, 0]
    return solutions


def batches(lengths: Indices, width: int) -> Iterator[Indices]:
    """Yield every row with entries once, rows of like length together, each batch within the memory of `_CELLS`."""
    order = np.argsort(lengths, kind="stable")
    order = order[np.searchsorted(lengths[order], 1) :]
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and (end + 1 - start) * width * (int(lengths[order[end]]) + width) <= _CELLS:
            end += 1
        yield order[start:end]
        start = end

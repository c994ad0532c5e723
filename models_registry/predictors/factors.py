"""The predictor of implicit factors (iALS): a history is folded in by one small solve and multiplied with all items."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models_registry.artifacts import Artifact, ArtifactMalformed
from models_registry.predictors.history import (
    LONGEST_HALF_LIFE,
    LONGEST_HISTORY,
    SHORTEST_HALF_LIFE,
    inside,
    recency_weights,
    recent,
)
from models_registry.predictors.popularity import read_items
from models_registry.predictors.protocol import Indices, Scores
from models_registry.predictors.reading import ensure_bounded, floats, largest, number
from models_registry.vocabulary import PredictorKind

MOST_FACTORS: Final = 512
LEAST_WEIGHT: Final = 1e-9
"""Of what was not met, and of the penalty: with less, a fold-in could have no unique solution."""
MOST_WEIGHT: Final = 1e6
_WORST_CONDITION: Final = 1e12
_BLOCK: Final = 8_192


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """score_j = prior_j + factors_j . u, u being what explains the history best (Hu, Koren and Volinsky 2008).

    u = (unobserved V'V + sum w_k v_k v_k' + penalty I)^-1 sum w_k v_k, the w_k being the recency weights of n items,
    scaled to sum to n. factors: items x d, V, turned into the eigenvectors of V'V, which changes no product.
    diagonal: unobserved times its eigenvalues, and the penalty; so a fold-in takes a system of the history's size.
    """

    items: tuple[str, ...]
    prior: Scores
    factors: Scores
    diagonal: npt.NDArray[np.float64]
    half_life: float
    kind: PredictorKind = PredictorKind.FACTORS

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        """Return the scores of the candidates; without a history they are the prior."""
        prior, factors = self.prior, self.factors
        if candidates is not None:
            places = inside(candidates, len(self.items))
            prior, factors = prior[places], factors[places]
        known = recent(history, len(self.items))
        if not len(known):
            return prior.copy() if candidates is None else prior
        scores: Scores = factors @ self.folded(known)
        scores += prior
        return scores

    def folded(self, known: Indices) -> Scores:
        """Return the vector u of somebody who dealt with these items, the most recent first; at least one.

        u = D^-1 V'W^.5 (I + W^.5 V D^-1 V'W^.5)^-1 W^.5 1, D being the diagonal (Woodbury).
        """
        count = len(known)
        roots = np.sqrt(recency_weights(count, self.half_life).astype(np.float64) * count)
        vectors = self.factors[known] * roots[:, None]
        divided = vectors / self.diagonal
        system = vectors @ divided.T
        system.flat[:: count + 1] += 1.0
        folded: Scores = (np.linalg.solve(system, roots) @ divided).astype(np.float32)
        return folded


def factors_of(artifact: Artifact) -> Factors:
    """Return the predictor of an artifact.

    Raises:
        ArtifactMalformed: an array or setting is not what it must be, or a fold-in could overflow or have no solution.
    """
    items = read_items(artifact)
    factors, prior = floats(artifact, "factors", len(items), None), floats(artifact, "prior", len(items))
    if not 1 <= factors.shape[1] <= MOST_FACTORS:
        raise ArtifactMalformed(f"The array factors has {factors.shape[1]} columns, not 1 to {MOST_FACTORS}.")
    unobserved = number(artifact, "unobserved", least=LEAST_WEIGHT, most=MOST_WEIGHT)
    penalty = number(artifact, "penalty", least=LEAST_WEIGHT, most=MOST_WEIGHT)
    half_life = number(artifact, "half_life", least=SHORTEST_HALF_LIFE, most=LONGEST_HALF_LIFE)
    longest = float(np.sqrt((factors.astype(np.float64) ** 2).sum(axis=1)).max(initial=0.0))
    worst = LONGEST_HISTORY * longest**2 / penalty
    ensure_bounded("factors", LONGEST_HISTORY * worst + largest(prior))
    if worst > _WORST_CONDITION:
        raise ArtifactMalformed("The setting penalty is so small beside the factors that a fold-in has no solution.")
    turned, spectrum = _turned(factors)
    return Factors(items, prior, turned, spectrum * unobserved + penalty, half_life)


def _turned(factors: Scores) -> tuple[Scores, npt.NDArray[np.float64]]:
    """Return the factors in the eigenvectors of V'V, and its eigenvalues; in blocks, so that memory stays small."""
    blocks = [slice(start, start + _BLOCK) for start in range(0, len(factors), _BLOCK)]
    gram = np.zeros((factors.shape[1], factors.shape[1]))
    for block in blocks:
        part = factors[block].astype(np.float64)
        gram += part.T @ part
    spectrum, turn = np.linalg.eigh(gram)
    turned = np.empty_like(factors)
    for block in blocks:
        turned[block] = factors[block].astype(np.float64) @ turn
    turned.flags.writeable = False
    return turned, np.maximum(spectrum, 0.0)

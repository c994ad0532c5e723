"""How many candidates a model is asked to score."""

from decisions.domains.recommendation.candidates import most_candidates
from models_registry.vocabulary import PredictorKind


def test_most_candidates__only_the_costly_kind__is_bounded():
    assert most_candidates(PredictorKind.RANKING_NETWORK, 10_000) == 1_000
    assert most_candidates(PredictorKind.RANKING_NETWORK, 10) == 10
    assert most_candidates(PredictorKind.TWO_TOWER, 10_000) == 10_000

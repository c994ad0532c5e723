"""The parts of log-odds add up to what the model says, whatever the moment and the calibration."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.predictors.log_odds import log_odds_of
from tests.models_registry.predictors.hashed import SUBJECT, logistic

NUMBERS = st.integers(min_value=1, max_value=2**63 - 1)


@given(subject=st.tuples(NUMBERS, NUMBERS), slope=st.floats(0.1, 3.0), intercept=st.floats(-2.0, 2.0))
def test_parts__of_any_moment__add_up_to_the_log_odds_of_a_click(subject, slope, intercept):
    model = logistic({"click_slope": slope, "click_intercept": intercept, "has_orders": False})
    asked, chosen = np.array(subject, dtype=np.int64), np.array([1, 0])
    parts = log_odds_of(model, asked, chosen)
    assert parts.facts.shape == (2, 2)
    probabilities = 1.0 / (1.0 + np.exp(-(parts.own + parts.facts.sum(axis=1))))
    assert probabilities == pytest.approx(model.score(asked, chosen), rel=1e-4, abs=1e-6)


def test_parts__another_fact__changes_its_own_part_alone():
    model, other = logistic(), SUBJECT.copy()
    other[1] = 999
    before, after = (log_odds_of(model, subject, np.array([0])) for subject in (SUBJECT, other))
    assert after.facts[0, 0] == before.facts[0, 0]
    assert after.facts[0, 1] != before.facts[0, 1]
    assert after.own.tolist() == before.own.tolist()


@pytest.mark.parametrize("subject", [np.zeros(0, np.int64), np.ones(3, np.int64)])
def test_parts__a_subject_of_another_layout__is_refused(subject):
    with pytest.raises(ValueError, match="2 numbers"):
        log_odds_of(logistic(), subject, np.array([0]))


def test_parts__an_action_outside__is_refused():
    with pytest.raises(IndexError):
        log_odds_of(logistic(), SUBJECT, np.array([3]))

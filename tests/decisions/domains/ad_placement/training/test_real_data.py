"""Recorded data: read as their publishers describe them, estimates as they are known, and the whole report."""

from pathlib import Path

import numpy as np
import pytest

from decisions.domain_reports import RecordedDataMissing, markdown
from decisions.domains.ad_placement.training.off_policy import policy_value
from decisions.domains.ad_placement.training.open_bandit import by_position, read_bandit
from decisions.domains.ad_placement.training.real_data import evaluate
from decisions.domains.ad_placement.training.upworthy import FAULTY, picked, read_headlines, split_weeks


def test_open_bandit__both_logs__have_the_clicks_and_values_that_are_known(real_data: Path):
    uniform, thompson = (read_bandit(real_data, name) for name in ("random", "bts"))
    assert (uniform.clicked.sum(), thompson.clicked.sum(), uniform.count) == (46.0, 69.0, 34)
    assert np.allclose(uniform.propensities, 1 / 34)
    wanted = by_position(thompson)[uniform.positions, uniform.items]
    found = policy_value(wanted / uniform.propensities, uniform.clicked)
    assert found.ips.value == pytest.approx(0.005656, abs=1e-6)
    assert found.snips.value == pytest.approx(0.005740, abs=1e-6)
    assert found.effective == pytest.approx(2_869, abs=1)
    back = policy_value((1 / 34) / thompson.propensities, thompson.clicked)
    assert back.ips.value == pytest.approx(0.003009, abs=1e-6)
    assert back.snips.value == pytest.approx(0.003189, abs=1e-6)
    assert back.effective == pytest.approx(655.7, abs=0.1)


def test_upworthy__headlines__are_of_sound_weeks_and_split_by_test_and_time(real_data: Path):
    headlines = read_headlines(real_data)
    assert not np.isin(headlines.weeks, np.array(FAULTY)).any()
    assert (np.bincount(headlines.tests)[np.unique(headlines.tests)] >= 2).all()
    assert (headlines.clicked <= headlines.shown).all()
    calibrate_from, judge_from = split_weeks(headlines.weeks)
    parts = [
        headlines.between(*ends) for ends in ((0, calibrate_from), (calibrate_from, judge_from), (judge_from, 10**6))
    ]
    assert np.sum(parts, axis=0).tolist() == [1] * len(headlines.texts)
    tests = [set(headlines.tests[part].tolist()) for part in parts]
    assert not (tests[0] & tests[1])
    assert not (tests[1] & tests[2])
    assert not (tests[0] & tests[2])
    perfect = picked((headlines.clicked / headlines.shown)[parts[2]], headlines, parts[2])
    assert (perfect.hits == perfect.hits.max()).mean() > 0.95
    nothing = picked(np.zeros(int(parts[2].sum())), headlines, parts[2])
    assert nothing.hits.tolist() == pytest.approx(nothing.chances.tolist())


def test_evaluate__no_data__says_what_is_missing(tmp_path: Path):
    with pytest.raises(RecordedDataMissing, match="upworthy"):
        evaluate(tmp_path, quick=True, tell=lambda _: None)


@pytest.mark.nightly
def test_evaluate__quick__writes_every_table(real_data: Path):
    told: list[str] = []
    text = markdown(evaluate(real_data, quick=True, tell=told.append))
    for title in (
        "Upworthy: headlines",
        "Open Bandit: clicks",
        "Open Bandit: what policies would have earned in clicks",
    ):
        assert f"### {title}" in text
    assert text.count("hashed_network") >= 3
    assert told

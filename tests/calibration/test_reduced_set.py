"""The reduced set of all studies: with so few replicates only a gross error shows, and none may."""

import os
from pathlib import Path

import pytest

from experiments.calibration.running import Order, run
from experiments.calibration.studies.catalogue import all_studies


@pytest.mark.slow
def test_reduced_set__every_study__misses_no_target_without_an_explanation():
    folder = os.environ.get("TILTYARD_REAL_DATA")
    studies = all_studies(Path(folder) if folder else None)
    outcomes = run(studies, Order(processes=os.cpu_count() or 1), lambda _outcome, _over: None)
    unexplained = [
        f"{outcome.name}, {setting.setting}: {result.figure} {result.value:.4f}"
        for outcome in outcomes
        for setting, result in outcome.missed
        if not setting.explained
    ]
    assert unexplained == []
    assert len(outcomes) == len(studies)

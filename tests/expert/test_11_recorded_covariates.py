"""What was known of recorded units before the experiment reduces variance, and does so without bias."""

from pathlib import Path

import numpy as np
import pytest

from experiments.analysis.reasons import Verdict
from experiments.analysis.scorecard import AdjustmentFigures, Comparison
from experiments.queries.looks import latest_look
from experiments.vocabulary import VerdictState
from tests.experiments.recorded.material import make_manifest, write_csv
from tests.fixtures.recorded import import_files
from tests.fixtures.records import make_project

pytestmark = pytest.mark.django_db

UNITS, EFFECT, CORRELATION = 4000, 3.0, 0.8
SPEND = {"name": "spend", "kind": "money", "column": "y", "role": "DECISION", "before": {"column": "x"}}


def look(tmp_path: Path, *, missing: float = 0.0, leak: float = 0.0) -> tuple[Comparison, Verdict]:
    """Import units whose spend follows their spend before with the known correlation and effect."""
    dice = np.random.default_rng(20240301)
    treated = np.arange(UNITS) % 2 == 1
    before = 100 + 20 * dice.standard_normal(UNITS)
    noise = 20 * np.sqrt(1 - CORRELATION**2) * dice.standard_normal(UNITS)
    after = 100 + CORRELATION * (before - 100) + noise + EFFECT * treated
    unknown = dice.random(UNITS) < missing
    known = before + leak * treated
    rows = [
        f"u{index},{'ab'[int(arm)]},{y:.2f},{'' if gone else f'{x:.2f}'}"
        for index, (arm, y, x, gone) in enumerate(zip(treated, after, known, unknown, strict=True))
    ]
    make_project()
    path = write_csv(tmp_path, *rows, header="id,arm,y,x")
    (imported,) = import_files(make_manifest(outcomes=[SPEND]), path)
    found = latest_look(imported.experiment_id)
    assert found is not None
    return found.scorecard.comparison("spend", "treatment"), found.verdict


def adjustment(comparison: Comparison) -> AdjustmentFigures:
    assert comparison.adjustment is not None
    return comparison.adjustment


def test_recorded_covariate__known_for_all__removes_the_share_that_the_correlation_explains(tmp_path: Path):
    comparison, _ = look(tmp_path)
    assert adjustment(comparison).variance_reduction == pytest.approx(CORRELATION**2, abs=0.03)
    assert comparison.absolute.se is not None
    assert comparison.absolute.value == pytest.approx(EFFECT, abs=3 * comparison.absolute.se)


def test_recorded_covariate__unknown_for_half__still_helps_and_stays_unbiased(tmp_path: Path):
    comparison, _ = look(tmp_path, missing=0.5)
    assert adjustment(comparison).missing_share == pytest.approx(0.5, abs=0.03)
    assert adjustment(comparison).variance_reduction == pytest.approx(CORRELATION**2 / 2, abs=0.05)
    assert comparison.absolute.se is not None
    assert comparison.absolute.value == pytest.approx(EFFECT, abs=3 * comparison.absolute.se)


def test_recorded_covariate__measured_after_exposure__is_found_out(tmp_path: Path):
    """A column that the treatment has touched differs between the variants, which what was before cannot do."""
    _, verdict = look(tmp_path, leak=10.0)
    assert verdict.state is VerdictState.INVALID
    assert {"check": "PRE_EXPOSURE_BALANCE"} in [reason.params for reason in verdict.reasons]

"""Units that met several variants are counted, shown and left out, with a warning."""

from datetime import timedelta

import pytest

from experiments.analysis.scorecard import Outcome
from tests.expert.population import arm, exposure, look, receive
from tests.fixtures.records import NOW, make_project, make_running

pytestmark = pytest.mark.django_db


def test_analysis__five_per_cent_of_units_cross_over__are_left_out_and_reported():
    project_id = make_project()
    experiment_id = make_running(project_id)
    at = NOW + timedelta(hours=1)
    messages = [exposure(experiment_id, f"u{index}", arm(index), at) for index in range(2000)]
    crossing = [
        exposure(experiment_id, f"u{index}", arm(index + 1), at + timedelta(hours=1), name="second")
        for index in range(0, 2000, 20)
    ]
    receive(project_id, messages + crossing)
    scorecard, verdict = look(experiment_id, days=9)
    assert scorecard.exclusions.crossovers == 100
    assert scorecard.check("SEVERAL_VARIANTS").outcome is Outcome.FAILED
    assert sum(count.units for count in scorecard.variants) == 1900
    assert any(reason.params.get("check") == "SEVERAL_VARIANTS" for reason in verdict.reasons)

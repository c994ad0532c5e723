"""The sample ratio is examined at the exposure, by epoch, and a failure blocks the verdict."""

from datetime import timedelta

import pytest

from experiments.actions.allocation import change_allocation
from experiments.analysis.scorecard import Outcome
from experiments.vocabulary import VerdictState
from tests.expert.population import arm, exposure, look, receive
from tests.fixtures.records import ACTOR, NOW, make_project, make_running

pytestmark = pytest.mark.django_db


def exposures(experiment_id: int, counts: dict[str, int], *, hours: float, epoch: int, p: float):
    return [
        exposure(experiment_id, f"{variant}-{epoch}-{index}", variant, NOW + timedelta(hours=hours), epoch=epoch, p=p)
        for variant, count in counts.items()
        for index in range(count)
    ]


def test_verdict__treatment_loses_exposures__is_invalid():
    project_id = make_project()
    experiment_id = make_running(project_id)
    kept = [
        exposure(experiment_id, f"u{index}", arm(index), NOW + timedelta(hours=1))
        for index in range(12_000)
        if not (index % 2 and index % 20 == 1)
    ]
    receive(project_id, kept)
    scorecard, verdict = look(experiment_id, days=9)
    assert scorecard.check("SAMPLE_RATIO").outcome is Outcome.FAILED
    assert verdict.state is VerdictState.INVALID
    assert verdict.winner is None


def test_sample_ratio__honest_change_from_ninety_ten_to_half__raises_no_alarm():
    project_id = make_project()
    from tests.fixtures.records import HALVES

    start = [HALVES[0].__class__("control", "C", 900_000, control=True), HALVES[1].__class__("treatment", "T", 100_000)]
    experiment_id = make_running(project_id, variants=start)
    change_allocation(
        experiment_id=experiment_id,
        acting_user=ACTOR,
        now=NOW + timedelta(days=1),
        reason="ramp",
        weights={"control": 500_000, "treatment": 500_000},
    )
    receive(
        project_id,
        [
            *exposures(experiment_id, {"control": 1807}, hours=2, epoch=1, p=0.9),
            *exposures(experiment_id, {"treatment": 193}, hours=2, epoch=1, p=0.1),
            *exposures(experiment_id, {"control": 4980, "treatment": 5020}, hours=26, epoch=2, p=0.5),
        ],
    )
    scorecard, verdict = look(experiment_id, days=10)
    assert scorecard.check("SAMPLE_RATIO").outcome is Outcome.PASSED
    assert verdict.state is not VerdictState.INVALID
    assert [(stratum.epoch, [count.units for count in stratum.variants]) for stratum in scorecard.strata] == [
        (1, [1807, 193]),
        (2, [4980, 5020]),
    ]

import pytest

from simulation.designs import EXPERIMENTS, HORIZON_DAYS, WINDOW_DAYS
from simulation.fast.season import Ending, run_season
from simulation.truth import RECOMMENDATIONS, Truth

SMALL = Truth(items=120)
SEEDS = (1, 2, 3)


def by_key(endings: tuple[Ending, ...]) -> dict[str, Ending]:
    return {ending.experiment: ending for ending in endings}


@pytest.mark.slow
def test_run_season__fixed_seeds__give_no_verdict_against_the_truth():
    truth = Truth()
    for seed in SEEDS:
        endings = run_season(truth, seed)
        assert [ending.experiment for ending in endings] == [design.key for design in EXPERIMENTS]
        judged = {ending.experiment: truth.judgement(ending.experiment, ending.verdict) for ending in endings}
        assert "wrong" not in judged.values(), (seed, endings)
        found = by_key(endings)
        assert found[RECOMMENDATIONS].verdict == "SHIP"
        assert 0.15 < found[RECOMMENDATIONS].true_lift < 0.40
        assert found["lazy-banner"].verdict == "INVALID"
        assert found["pushy-upsell"].verdict == "STOP_FOR_HARM"


@pytest.mark.slow
def test_run_season__one_seed__ends_the_same_way_every_time():
    first, again, other = (run_season(SMALL, seed, per_day=60) for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_run_season__no_verdict__lies_before_a_window_is_closed_or_after_the_horizon():
    for ending in run_season(SMALL, 7, per_day=200):
        earliest = 1 if ending.verdict == "INVALID" else WINDOW_DAYS + 1
        assert earliest <= ending.day <= HORIZON_DAYS


def test_run_season__tastes_that_do_not_differ__leave_the_model_nothing_to_win():
    ending = by_key(run_season(Truth(items=120, taste=0.0, thrift=1e-9), 1, per_day=60))[RECOMMENDATIONS]
    assert ending.true_lift < 0.02

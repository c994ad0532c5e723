"""The truth of the simulated ads: chances in closed form, and a campaign for each device."""

import numpy as np
import pytest

from simulation.ads.truth import DEVICES, MOST_CLICKS, AdTruth, draw_creatives


def test_creatives__of_one_seed__are_always_the_same_and_of_another_differ():
    first, again, other = (draw_creatives(AdTruth(), seed) for seed in (5, 5, 6))
    assert first.items() == again.items()
    assert np.array_equal(first.chances, again.chances)
    assert not np.array_equal(first.chances, other.chances)


def test_creatives__every_device__has_one_campaign_that_fits_best_and_all_differ():
    truth = AdTruth(quality_spread=0.0)
    creatives = draw_creatives(truth, 5)
    best = creatives.campaign[creatives.chances.argmax(axis=0)]
    assert len(set(best.tolist())) == len(DEVICES)
    assert np.allclose(creatives.chances.max(axis=0), truth.click * truth.fit)
    assert np.allclose(creatives.chances.min(axis=0), truth.click * truth.misfit)


def test_click_chances__further_down__fall_as_attention_does():
    creatives = draw_creatives(AdTruth(attention=2.0), 5)
    chances = creatives.click_chances(["ad-000", "ad-000", "ad-000"], "phone")
    assert chances / chances[0] == pytest.approx([1.0, 1 / 1.5, 0.5])


def test_any_click__drawn_often__has_the_frequency_of_the_closed_form():
    creatives = draw_creatives(AdTruth(), 7)
    shown = ["ad-001", "ad-007", "ad-013"]
    chances = creatives.click_chances(shown, "tablet")
    drawn = np.random.default_rng(1).uniform(size=(200_000, 3)) < chances
    expected = creatives.any_click(shown, "tablet")
    error = np.sqrt(expected * (1 - expected) / 200_000)
    assert abs(drawn.any(axis=1).mean() - expected) < 4 * error


def test_truth__without_fit__makes_all_alike():
    creatives = draw_creatives(AdTruth(fit=1.0, misfit=1.0), 5)
    assert np.ptp(creatives.chances, axis=1).max() == 0.0
    assert creatives.chances.max() <= MOST_CLICKS


@pytest.mark.parametrize("faulty", [{"campaigns": 2}, {"creatives": 0}, {"click": 0.0}, {"click": 0.6}])
def test_truth__out_of_bounds__is_refused(faulty):
    with pytest.raises(ValueError, match="campaigns"):
        AdTruth(**faulty)

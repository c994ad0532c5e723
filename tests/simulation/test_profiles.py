from collections import Counter

import numpy as np
import pytest

from simulation.profiles import ATTRIBUTES, BROWSERS, CHANNELS, LONGEST_CRAWL, ROBOT_ATTRIBUTE, ROBOTS, draw_profile

COUNT = 10_000


@pytest.fixture(scope="module")
def profiles():
    generator = np.random.default_rng(1)
    return [draw_profile(generator) for _ in range(COUNT)]


def test_draw_profile__of_many_visitors__has_the_shares(profiles):
    for name, shares in (("browser", BROWSERS), ("channel", CHANNELS)):
        assert sum(shares.values()) == pytest.approx(1.0)
        found = Counter(profile.attributes[name] for profile in profiles)
        for level, share in shares.items():
            assert abs(found[level] - COUNT * share) < 5.0 * (COUNT * share * (1.0 - share)) ** 0.5


def test_draw_profile__robots__say_so_and_a_few_view_hundreds_of_products(profiles):
    robots = [profile for profile in profiles if profile.robot]
    assert abs(len(robots) - COUNT * ROBOTS) < 5.0 * (COUNT * ROBOTS) ** 0.5
    assert all(profile.attributes[ROBOT_ATTRIBUTE] is profile.robot for profile in profiles)
    assert all(1 <= robot.crawled <= LONGEST_CRAWL for robot in robots)
    assert 0 < sum(robot.crawled > 200 for robot in robots) < 0.1 * len(robots)


def test_draw_profile__sends_exactly_the_attributes_that_the_project_stores(profiles):
    assert {tuple(sorted(profile.attributes)) for profile in profiles} == {tuple(sorted(ATTRIBUTES))}


def test_draw_profile__equal_generators__give_equal_profiles():
    assert draw_profile(np.random.default_rng(7)) == draw_profile(np.random.default_rng(7))

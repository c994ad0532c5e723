"""What counts as the reward of a recommendation."""

from decisions.domain import INTERACTIONS
from decisions.domains.recommendation.reward import REWARDS


def test_rewards__every_kind__grows_in_worth_and_in_time():
    assert [reward.name for reward in REWARDS] == ["clicked", "added", "ordered"]
    assert [reward.event for reward in REWARDS] == list(INTERACTIONS)
    assert sorted(reward.worth for reward in REWARDS) == [reward.worth for reward in REWARDS]
    assert sorted(reward.within for reward in REWARDS) == [reward.within for reward in REWARDS]
    assert REWARDS[-1].worth == 1.0

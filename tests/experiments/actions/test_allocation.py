from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.actions.allocation import AllocationInvalid, change_allocation
from experiments.allocation import SLOTS, first_ranges, moved_ranges
from experiments.models import AllocationEpoch
from experiments.vocabulary import ArmState
from tests.fixtures.records import ACTOR, NOW, make_draft, make_project, make_running

LATER = NOW + timedelta(days=1)


@pytest.mark.django_db
def test_change_allocation__new_weights__opens_an_epoch_and_moves_only_the_difference():
    experiment_id = make_running(make_project())
    number = change_allocation(
        experiment_id=experiment_id,
        acting_user=ACTOR,
        now=LATER,
        reason="looks good",
        weights={"control": 200_000, "treatment": 800_000},
    )
    assert number == 2
    epoch = AllocationEpoch.objects.get(experiment_id=experiment_id, number=2)
    assert epoch.opened_at == LATER
    assert {held.variant.key: held.ranges for held in epoch.allocations.all()} == {
        "control": [[0, 200_000]],
        "treatment": [[200_000, 1_000_000]],
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"weights": {"control": 500_000}},
        {"weights": {"control": 100}},
        {"weights": {"nobody": 0}},
        {"coverage": 1_000_001},
        {"coverage": -1},
        {"states": {"control": ArmState.CLOSED, "treatment": ArmState.EMPTY}},
    ],
)
def test_change_allocation__impossible_change__is_refused_and_opens_nothing(change):
    experiment_id = make_running(make_project())
    with pytest.raises(AllocationInvalid):
        change_allocation(experiment_id=experiment_id, acting_user=ACTOR, now=LATER, reason="x", **change)
    assert AllocationEpoch.objects.filter(experiment_id=experiment_id).count() == 1


@pytest.mark.django_db
def test_change_allocation__draft__is_refused():
    experiment_id = make_draft(make_project())
    with pytest.raises(AllocationInvalid):
        change_allocation(experiment_id=experiment_id, acting_user=ACTOR, now=LATER, reason="x", coverage=10)


def splits(size: int) -> st.SearchStrategy[dict[str, int]]:
    cuts = st.lists(st.integers(0, SLOTS), min_size=size - 1, max_size=size - 1).map(sorted)
    return cuts.map(
        lambda inner: {
            f"v{index}": upper - lower
            for index, (lower, upper) in enumerate(zip([0, *inner], [*inner, SLOTS], strict=True))
        }
    )


@given(st.lists(splits(4), min_size=2, max_size=6))
def test_moved_ranges__any_path_of_weights__partitions_the_slots_and_moves_no_more_than_needed(path):
    ranges = first_ranges(path[0])
    for before, after in pairwise(path):
        moved = moved_ranges(ranges, after)
        flat = sorted(piece for pieces in moved.values() for piece in pieces)
        assert flat[0][0] == 0
        assert flat[-1][1] == SLOTS
        assert all(left[1] == right[0] for left, right in pairwise(flat))
        assert {key: sum(b - a for a, b in pieces) for key, pieces in moved.items()} == after
        stayed = sum(max(0, min(b, d) - max(a, c)) for key in after for a, b in ranges[key] for c, d in moved[key])
        assert SLOTS - stayed == sum(max(0, after[key] - before[key]) for key in after)
        ranges = moved

from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.assignment.segments import cut_segments


def test_cut_segments__gaps_and_neighbours__have_their_owners() -> None:
    boundaries, owners = cut_segments([(5, 10, "b"), (0, 5, "a"), (20, 30, "c")])

    assert boundaries == (0, 5, 10, 20, 30)
    assert owners == (None, "a", "b", None, "c", None)


@given(st.lists(st.integers(0, 60), min_size=2, max_size=12, unique=True).map(sorted))
def test_cut_segments__any_disjoint_spans__answer_every_slot(points: list[int]) -> None:
    spans = [(start, end, index) for index, (start, end) in enumerate(zip(points[::2], points[1::2], strict=False))]
    boundaries, owners = cut_segments(spans)

    for slot in range(62):
        expected = next((owner for start, end, owner in spans if start <= slot < end), None)
        assert owners[bisect_right(boundaries, slot)] == expected


def test_cut_segments__shared_slot__is_refused() -> None:
    with pytest.raises(ValueError, match="share slot 4"):
        cut_segments([(0, 5, "a"), (4, 6, "b")])

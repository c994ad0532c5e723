"""Forest bars: positions are the figures, and what does not fit says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.analysis.scorecard import Interval, IntervalStatus, UndefinedReason
from experiments.reports.forest import WIDTH, Axis, axis_for, bar_of, reach_of
from tests.experiments.reports.material import bounded


def test_bar__inside_the_axis__stands_where_the_figures_say() -> None:
    bar = bar_of(Axis(0.1), bounded(-0.05, 0.02), -0.015, -0.02)
    assert bar is not None
    assert (bar.lower, bar.upper, bar.point, bar.margin) == ("50.00", "120.00", "85.00", "80.00")
    assert (bar.cut_lower, bar.cut_upper) == (False, False)


@pytest.mark.parametrize(
    ("lower", "upper", "positions", "cut"),
    [
        (-0.5, 0.05, ("0.00", "150.00"), (True, False)),
        (-0.05, 0.5, ("50.00", "200.00"), (False, True)),
        (-0.5, 0.5, ("0.00", "200.00"), (True, True)),
        (0.3, 0.5, ("200.00", "200.00"), (False, True)),
        (-0.5, -0.3, ("0.00", "0.00"), (True, False)),
    ],
)
def test_bar__longer_than_the_axis__is_cut_on_the_side_where_it_leaves(
    lower: float, upper: float, positions: tuple[str, str], cut: tuple[bool, bool]
) -> None:
    bar = bar_of(Axis(0.1), bounded(lower, upper), None)
    assert bar is not None
    assert ((bar.lower, bar.upper), (bar.cut_lower, bar.cut_upper)) == (positions, cut)


def test_bar__point_outside_the_axis__has_no_marker() -> None:
    bar = bar_of(Axis(0.1), bounded(-0.5, 0.5), 0.3)
    assert bar is not None
    assert bar.point is None


@pytest.mark.parametrize("status", [IntervalStatus.UNBOUNDED, IntervalStatus.UNDEFINED])
def test_bar__without_both_ends__is_not_drawn(status: IntervalStatus) -> None:
    interval = Interval(status, 0.1, None, UndefinedReason.CONTROL_TOO_NOISY)
    assert bar_of(Axis(1.0), interval, 0.2) is None


def test_axis__one_interval_far_longer_than_the_others__does_not_shrink_them() -> None:
    assert axis_for([0.02, 0.03, 0.02, 5.0]).reach == pytest.approx(0.15)


def test_axis__nothing_to_draw__has_a_length_all_the_same() -> None:
    assert axis_for([]).reach == 1.0
    assert axis_for([0.0]).reach == 1.0


@given(st.floats(1e-9, 1e9))
def test_axis__one_interval__holds_it_and_wastes_less_than_half(reach: float) -> None:
    axis = axis_for([reach])
    assert reach <= axis.reach <= 2.0 * 1.05 * reach


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_axis__position__gives_the_value_back(value: float, reach: float) -> None:
    axis = Axis(reach)
    assert axis.x(value) / WIDTH * 2.0 * reach - reach == pytest.approx(value, abs=1e-6 * max(reach, abs(value)))


def test_reach__unbounded_interval__counts_only_the_margin() -> None:
    interval = Interval(IntervalStatus.UNBOUNDED, -9.0, None, UndefinedReason.CONTROL_TOO_NOISY)
    assert reach_of(interval, -0.05) == 0.05

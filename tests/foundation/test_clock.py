from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.clock import ClockInvalid, ClockKind, ClockOverflow, ProjectClock

WALL = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORIGIN = datetime(2025, 1, 1, tzinfo=UTC)


def simulated(speed: float) -> ProjectClock:
    return ProjectClock(kind=ClockKind.SIMULATION, origin=ORIGIN, speed=speed, started_at=WALL)


def test_project_clock__real__is_wall_time_both_ways() -> None:
    clock = ProjectClock(kind=ClockKind.REAL, origin=ORIGIN, speed=60.0, started_at=WALL)

    assert clock.at(WALL) == WALL
    assert clock.wall(WALL) == WALL


def test_project_clock__simulation__moves_by_its_speed_from_its_origin() -> None:
    clock = simulated(1440.0)

    assert clock.at(WALL) == ORIGIN
    assert clock.at(WALL + timedelta(minutes=1)) == ORIGIN + timedelta(days=1)
    assert clock.at(WALL - timedelta(minutes=1)) == ORIGIN - timedelta(days=1)
    assert clock.wall(ORIGIN + timedelta(days=7)) == WALL + timedelta(minutes=7)


@given(
    offset=st.timedeltas(min_value=timedelta(days=-300), max_value=timedelta(days=300)),
    speed=st.floats(min_value=1, max_value=2000),
)
def test_project_clock__there_and_back__returns_within_a_microsecond(offset: timedelta, speed: float) -> None:
    clock = simulated(speed)

    assert abs(clock.wall(clock.at(WALL + offset)) - (WALL + offset)) <= timedelta(microseconds=1)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_project_clock__speed_that_is_not_positive_and_finite__is_refused(speed: float) -> None:
    with pytest.raises(ClockInvalid, match="speed"):
        simulated(speed)


def test_project_clock__naive_or_missing_origin__is_refused() -> None:
    with pytest.raises(ClockInvalid, match="time zone"):
        ProjectClock(kind=ClockKind.SIMULATION, origin=ORIGIN.replace(tzinfo=None), speed=1.0, started_at=WALL)
    with pytest.raises(ClockInvalid, match="origin"):
        ProjectClock(kind=ClockKind.SIMULATION, speed=1.0, started_at=WALL)


def test_project_clock__beyond_the_calendar__says_so() -> None:
    with pytest.raises(ClockOverflow):
        simulated(1e12).at(WALL + timedelta(days=10))

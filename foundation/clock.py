"""A project's clock: real, or, for a simulation, an origin that moves at a speed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import isfinite

from foundation.errors import DomainError


class ClockKind(StrEnum):
    """Whether project time is wall time."""

    REAL = "REAL"
    SIMULATION = "SIMULATION"


class ClockInvalid(DomainError):
    """The parts of a clock contradict each other."""

    code = "CLOCK_INVALID"
    hint = "A simulation clock needs an aware origin, an aware started_at and a finite speed above 0."


class ClockOverflow(DomainError):
    """The time asked for lies outside the years 1 to 9999."""

    code = "CLOCK_OVERFLOW"
    hint = "Choose a later origin or a lower speed."


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectClock:
    """The relation between wall time and project time.

    REAL: both are the same. SIMULATION: project = origin + speed * (wall - started_at), so that `origin` is
    the project time at the wall time `started_at` and `speed` is project seconds in a wall second.
    """

    kind: ClockKind = ClockKind.REAL
    origin: datetime | None = None
    speed: float = 1.0
    started_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.kind == ClockKind.REAL:
            return
        if self.origin is None or self.started_at is None:
            raise ClockInvalid("A simulation clock lacks its origin or its started_at.")
        if self.origin.tzinfo is None or self.started_at.tzinfo is None:
            raise ClockInvalid("The origin and started_at of a simulation clock must carry a time zone.")
        if not (isfinite(self.speed) and self.speed > 0):
            raise ClockInvalid(f"The speed of a simulation clock must be finite and above 0, got {self.speed}.")

    def at(self, wall: datetime) -> datetime:
        """Return the project time at an aware wall time.

        Raises:
            ClockOverflow: the result is outside the years 1 to 9999.
        """
        if self.origin is None or self.started_at is None or self.kind == ClockKind.REAL:
            return wall
        try:
            return self.origin + (wall - self.started_at) * self.speed
        except OverflowError as error:
            raise ClockOverflow(f"{wall.isoformat()} has no project time at speed {self.speed}.") from error

    def wall(self, project_time: datetime) -> datetime:
        """Return the wall time at which an aware project time is reached (the inverse of `at`).

        Raises:
            ClockOverflow: the result is outside the years 1 to 9999.
        """
        if self.origin is None or self.started_at is None or self.kind == ClockKind.REAL:
            return project_time
        try:
            return self.started_at + (project_time - self.origin) / self.speed
        except OverflowError as error:
            raise ClockOverflow(f"{project_time.isoformat()} has no wall time at speed {self.speed}.") from error

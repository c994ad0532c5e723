"""The checks that formulas of single figures make first: what cannot be is refused by name, not computed with."""

import math
from typing import ClassVar

from foundation.errors import DomainError


class FigureInvalid(DomainError):
    """A figure for which a formula has no meaning."""

    code: ClassVar[str] = "FIGURE_INVALID"
    hint = "Correct the figure that the message names."


def finite(**figures: float) -> None:
    """Check that figures are finite. Raises FigureInvalid, as all of these do."""
    for name, value in figures.items():
        if not math.isfinite(value):
            raise FigureInvalid(f"{name}: must be finite, not {value}")


def positive(**figures: float) -> None:
    """Check that figures are above 0 and finite."""
    for name, value in figures.items():
        if not 0.0 < value < math.inf:
            raise FigureInvalid(f"{name}: must be above 0 and finite, not {value}")


def not_negative(**figures: float) -> None:
    """Check that figures are 0 or more and finite."""
    for name, value in figures.items():
        if not 0.0 <= value < math.inf:
            raise FigureInvalid(f"{name}: must be 0 or more and finite, not {value}")


def between_0_and_1(**figures: float) -> None:
    """Check that figures lie strictly between 0 and 1."""
    for name, value in figures.items():
        if not 0.0 < value < 1.0:
            raise FigureInvalid(f"{name}: must be between 0 and 1, not {value}")


def probabilities(**figures: float) -> None:
    """Check that figures lie between 0 and 1, both included."""
    for name, value in figures.items():
        if not 0.0 <= value <= 1.0:
            raise FigureInvalid(f"{name}: must be from 0 to 1, not {value}")

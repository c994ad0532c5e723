"""Randomisation inference: how extreme is the difference among the assignments that could have been drawn?

Rests on the design alone, so it holds for few clusters and any distribution. The null is that no unit responds at all.
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from experiments.statistics.figures import not_negative
from experiments.statistics.moments import Vector
from experiments.statistics.results import Alternative, Undefined, UndefinedReason
from experiments.statistics.rows import Mask, RowsInvalid, finite_column, probability, treated_column
from foundation.errors import DomainError

MOST_ASSIGNMENTS = 200_000
DRAWS = 5_000
_CELLS = 1_000_000
_TIE = 1e-9


class TooManyAssignments(DomainError):
    """An enumeration that would take too long."""

    code: ClassVar[str] = "TOO_MANY_ASSIGNMENTS"
    hint = "Draw assignments from the design and use the Monte-Carlo test."


@dataclass(frozen=True, slots=True)
class RandomisationTest:
    """The difference of means, its p-value and the assignments it was compared with."""

    estimate: float
    p_value: float
    assignments: int


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What was randomised: each unit's sum and size (1 for a single value, rows for a cluster)."""

    sums: Vector
    sizes: Vector

    def difference(self, assigned: Mask) -> Vector:
        """Return treatment - control, sum / size in each arm, for each row of `assigned`; NaN where an arm is empty."""
        chosen = assigned.astype(float)
        size, total = chosen @ self.sizes, chosen @ self.sums
        rest = self.sizes.sum() - size
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Vector = total / size - (self.sums.sum() - total) / rest
        return np.where((size > 0.0) & (rest > 0.0), found, np.nan)


def units(sums: ArrayLike, sizes: ArrayLike | None = None) -> Units:
    """Return the randomised units. Raises RowsInvalid for values that are not finite or sizes that are not above 0."""
    total = finite_column("sums", sums)
    size = np.ones_like(total) if sizes is None else finite_column("sizes", sizes)
    if size.size != total.size:
        raise RowsInvalid(f"sizes: has {size.size} rows instead of {total.size}")
    if np.any(size <= 0.0):
        raise RowsInvalid("sizes: must be above 0")
    return Units(total, size)


def exact_test(
    given: Units, treatment: ArrayLike, alternative: Alternative = Alternative.TWO_SIDED
) -> RandomisationTest | Undefined:
    """Return Fisher's exact test of complete randomisation: the share of all assignments at least as extreme.

    All assignments with as many treated units count, the one drawn among them (Fisher 1935). Raises
    TooManyAssignments beyond 200 000, RowsInvalid for rows that cannot be.
    """
    treated = treated_column("treatment", treatment, given.sums.size)
    count = math.comb(treated.size, int(treated.sum()))
    if count > MOST_ASSIGNMENTS:
        raise TooManyAssignments(f"{count} assignments are more than {MOST_ASSIGNMENTS}")
    found = _compare(given, treated, _every_assignment(treated), alternative)
    if isinstance(found, Undefined):
        return found
    estimate, extreme, drawn = found
    return RandomisationTest(estimate, extreme / drawn, drawn)


def monte_carlo_test(
    given: Units,
    treatment: ArrayLike,
    redrawn: Iterable[Mask],
    alternative: Alternative = Alternative.TWO_SIDED,
) -> RandomisationTest | Undefined:
    """Return the test against assignments drawn again from the design that was really used: p = (1 + #) / (1 + B).

    redrawn: blocks of assignments, each of shape (draws, units), from `complete`, `coins` or any other design. Those
    with an empty arm do not count, because the difference does not exist there. Valid for any B (Phipson & Smyth
    2010). Raises RowsInvalid for rows that cannot be.
    """
    treated = treated_column("treatment", treatment, given.sums.size)
    found = _compare(given, treated, redrawn, alternative)
    if isinstance(found, Undefined):
        return found
    estimate, extreme, drawn = found
    return RandomisationTest(estimate, (1 + extreme) / (1 + drawn), drawn)


def complete(treatment: ArrayLike, rng: np.random.Generator, *, draws: int = DRAWS) -> Iterator[Mask]:
    """Yield assignments with as many treated units as were drawn, in blocks that fit the memory."""
    treated = np.asarray(treatment) == 1
    for size in _blocks(draws, treated.size):
        yield rng.permuted(np.tile(treated, (size, 1)), axis=1)


def coins(count: int, share: float, rng: np.random.Generator, *, draws: int = DRAWS) -> Iterator[Mask]:
    """Yield assignments in which each unit is treated with probability `share`, in blocks that fit the memory."""
    probability("share", share)
    not_negative(count=count)
    for size in _blocks(draws, count):
        yield rng.random((size, count)) < share


def _compare(
    given: Units, treated: Mask, assignments: Iterable[Mask], alternative: Alternative
) -> tuple[float, int, int] | Undefined:
    if treated.all() or not treated.any():
        return Undefined(UndefinedReason.NO_DATA)
    # in units of the largest value and about the common mean, so that neither scale nor level costs digits
    peak = float(np.abs(given.sums).max()) or 1.0
    scaled = given.sums / peak
    centred = Units(scaled - given.sizes * (scaled.sum() / given.sizes.sum()), given.sizes)
    reach = float(np.abs(centred.sums).max())
    if reach <= 1e-4 * _TIE:
        return Undefined(UndefinedReason.NO_VARIANCE)
    estimate = float(centred.difference(treated[None, :])[0])
    seen, limit = _extremity(np.array([estimate]), alternative)[0], _TIE * max(abs(estimate), 1e-6 * reach)
    extreme = drawn = 0
    for block in assignments:
        if block.ndim != 2 or block.shape[1] != treated.size:
            raise RowsInvalid(f"redrawn: has shape {block.shape} instead of (draws, {treated.size})")
        differences = centred.difference(block)
        differences = differences[np.isfinite(differences)]
        extreme += int(np.count_nonzero(_extremity(differences, alternative) >= seen - limit))
        drawn += differences.size
    return (peak * estimate, extreme, drawn) if drawn else Undefined(UndefinedReason.NO_DATA)


def _extremity(differences: Vector, alternative: Alternative) -> Vector:
    if alternative is Alternative.TWO_SIDED:
        return np.abs(differences)
    return differences if alternative is Alternative.GREATER else -differences


def _every_assignment(treated: Mask) -> Iterator[Mask]:
    n, chosen = treated.size, int(treated.sum())
    every = itertools.combinations(range(n), chosen)
    while block := list(itertools.islice(every, max(1, _CELLS // max(1, n)))):
        assigned = np.zeros((len(block), n), dtype=np.bool_)
        np.put_along_axis(assigned, np.array(block, dtype=np.intp), values=True, axis=1)
        yield assigned


def _blocks(draws: int, width: int) -> Iterator[int]:
    if draws < 1:
        raise RowsInvalid(f"draws: must be at least 1, not {draws}")
    most = max(1, _CELLS // max(1, width))
    for start in range(0, draws, most):
        yield min(most, draws - start)

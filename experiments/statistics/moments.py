"""Exact power sums of per-unit variables, and the centred moments that every estimator starts from.

`PowerSums` are what a query returns: integers, so that neither the order of rows nor the engine can change a
digit. `Moments` are what an estimator takes: means and centred cross-products in the variables' own scale,
computed from the integers with one rounding each.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from foundation.errors import DomainError

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


class MomentsInvalid(DomainError):
    """Sums that no set of units can have produced."""

    code: ClassVar[str] = "MOMENTS_INVALID"
    hint = "Recompute the sums from the units: one row per unit, integers only."


def pair_count(variables: int) -> int:
    """Return how many entries the upper triangle of a `variables` x `variables` matrix has."""
    return variables * (variables + 1) // 2


@dataclass(frozen=True, slots=True)
class PowerSums:
    """Exact integer sums over the units of one variant, one stratum.

    names: the variables, in order (`y` first).
    sums: sum of each variable, in its integer scale (money in 1e-6).
    products: upper triangle, row by row, of the sums of products (y*y, y*d, y*x, d*d, d*x, x*x for y, d, x).
    nonzero: units in which each variable is not 0; empty when it was not counted.
    cubes: sum of the cubes of the first variable; None when it was not counted.
    """

    n: int
    names: tuple[str, ...]
    sums: tuple[int, ...]
    products: tuple[int, ...]
    nonzero: tuple[int, ...] = ()
    cubes: int | None = None

    def __post_init__(self) -> None:
        size = len(self.names)
        if self.n < 0:
            raise MomentsInvalid(f"n: must be 0 or more, not {self.n}")
        if size == 0 or len(set(self.names)) != size:
            raise MomentsInvalid(f"names: must be distinct and not empty, not {self.names}")
        if len(self.sums) != size:
            raise MomentsInvalid(f"sums: needs {size} values, has {len(self.sums)}")
        if len(self.products) != pair_count(size):
            raise MomentsInvalid(f"products: needs {pair_count(size)} values, has {len(self.products)}")
        if self.nonzero and len(self.nonzero) != size:
            raise MomentsInvalid(f"nonzero: needs {size} values or none, has {len(self.nonzero)}")
        for index, name in enumerate(self.names):
            square = self.products[_position(index, index, size)]
            if self.n * square < self.sums[index] ** 2:
                raise MomentsInvalid(f"{name}: the sum of squares is smaller than its sum allows")

    @classmethod
    def from_text(
        cls,
        *,
        n: int | str,
        names: Sequence[str],
        sums: Sequence[int | str],
        products: Sequence[int | str],
        nonzero: Sequence[int | str] = (),
        cubes: int | str | None = None,
    ) -> Self:
        """Return the sums that a query delivered as decimal text.

        Raises MomentsInvalid when a value is not a whole number.
        """
        return cls(
            n=_integer("n", n),
            names=tuple(names),
            sums=tuple(_integer("sums", value) for value in sums),
            products=tuple(_integer("products", value) for value in products),
            nonzero=tuple(_integer("nonzero", value) for value in nonzero),
            cubes=None if cubes is None else _integer("cubes", cubes),
        )

    @classmethod
    def zero(cls, names: Sequence[str]) -> Self:
        """Return the sums of no units."""
        size = len(names)
        return cls(0, tuple(names), (0,) * size, (0,) * pair_count(size), (0,) * size, 0)

    def merge(self, other: Self) -> Self:
        """Return the sums of both sets of units together."""
        if self.names != other.names:
            raise MomentsInvalid(f"names: {self.names} cannot be merged with {other.names}")
        both_counted = bool(self.nonzero) and bool(other.nonzero)
        cubed = self.cubes is not None and other.cubes is not None
        return type(self)(
            n=self.n + other.n,
            names=self.names,
            sums=_add(self.sums, other.sums),
            products=_add(self.products, other.products),
            nonzero=_add(self.nonzero, other.nonzero) if both_counted else (),
            cubes=(self.cubes or 0) + (other.cubes or 0) if cubed else None,
        )

    def total(self, name: str) -> int:
        """Return the sum of one variable in its integer scale."""
        return self.sums[self.names.index(name)]

    def product(self, left: str, right: str) -> int:
        """Return the sum of products of two variables in their integer scales."""
        i, j = sorted((self.names.index(left), self.names.index(right)))
        return self.products[_position(i, j, len(self.names))]

    def count_nonzero(self, name: str) -> int | None:
        """Return the units in which a variable is not 0, or None when that was not counted."""
        return self.nonzero[self.names.index(name)] if self.nonzero else None


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Means and centred cross-products of `n` units, in the variables' own scale.

    mean: shape (k,). scatter: shape (k, k), the sums of (x - mean)(x - mean)'; covariance is scatter / (n - 1).
    third: sum of (y - mean)^3 of the first variable, or None. nonzero: as in `PowerSums`.
    """

    n: int
    names: tuple[str, ...]
    mean: Vector
    scatter: Matrix
    third: float | None = None
    nonzero: tuple[int, ...] = ()

    @classmethod
    def from_power_sums(cls, sums: PowerSums, divisors: Mapping[str, int] | None = None) -> Self:
        """Return the centred moments of exact sums; `divisors` holds integer units in one own unit (money 1 000 000).

        Every entry is a quotient of exact integers, rounded once: (n P_ij - S_i S_j) / (n d_i d_j).
        Raises MomentsInvalid when a value does not fit a float.
        """
        size = len(sums.names)
        units = [(divisors or {}).get(name, 1) for name in sums.names]
        mean = np.zeros(size)
        scatter = np.zeros((size, size))
        third: float | None = None
        if sums.n == 0:
            return cls(0, sums.names, _frozen(mean), _frozen(scatter), None, sums.nonzero)
        try:
            for i in range(size):
                mean[i] = sums.sums[i] / (sums.n * units[i])
                for j in range(i, size):
                    product = sums.products[_position(i, j, size)]
                    centred = sums.n * product - sums.sums[i] * sums.sums[j]
                    scatter[i, j] = scatter[j, i] = centred / (sums.n * units[i] * units[j])
            if sums.cubes is not None:
                first, square = sums.sums[0], sums.products[0]
                cubed = sums.n**2 * sums.cubes - 3 * sums.n * first * square + 2 * first**3
                third = cubed / (sums.n**2 * units[0] ** 3)
        except OverflowError as error:
            raise MomentsInvalid("sums: a moment is too large to compute with") from error
        return cls(sums.n, sums.names, _frozen(mean), _frozen(scatter), third, sums.nonzero)

    def merge(self, other: Self) -> Self:
        """Return the moments of both sets of units together (Chan, Golub & LeVeque 1983)."""
        if self.names != other.names:
            raise MomentsInvalid(f"names: {self.names} cannot be merged with {other.names}")
        n = self.n + other.n
        if self.n == 0 or other.n == 0:
            return other if self.n == 0 else self
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.n / n)
        weight = self.n * other.n / n
        scatter = self.scatter + other.scatter + delta[:, None] * delta * weight
        third: float | None = None
        if self.third is not None and other.third is not None:
            shift = float(delta[0])
            third = (
                self.third
                + other.third
                + shift * shift * shift * weight * (self.n - other.n) / n
                + 3 * shift * (self.n * float(other.scatter[0, 0]) - other.n * float(self.scatter[0, 0])) / n
            )
        counted = bool(self.nonzero) and bool(other.nonzero)
        nonzero = _add(self.nonzero, other.nonzero) if counted else ()
        return type(self)(n, self.names, _frozen(mean), _frozen(scatter), third, nonzero)

    def select(self, names: Sequence[str]) -> Self:
        """Return the moments of some of the variables, in the order given."""
        if tuple(names) == self.names:
            return self
        index = [self.names.index(name) for name in names]
        keeps_first = bool(index) and index[0] == 0
        return type(self)(
            self.n,
            tuple(names),
            _frozen(self.mean[index]),
            _frozen(self.scatter[index][:, index]),
            self.third if keeps_first else None,
            tuple(self.nonzero[i] for i in index) if self.nonzero else (),
        )

    def transform(self, names: Sequence[str], matrix: Matrix, shift: Vector | None = None) -> Self:
        """Return the moments of `matrix @ variables + shift`, named `names`; counts and the third moment are lost."""
        mean = matrix @ self.mean + (0.0 if shift is None else shift)
        scatter = matrix @ self.scatter @ matrix.T
        # a variable that hardly varies may get a sum of squares just below 0 by rounding
        np.fill_diagonal(scatter, np.maximum(scatter.diagonal(), 0.0))
        return type(self)(self.n, tuple(names), _frozen(mean), _frozen(scatter))

    def mean_of(self, name: str) -> float:
        """Return the mean of one variable."""
        return float(self.mean[self.names.index(name)])

    def covariance(self, left: str, right: str) -> float:
        """Return the sample covariance of two variables, divisor n - 1 (n must be at least 2)."""
        return float(self.scatter[self.names.index(left), self.names.index(right)]) / (self.n - 1)

    def variance(self, name: str) -> float:
        """Return the sample variance of one variable, divisor n - 1 (n must be at least 2)."""
        return self.covariance(name, name)

    def count_nonzero(self, name: str) -> int | None:
        """Return the units in which a variable is not 0, or None when that was not counted."""
        return self.nonzero[self.names.index(name)] if self.nonzero else None

    def skewness(self) -> float | None:
        """Return the skewness of the first variable, or None when it is unknown or the variable does not vary."""
        spread = float(self.scatter[0, 0])
        if self.third is None or self.n == 0 or spread <= 0.0:
            return None
        variance = spread / self.n
        cubed = variance * math.sqrt(variance)
        return self.third / self.n / cubed if math.isfinite(cubed) and cubed > 0.0 else None


def _position(i: int, j: int, size: int) -> int:
    return i * size - i * (i - 1) // 2 + (j - i)


def _add(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(left, right, strict=True))


def _integer(field: str, value: int | str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise MomentsInvalid(f"{field}: {value!r} is not a whole number") from error


def _frozen(array: NDArray[np.float64]) -> NDArray[np.float64]:
    array.flags.writeable = False
    return array

"""Unit rows as arrays: the checks that every estimator on rows makes first."""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from experiments.statistics.moments import Vector
from foundation.errors import DomainError

Mask = NDArray[np.bool_]


class RowsInvalid(DomainError):
    """Columns of unit rows that no table of units can hold."""

    code: ClassVar[str] = "ROWS_INVALID"
    hint = "Give one finite number for each row, and every column in the same order and of the same length."


def finite_column(name: str, values: ArrayLike) -> Vector:
    """Return the values as a one-dimensional array of floats. Raises RowsInvalid for anything not finite."""
    column: Vector = np.asarray(values, dtype=float)
    if column.ndim != 1:
        raise RowsInvalid(f"{name}: must be one column, not {column.ndim}-dimensional")
    if not np.all(np.isfinite(column)):
        raise RowsInvalid(f"{name}: {int(np.count_nonzero(~np.isfinite(column)))} values are not finite")
    return column


def treated_column(name: str, values: ArrayLike, length: int) -> Mask:
    """Return which rows are treated. Raises RowsInvalid unless every one of `length` values is 0 or 1."""
    column = finite_column(name, values)
    if column.size != length:
        raise RowsInvalid(f"{name}: has {column.size} rows instead of {length}")
    treated: Mask = column == 1.0
    if not np.all(treated | (column == 0.0)):
        raise RowsInvalid(f"{name}: must be 0 for control or 1 for the treatment")
    return treated


def codes_of(name: str, values: ArrayLike, length: int) -> tuple[NDArray[np.intp], int]:
    """Return the rows' groups as numbers from 0 and how many groups there are. Raises RowsInvalid for the length."""
    column = np.asarray(values)
    if column.ndim != 1 or column.size != length:
        raise RowsInvalid(f"{name}: has shape {column.shape} instead of ({length},)")
    names, codes = np.unique(column, return_inverse=True)
    return codes.astype(np.intp), int(names.size)


def probability(name: str, value: float) -> float:
    """Return the value. Raises RowsInvalid unless it lies strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise RowsInvalid(f"{name}: must be between 0 and 1, not {value}", hint="Give a share such as 0.9.")
    return value

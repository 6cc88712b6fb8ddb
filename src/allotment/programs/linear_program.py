"""A linear programme that is put together block by block: maximise value · x, low <= A x <= high, lower <= x <= upper.

Columns are variables; arrays of them have the shape of what they stand for, and `NONE` where there is no such variable, which
then counts as nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

from allotment.quantities import Floats, Integers

NONE = -1  # where an array of columns has no variable


MANY = 20_000  # variables from which on interior points are faster than the simplex method


class Unsolved(Exception):
    """A programme without a solution: `infeasible`, `unbounded`, or stopped."""


@dataclass(frozen=True)
class Solution:
    """The best value of a programme, and where it is reached."""

    value: float  # money
    x: Floats  # (columns,)

    def of(self, columns: Integers) -> Floats:
        """Return the values of an array of columns, 0 where there is none."""
        return np.where(columns == NONE, 0.0, self.x[columns])


@dataclass
class LinearProgram:
    """Variables, rows and value of a programme in the making."""

    columns: int = 0
    rows: int = 0
    constant: float = 0.0  # money that no variable changes
    _lower: list[Floats] = field(default_factory=list)
    _upper: list[Floats] = field(default_factory=list)
    _low: list[Floats] = field(default_factory=list)
    _high: list[Floats] = field(default_factory=list)
    _entries: list[tuple[Integers, Integers, Floats]] = field(default_factory=list)  # row, column, coefficient
    _values: list[tuple[Integers, Floats]] = field(default_factory=list)  # column, money a unit

    def variables(self, lower: Floats | float, upper: Floats | float, there: NDArray[Any]) -> Integers:
        """Add a variable wherever `there` is not 0; returns their columns in its shape."""
        chosen = np.asarray(there) != 0
        columns = np.full(chosen.shape, NONE, dtype=np.int64)
        columns[chosen] = self.columns + np.arange(chosen.sum())
        self._lower.append(np.broadcast_to(lower, chosen.shape)[chosen].astype(np.float64))
        self._upper.append(np.broadcast_to(upper, chosen.shape)[chosen].astype(np.float64))
        self.columns += int(chosen.sum())
        return columns

    def constraints(self, low: Floats | float, high: Floats | float, shape: tuple[int, ...]) -> Integers:
        """Add a row for each place of a shape; returns their numbers."""
        rows = self.rows + np.arange(int(np.prod(shape))).reshape(shape)
        self._low.append(np.broadcast_to(low, shape).astype(np.float64).ravel())
        self._high.append(np.broadcast_to(high, shape).astype(np.float64).ravel())
        self.rows += rows.size
        return rows

    def add(self, rows: Integers, columns: Integers, coefficients: Floats | float) -> None:
        """Add coefficients to rows; the three broadcast, and rows or columns that are `NONE` count for nothing."""
        rows, columns, coefficients = np.broadcast_arrays(rows, columns, coefficients)
        there = (columns != NONE) & (rows != NONE) & (coefficients != 0.0)
        self._entries.append((rows[there], columns[there], coefficients[there].astype(np.float64)))

    def pay(self, columns: Integers, money: Floats | float) -> None:
        """Let every unit of some variables be worth so much more."""
        columns, money = np.broadcast_arrays(columns, money)
        there = (columns != NONE) & (money != 0.0)
        self._values.append((columns[there], money[there].astype(np.float64)))

    def fix(self, columns: Integers, units: Floats) -> None:
        """Let the sums of variables over their last axis be so many units."""
        rows = self.constraints(units, units, columns.shape[:-1])
        self.add(rows[..., None], columns, 1.0)

    def solve(self) -> Solution:
        """Return the best solution; `Unsolved` says why there is none."""
        value = np.zeros(self.columns)
        for columns, money in self._values:
            np.add.at(value, columns, money)
        lower, upper = np.concatenate(self._lower), np.concatenate(self._upper)
        rows = self.matrix(), np.concatenate(self._low), np.concatenate(self._high)
        found = _best_inside(value, lower, upper, *rows) if self.columns > MANY else _best(value, lower, upper, *rows)
        if found.x is None or found.status != 0:
            raise Unsolved({2: "infeasible", 3: "unbounded"}.get(found.status, found.message))
        return Solution(self.constant - float(found.fun), found.x)

    def matrix(self) -> sparse.csc_array:
        """Return the coefficients, (rows, columns)."""
        rows, columns, values = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        return sparse.csc_array((values, (rows, columns)), shape=(self.rows, self.columns))


def _best(value: Floats, lower: Floats, upper: Floats, matrix: sparse.csc_array, low: Floats, high: Floats) -> Any:
    """Return what the simplex method finds."""
    constraints = optimize.LinearConstraint(matrix, low, high)
    return optimize.milp(-value, bounds=optimize.Bounds(lower, upper), constraints=constraints)


def _best_inside(value: Floats, lower: Floats, upper: Floats, matrix: sparse.csc_array, low: Floats, high: Floats) -> Any:
    """Return what an interior point method finds."""
    rows = sparse.csr_array(matrix)
    equal, at_most, at_least = low == high, (low < high) & np.isfinite(high), (low < high) & np.isfinite(low)
    return optimize.linprog(
        -value,
        A_ub=sparse.vstack([rows[at_most], -rows[at_least]]),
        b_ub=np.concatenate([high[at_most], -low[at_least]]),
        A_eq=rows[equal],
        b_eq=low[equal],
        bounds=np.stack([lower, upper], axis=1),
        method="highs-ipm",
    )

"""The kernel's memory: every array of a problem and a batch of worlds, and the table by which compiled functions find them.

Arrays of worlds have the batch as their last axis, so that a row of worlds lies together; `state`, `flows` and `decision` show
them with the batch first, without a copy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allotment.engine import layout as f
from allotment.engine.compiled import COLUMNS, LENGTHS, ROWS, function_addresses
from allotment.engine.kernel import MODULES  # noqa: F401, importing them says where their functions are
from allotment.engine.state import DECISION, FLOWS, STATE, SUMS, Decision, Flows, State, Sums, reserves
from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import Problem
from allotment.scenario.sizes import in_gib, memory_of_machine

Slabs = tuple[NDArray[np.float64], NDArray[np.int64]]


class Memory:
    """The arrays of a batch of worlds of one problem."""

    def __init__(self, problem: Problem, batch: int) -> None:
        check_memory(problem, batch)
        self.problem, self.batch = problem, batch
        self.record = Record(problem, batch)
        self.arrays = _arrays(problem, batch) | self.record.arrays()
        self.table = table_of(self.arrays)
        self.address = self.table.ctypes.data  # what functions of the kernel are handed
        self.state = State(*self._seen("", STATE))
        self.flows = self.record.flows()
        self.decision = Decision(*self._seen("DECISION_", DECISION))
        self.divide_alike()

    def _seen(self, prefix: str, names: Iterable[str]) -> list[NDArray[Any]]:
        return [_batch_first(self.arrays[f.PLACES[prefix + name.upper()]]) for name in names]

    def put(self, field: int, array: NDArray[Any]) -> None:
        """Let functions of the kernel find another array in the place of a field."""
        self.arrays[field] = array
        self.table[field] = row_of(array, field)

    def begin_sums(self, discount: NDArray[np.float64], margin: NDArray[np.float64]) -> Sums:
        """Begin the sums of episodes from nothing; discount by measured period, margin (T, C, K) in money/unit lost."""
        for name, field in SUMS.items():
            self.put(f.PLACES[f"SUMMED_{name.upper()}"], np.full((*field.shape(self.problem), self.batch), field.start))
        self.put(f.MEASURED_DISCOUNT, np.ascontiguousarray(discount, dtype=np.float64))
        self.put(f.MEASURED_MARGIN, np.ascontiguousarray(margin, dtype=np.float64))
        return Sums(*self._seen("SUMMED_", SUMS))

    def ship(self, allocates: bool) -> None:
        """Say whether the next step ships what the policy allocates, or what the scenario's rule does."""
        self.arrays[f.SETTINGS][f.ALLOCATES] = allocates
        self.arrays[f.SETTINGS][f.RESERVES] = allocates and reserves(self.problem)

    def divide_alike(self) -> None:
        """Let budgets share the total alike, until something else is decided; what exceeds the total is cut in proportion."""
        assert self.decision.budget is not None
        self.decision.budget[...] = self.problem.treasury.total.max()

    def clear(self) -> None:
        """Put every world into the state before its first period, with nothing anywhere."""
        for array, field in zip(self.state, STATE.values(), strict=True):
            array[...] = field.start

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what the worlds hold; addresses are those of the process that unpickles."""
        return _again, (self.problem, self.batch, [np.array(array) for array in self.state], self.record.slabs)


def check_memory(problem: Problem, batch: int) -> None:
    """Refuse more worlds, or larger ones, than this machine can hold: `ScenarioError` says how much they take."""
    fields = [(math.prod(field.declared.shape(problem)), field.name) for field in f.FIELDS if field.by_world]
    each, most = sum(numbers for numbers, _ in fields), memory_of_machine() // 8
    if each * batch > most:
        worlds = "a world takes" if batch == 1 else f"a batch of {batch:,} worlds takes"
        numbers, name = max(fields)
        of_these = f"{numbers:,} of a world's {each:,} numbers are its {name.lower()}"
        raise ScenarioError(f"{worlds} {in_gib(each * batch)} of this machine's {in_gib(most)}; {of_these}")


def _again(problem: Problem, batch: int, state: list[NDArray[Any]], slabs: Slabs) -> Memory:
    memory = Memory(problem, batch)
    for array, kept in zip(memory.state, state, strict=True):
        array[...] = kept
    for slab, kept in zip(memory.record.slabs, slabs, strict=True):
        slab[...] = kept
    return memory


class Record:
    """The record of a period in two slabs, numbers and codes, so that it is kept with two copies."""

    def __init__(self, problem: Problem, batch: int) -> None:
        self.batch = batch
        self.shapes = {name: field.shape(problem) for name, field in FLOWS.items()}
        self.places: dict[str, tuple[int, int, int]] = {}  # slab, first and last place
        lengths = [0, 0]
        for name, field in FLOWS.items():
            slab = int(field.dtype == np.int64)
            start, lengths[slab] = lengths[slab], lengths[slab] + math.prod(self.shapes[name]) * batch
            self.places[name] = slab, start, lengths[slab]
        self.slabs: Slabs = np.zeros(lengths[0]), np.zeros(lengths[1], dtype=np.int64)

    def arrays(self) -> dict[int, NDArray[Any]]:
        """Return the arrays that the kernel fills, by their field."""
        return {f.PLACES[f"FLOWS_{name.upper()}"]: self._array(name, self.slabs) for name in FLOWS}

    def kept(self) -> Slabs:
        """Return a copy of the period's record, to be read with `flows`."""
        return self.slabs[0].copy(), self.slabs[1].copy()

    def flows(self, slabs: Slabs | None = None) -> Flows:
        """Return a record by name, the current one or one that was kept."""
        chosen = self.slabs if slabs is None else slabs
        return Flows(*(_batch_first(self._array(name, chosen)) for name in FLOWS))

    def _array(self, name: str, slabs: Slabs) -> NDArray[Any]:
        slab, start, stop = self.places[name]
        return slabs[slab][start:stop].reshape(*self.shapes[name], self.batch)


def _batch_first(array: NDArray[Any]) -> NDArray[Any]:
    return np.moveaxis(array, -1, 0)


def _arrays(problem: Problem, batch: int) -> dict[int, NDArray[Any]]:
    """Return a problem's arrays and those of worlds as an episode begins, by their field."""
    ours = [(place, field) for place, field in enumerate(f.FIELDS) if not (field.given or field.name.startswith("FLOWS_"))]
    return {place: field.array(problem, batch) for place, field in ours}


def table_of(arrays: dict[int, NDArray[Any]]) -> NDArray[np.int64]:
    """Return the addresses and lengths of arrays by their field, and those of the kernel's functions, (rows, columns)."""
    addresses = function_addresses()
    table = np.zeros((len(f.FIELDS) + len(addresses), COLUMNS), dtype=np.int64)
    for field, array in arrays.items():
        table[field] = row_of(array, field)
    table[len(f.FIELDS) :, 0] = addresses
    return table


def row_of(array: NDArray[Any], field: int) -> NDArray[np.int64]:
    """Return the address and the lengths of an array, as a table holds them; `TypeError` where it is not as declared."""
    declared = f.FIELDS[field]
    if not array.flags.c_contiguous or array.dtype != declared.declared.dtype or array.ndim != declared.dimensions:
        kind = np.dtype(declared.declared.dtype)
        raise TypeError(
            f"{declared.name} is a contiguous array of {kind} with {declared.dimensions} axes, "
            f"not of {array.dtype} with {array.ndim}"
        )
    row = np.zeros(COLUMNS, dtype=np.int64)
    row[0], row[ROWS] = array.ctypes.data, math.prod(array.shape[:-1])
    row[LENGTHS : LENGTHS + array.ndim] = array.shape
    return row

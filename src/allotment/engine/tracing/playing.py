"""Playing code in blocks of worlds: compiled, and as a function that Torch differentiates.

A block's numbers stay in the processor's cache. Nothing but what a program was given is kept for the reverse, which plays it
again: that takes less time than to fetch what was kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from allotment.engine.compiled import entry, inner
from allotment.engine.tracing import vectors as v
from allotment.engine.tracing.code import FETCH, STORE, Code
from allotment.engine.tracing.graph import (
    AND,
    AT_MOST,
    CAP_AT,
    CHOOSE,
    CUT,
    DIV,
    EQUAL,
    EXP,
    FLOOR_AT,
    IF_AT_MOST,
    IF_LESS,
    LESS,
    LINEAR,
    LOG,
    MAX,
    MIN,
    MUL,
    NOT,
    OR,
    ROOT,
    ROUND_DOWN,
    SIGNED,
    SIZE,
    THROUGH,
)
from allotment.engine.tracing.program import Program
from allotment.quantities import Floats, Integers

ALIGNED = 64  # bytes
TERM = 8  # bytes of the row of a term
NEAR = 1 << 20  # bytes that a block's rows may take
LONGEST = 64  # worlds of a block


@entry
def _play(kinds, places, terms, factors, one, worlds, times, rows, width, given, made):  # type: ignore[no-untyped-def]
    block, item = times * v.LANES, width // (times * v.LANES)
    for start in range(0, worlds, block):
        count = min(block, worlds - start)
        for n in range(kinds.shape[0]):
            kind = kinds[n]
            if kind == FETCH:
                address, step = given[places[n, 1], 0], given[places[n, 1], 1]
                _move(one, times, count, item, rows + places[n, 0] * width, item, address + start * step, step)
            elif kind == STORE:
                address, step = made[places[n, 0], 0], made[places[n, 0], 1]
                _move(one, times, count, item, address + start * step, step, rows + places[n, 1] * width, item)
            elif kind == LINEAR:
                first, z = places[n, 1], rows + places[n, 0] * width
                v.summed(one, times, z, rows, width, terms + TERM * first, factors + item * first, places[n, 2] - first)
            else:
                z, x = rows + places[n, 0] * width, rows + places[n, 1] * width
                y, w = rows + places[n, 2] * width, rows + places[n, 3] * width
                _operate(kind, one, times, z, x, y, w)


@inner
def _move(one, times, count, item, z, z_step, x, x_step):  # type: ignore[no-untyped-def]
    if z_step == item and x_step == item and count == times * v.LANES:
        v.moved(one, times, z, x)
    else:
        v.moved_one_by_one(one, count, z, z_step, x, x_step)


@inner
def _operate(kind, one, times, z, x, y, w):  # type: ignore[no-untyped-def]
    if kind in (MUL, AND):
        v.multiplied(one, times, z, x, y, w)
    elif kind == DIV:
        v.divided(one, times, z, x, y, w)
    elif kind in (MIN, CAP_AT, CUT):
        v.lesser(one, times, z, x, y, w)
    elif kind in (MAX, FLOOR_AT, OR):
        v.larger(one, times, z, x, y, w)
    elif kind == CHOOSE:
        v.chosen(one, times, z, x, y, w)
    elif kind == ROUND_DOWN:
        v.rounded_down(one, times, z, x, y, w)
    elif kind == SIZE:
        v.size(one, times, z, x, y, w)
    elif kind == THROUGH:
        v.copied(one, times, z, x, y, w)
    elif kind == LESS:
        v.less(one, times, z, x, y, w)
    elif kind == AT_MOST:
        v.at_most(one, times, z, x, y, w)
    elif kind == EQUAL:
        v.equal(one, times, z, x, y, w)
    elif kind == NOT:
        v.inverse(one, times, z, x, y, w)
    elif kind == IF_AT_MOST:
        v.if_at_most(one, times, z, x, y, w)
    elif kind == IF_LESS:
        v.if_less(one, times, z, x, y, w)
    elif kind == SIGNED:
        v.signed(one, times, z, x, y, w)
    elif kind == EXP:
        v.exponential(one, times, z, x, y, w)
    elif kind == LOG:
        v.logarithm(one, times, z, x, y, w)
    elif kind == ROOT:
        v.root(one, times, z, x, y, w)


def _table(arrays: Sequence[Floats]) -> Integers:
    """Return the address of each row of some arrays (n, B), and how many bytes lie between its numbers, (rows, 2)."""
    tables = []
    for array in arrays:
        table = np.empty((len(array), 2), dtype=np.int64)
        table[:, 0] = array.ctypes.data + array.strides[0] * np.arange(len(array))
        table[:, 1] = array.strides[1]
        tables.append(table)
    return np.concatenate(tables)


def _times(code: Code, worlds: int, item: int) -> int:
    """Return how many times `LANES` worlds a block has: as many as there are, or as stay near the processor."""
    near = max(NEAR // max(code.rows * item * v.LANES, 1), 1)
    return min(near, LONGEST // v.LANES, -(-worlds // v.LANES))


def _memory(code: Code, dtype: Any, times: int) -> tuple[Floats, Floats]:
    """Return the rows of a block, of which the constants are there, and the factors of sums; kept for the next time."""
    found = code.memory.get((dtype, times))
    if found is None:
        block = times * v.LANES
        raw = np.empty(code.rows * block * dtype.itemsize + ALIGNED, np.uint8)
        start = -raw.ctypes.data % ALIGNED
        rows = raw[start:][: code.rows * block * dtype.itemsize].view(dtype).reshape(code.rows, block)
        rows[:] = 1.0
        rows[: len(code.constants)] = code.constants[:, None]
        found = code.memory[dtype, times] = rows, code.factors.astype(dtype)
    return found


def play(code: Code, given: Sequence[Floats], made: Sequence[Floats]) -> None:
    """Fill what is made, arrays (n, B) whose rows come one after the other, by what is given, likewise; in one precision."""
    dtype, worlds = made[0].dtype, made[0].shape[1]
    times = _times(code, worlds, dtype.itemsize)
    rows, factors = _memory(code, dtype, times)
    memory, width = rows.ctypes.data, times * v.LANES * dtype.itemsize
    of_sums, one = (code.terms.ctypes.data, factors.ctypes.data), dtype.type(1.0)
    _play(code.kinds, code.places, *of_sums, one, worlds, times, memory, width, _table(given), _table(made))


def torch_function() -> Any:
    """Return the function of Torch that plays arrays of rows (n, B) by a program, and knows the gradient; on the processor.

    It takes the program, how many rows each array that it returns has, and the arrays that together are what it is given.
    """
    import torch

    def empty(rows: int, like: Any) -> Any:
        return torch.empty((rows, like.shape[1]), dtype=like.dtype)

    def plain(tensors: Sequence[Any]) -> list[Floats]:
        return [tensor.detach().numpy() for tensor in tensors]

    class Played(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, program: Program, lengths: Sequence[int], *given: Any) -> Any:
            context.save_for_backward(*given)
            context.program, context.lengths = program, lengths
            context.set_materialize_grads(False)
            made = tuple(empty(rows, given[0]) for rows in lengths)
            play(program.forward, plain(given), plain(made))
            return made

        @staticmethod
        def backward(context: Any, *of_made: Any) -> Any:
            given = context.saved_tensors
            nothing = torch.zeros((1, given[0].shape[1]), dtype=given[0].dtype)
            slopes = [
                nothing.expand(rows, -1) if slope is None else slope
                for rows, slope in zip(context.lengths, of_made, strict=True)
            ]
            of_given = tuple(empty(len(each), each) for each in given)
            play(context.program.reverse, plain((*given, *slopes)), plain(of_given))
            wanted = context.needs_input_grad[2:]
            return None, None, *(each if needed else None for each, needed in zip(of_given, wanted, strict=True))

    return Played.apply

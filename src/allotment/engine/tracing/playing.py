"""Playing programs in blocks of worlds, forward and in reverse: compiled, and as a function that Torch differentiates.

A block's numbers stay in the processor's cache. Nothing but what a program was given is kept for the reverse, which plays it
again: that takes less time than to fetch what was kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from allotment.engine.compiled import entry, inner
from allotment.engine.tracing.graph import (
    ADD,
    AND,
    AT_MOST,
    CHOOSE,
    CUT,
    DIV,
    EQUAL,
    FLOOR_AT,
    LESS,
    LINEAR,
    MAX,
    MIN,
    MUL,
    NOT,
    OR,
    ROUND_DOWN,
    SIZE,
    SUB,
    THROUGH,
)
from allotment.engine.tracing.program import Program
from allotment.quantities import Floats

BLOCK = 64  # worlds


@inner
def _sum(terms, factors, start, end, rows, z):  # type: ignore[no-untyped-def]
    x, factor = rows[terms[start]], factors[start]
    for j in range(BLOCK):
        z[j] = factor * x[j]
    for k in range(start + 1, end):
        x, factor = rows[terms[k]], factors[k]
        for j in range(BLOCK):
            z[j] += factor * x[j]


@inner
def _forward(kinds, parts, terms, factors, first, rows, zero, one):  # type: ignore[no-untyped-def]
    for n in range(kinds.shape[0]):
        kind, z = kinds[n], rows[first + n]
        if kind == LINEAR:
            _sum(terms, factors, parts[n, 0], parts[n, 1], rows, z)
        elif kind == CHOOSE:
            x, y, w = rows[parts[n, 0]], rows[parts[n, 1]], rows[parts[n, 2]]
            for j in range(BLOCK):
                z[j] = y[j] if x[j] != zero else w[j]
        elif kind < LESS:
            _calculate(kind, rows[parts[n, 0]], rows[parts[n, 1]], z)
        else:
            _compare(kind, rows[parts[n, 0]], rows[parts[n, 1]], z, zero, one)


@inner
def _calculate(kind, x, y, z):  # type: ignore[no-untyped-def]
    if kind == ADD:
        for j in range(BLOCK):
            z[j] = x[j] + y[j]
    elif kind == SUB:
        for j in range(BLOCK):
            z[j] = x[j] - y[j]
    elif kind == MUL:
        for j in range(BLOCK):
            z[j] = x[j] * y[j]
    elif kind == DIV:
        for j in range(BLOCK):
            z[j] = x[j] / y[j]
    elif kind in (MAX, FLOOR_AT):
        for j in range(BLOCK):
            z[j] = x[j] if x[j] > y[j] else y[j]
    else:  # MIN, CAP_AT, CUT
        for j in range(BLOCK):
            z[j] = x[j] if x[j] < y[j] else y[j]


@inner
def _compare(kind, x, y, z, zero, one):  # type: ignore[no-untyped-def]
    if kind == LESS:
        for j in range(BLOCK):
            z[j] = one if x[j] < y[j] else zero
    elif kind == AT_MOST:
        for j in range(BLOCK):
            z[j] = one if x[j] <= y[j] else zero
    elif kind == EQUAL:
        for j in range(BLOCK):
            z[j] = one if x[j] == y[j] else zero
    elif kind == AND:
        for j in range(BLOCK):
            z[j] = x[j] * y[j]
    elif kind == OR:
        for j in range(BLOCK):
            z[j] = x[j] if x[j] > y[j] else y[j]
    elif kind == NOT:
        for j in range(BLOCK):
            z[j] = one - x[j]
    elif kind == ROUND_DOWN:
        for j in range(BLOCK):
            z[j] = np.floor(x[j])
    elif kind == SIZE:
        for j in range(BLOCK):
            z[j] = abs(x[j])
    else:  # THROUGH
        for j in range(BLOCK):
            z[j] = x[j]


@inner
def _reverse(kinds, parts, terms, factors, first, rows, slopes, zero, half):  # type: ignore[no-untyped-def]
    for n in range(kinds.shape[0] - 1, -1, -1):
        kind, d = kinds[n], slopes[first + n]
        if kind == LINEAR:
            _spread(terms, factors, parts[n, 0], parts[n, 1], slopes, d)
            continue
        x, y, u, v = rows[parts[n, 0]], rows[parts[n, 1]], slopes[parts[n, 0]], slopes[parts[n, 1]]
        if kind in (ADD, SUB, MUL, DIV):
            _calculate_back(kind, x, y, rows[first + n], d, u, v)
        elif kind < LINEAR:
            _bound_back(kind, x, y, d, u, v, zero, half)
        elif kind == CHOOSE:
            w = slopes[parts[n, 2]]
            for j in range(BLOCK):
                v[j] += d[j] if x[j] != zero else zero
            for j in range(BLOCK):
                w[j] += zero if x[j] != zero else d[j]
        elif kind == THROUGH:
            for j in range(BLOCK):
                v[j] += d[j]
        elif kind == SIZE:
            for j in range(BLOCK):
                u[j] += d[j] if x[j] > zero else (-d[j] if x[j] < zero else zero)


@inner
def _spread(terms, factors, start, end, slopes, d):  # type: ignore[no-untyped-def]
    for k in range(start, end):
        u, factor = slopes[terms[k]], factors[k]
        for j in range(BLOCK):
            u[j] += factor * d[j]


@inner
def _calculate_back(kind, x, y, z, d, u, v):  # type: ignore[no-untyped-def]
    if kind == ADD:
        for j in range(BLOCK):
            u[j] += d[j]
        for j in range(BLOCK):
            v[j] += d[j]
    elif kind == SUB:
        for j in range(BLOCK):
            u[j] += d[j]
        for j in range(BLOCK):
            v[j] -= d[j]
    elif kind == MUL:
        for j in range(BLOCK):
            u[j] += d[j] * y[j]
        for j in range(BLOCK):
            v[j] += d[j] * x[j]
    else:  # DIV
        for j in range(BLOCK):
            u[j] += d[j] / y[j]
        for j in range(BLOCK):
            v[j] -= d[j] / y[j] * z[j]


@inner
def _bound_back(kind, x, y, d, u, v, zero, half):  # type: ignore[no-untyped-def]
    if kind == CUT:
        for j in range(BLOCK):
            u[j] += d[j] if x[j] <= y[j] else zero
        for j in range(BLOCK):
            v[j] += zero if x[j] <= y[j] else d[j]
    elif kind == MIN:
        for j in range(BLOCK):
            u[j] += d[j] if x[j] < y[j] else (half * d[j] if x[j] == y[j] else zero)
        for j in range(BLOCK):
            v[j] += d[j] if x[j] > y[j] else (half * d[j] if x[j] == y[j] else zero)
    elif kind == MAX:
        for j in range(BLOCK):
            u[j] += d[j] if x[j] > y[j] else (half * d[j] if x[j] == y[j] else zero)
        for j in range(BLOCK):
            v[j] += d[j] if x[j] < y[j] else (half * d[j] if x[j] == y[j] else zero)
    elif kind == FLOOR_AT:
        for j in range(BLOCK):
            u[j] += d[j] if x[j] >= y[j] else zero
    else:  # CAP_AT
        for j in range(BLOCK):
            u[j] += d[j] if x[j] <= y[j] else zero


@inner
def _empty_rows(kinds, constants, given):  # type: ignore[no-untyped-def]
    """Return the rows of a block, of which the constants are there."""
    rows = np.ones((given.shape[0] + constants.shape[0] + kinds.shape[0], BLOCK), given.dtype)
    for n in range(constants.shape[0]):
        rows[given.shape[0] + n] = constants[n]
    return rows


@inner
def _fill(rows, given, start, count):  # type: ignore[no-untyped-def]
    for n in range(given.shape[0]):
        for j in range(count):
            rows[n, j] = given[n, start + j]


@entry
def _play(kinds, parts, terms, factors, constants, outputs, given, made):  # type: ignore[no-untyped-def]
    first, zero, one = given.shape[0] + constants.shape[0], given.dtype.type(0.0), given.dtype.type(1.0)
    rows = _empty_rows(kinds, constants, given)
    for start in range(0, given.shape[1], BLOCK):
        count = min(BLOCK, given.shape[1] - start)
        _fill(rows, given, start, count)
        _forward(kinds, parts, terms, factors, first, rows, zero, one)
        for n in range(outputs.shape[0]):
            for j in range(count):
                made[n, start + j] = rows[outputs[n], j]


@entry
def _play_back(kinds, parts, terms, factors, constants, outputs, given, of_made, of_given):  # type: ignore[no-untyped-def]
    first, zero, one = given.shape[0] + constants.shape[0], given.dtype.type(0.0), given.dtype.type(1.0)
    rows, half = _empty_rows(kinds, constants, given), given.dtype.type(0.5)
    slopes = np.zeros_like(rows)
    for start in range(0, given.shape[1], BLOCK):
        count = min(BLOCK, given.shape[1] - start)
        _fill(rows, given, start, count)
        _forward(kinds, parts, terms, factors, first, rows, zero, one)
        slopes[:] = zero
        for n in range(outputs.shape[0]):
            for j in range(count):
                slopes[outputs[n], j] += of_made[n, start + j]
        _reverse(kinds, parts, terms, factors, first, rows, slopes, zero, half)
        for n in range(given.shape[0]):
            for j in range(count):
                of_given[n, start + j] = slopes[n, j]


def _code(program: Program, precision: Any) -> tuple[Any, ...]:
    numbers = program.factors.astype(precision), program.constants.astype(precision)
    return program.kinds, program.parts, program.terms, *numbers, program.outputs


def play(program: Program, given: Floats) -> Floats:
    """Return what a program makes, (made, B), of rows (given, B), in their precision."""
    made = np.empty((program.made.rows, given.shape[1]), given.dtype)
    _play(*_code(program, given.dtype), given, made)
    return made


def play_back(program: Program, given: Floats, of_made: Floats) -> Floats:
    """Return the gradient of what a program was given, (given, B), from that of what it made, (made, B)."""
    of_given = np.empty_like(given)
    _play_back(*_code(program, given.dtype), given, np.ascontiguousarray(of_made), of_given)
    return of_given


def torch_function() -> Any:
    """Return the function of Torch that plays rows (given, B) by a program, and knows the gradient; on the processor."""
    import torch

    class Played(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, given: Any, program: Program) -> Any:
            context.save_for_backward(given)
            context.program = program
            return torch.from_numpy(play(program, given.detach().contiguous().numpy()))

        @staticmethod
        def backward(context: Any, *of_made: Any) -> Any:
            (given,) = context.saved_tensors
            return torch.from_numpy(play_back(context.program, given.contiguous().numpy(), of_made[0].numpy())), None

    return Played.apply

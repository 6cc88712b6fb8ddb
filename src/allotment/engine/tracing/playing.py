"""Playing programs in blocks of worlds, forward and in reverse; a block's rows stay in the processor's cache."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from allotment.engine.tracing import graph as g
from allotment.engine.tracing.program import Program

BLOCK = 64  # worlds
ADD, SUB, MUL, DIV, MIN, MAX, FLOOR_AT, CAP_AT = g.ADD, g.SUB, g.MUL, g.DIV, g.MIN, g.MAX, g.FLOOR_AT, g.CAP_AT
CUT, LINEAR, THROUGH = g.CUT, g.LINEAR, g.THROUGH
LESS, AT_MOST, EQUAL, AND, OR, NOT, CHOOSE, ROUND_DOWN, SIZE = g.LESS, g.AT_MOST, g.EQUAL, g.AND, g.OR, g.NOT, g.CHOOSE, g.ROUND_DOWN, g.SIZE


@numba.njit(cache=True)
def _forward(kinds, parts, terms, factors, first, rows, zero, one):  # type: ignore[no-untyped-def]
    for n in range(kinds.shape[0]):
        kind = kinds[n]
        if kind == LINEAR:
            z, start, end = rows[first + n], parts[n, 0], parts[n, 1]
            x, factor = rows[terms[start]], factors[start]
            for j in range(BLOCK):
                z[j] = factor * x[j]
            for k in range(start + 1, end):
                x, factor = rows[terms[k]], factors[k]
                for j in range(BLOCK):
                    z[j] += factor * x[j]
            continue
        x, y, w, z = rows[parts[n, 0]], rows[parts[n, 1]], rows[parts[n, 2]], rows[first + n]
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
        elif kind == MIN or kind == CAP_AT or kind == CUT:
            for j in range(BLOCK):
                z[j] = x[j] if x[j] < y[j] else y[j]
        elif kind == MAX or kind == FLOOR_AT:
            for j in range(BLOCK):
                z[j] = x[j] if x[j] > y[j] else y[j]
        elif kind == CHOOSE:
            for j in range(BLOCK):
                z[j] = y[j] if x[j] != zero else w[j]
        elif kind == LESS:
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
        else:
            for j in range(BLOCK):
                z[j] = x[j]


@numba.njit(cache=True)
def _reverse(kinds, parts, terms, factors, first, rows, slopes, zero, half):  # type: ignore[no-untyped-def]
    for n in range(kinds.shape[0] - 1, -1, -1):
        kind = kinds[n]
        if kind == LINEAR:
            d = slopes[first + n]
            for k in range(parts[n, 0], parts[n, 1]):
                u, factor = slopes[terms[k]], factors[k]
                for j in range(BLOCK):
                    u[j] += factor * d[j]
            continue
        a, b = parts[n, 0], parts[n, 1]
        x, y, d = rows[a], rows[b], slopes[first + n]
        u, v = slopes[a], slopes[b]
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
        elif kind == DIV:
            z = rows[first + n]
            for j in range(BLOCK):
                u[j] += d[j] / y[j]
            for j in range(BLOCK):
                v[j] -= d[j] / y[j] * z[j]
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
        elif kind == CAP_AT:
            for j in range(BLOCK):
                u[j] += d[j] if x[j] <= y[j] else zero
        elif kind == CUT:
            for j in range(BLOCK):
                u[j] += d[j] if x[j] <= y[j] else zero
            for j in range(BLOCK):
                v[j] += zero if x[j] <= y[j] else d[j]
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


@numba.njit(cache=True)
def play(kinds, parts, terms, factors, constants, outputs, given, made):  # type: ignore[no-untyped-def]
    first, zero, one = given.shape[0] + constants.shape[0], given.dtype.type(0.0), given.dtype.type(1.0)
    rows = np.ones((first + kinds.shape[0], BLOCK), given.dtype)
    for n in range(constants.shape[0]):
        rows[given.shape[0] + n] = constants[n]
    for start in range(0, given.shape[1], BLOCK):
        count = min(BLOCK, given.shape[1] - start)
        for n in range(given.shape[0]):
            for j in range(count):
                rows[n, j] = given[n, start + j]
        _forward(kinds, parts, terms, factors, first, rows, zero, one)
        for n in range(outputs.shape[0]):
            row = rows[outputs[n]]
            for j in range(count):
                made[n, start + j] = row[j]


@numba.njit(cache=True)
def reverse(kinds, parts, terms, factors, constants, outputs, given, of_made, of_given):  # type: ignore[no-untyped-def]
    first, zero, one = given.shape[0] + constants.shape[0], given.dtype.type(0.0), given.dtype.type(1.0)
    rows = np.ones((first + kinds.shape[0], BLOCK), given.dtype)
    slopes = np.zeros_like(rows)
    half = given.dtype.type(0.5)
    for n in range(constants.shape[0]):
        rows[given.shape[0] + n] = constants[n]
    for start in range(0, given.shape[1], BLOCK):
        count = min(BLOCK, given.shape[1] - start)
        for n in range(given.shape[0]):
            for j in range(count):
                rows[n, j] = given[n, start + j]
        _forward(kinds, parts, terms, factors, first, rows, zero, one)
        slopes[:] = 0
        for n in range(outputs.shape[0]):
            row = slopes[outputs[n]]
            for j in range(count):
                row[j] += of_made[n, start + j]
        _reverse(kinds, parts, terms, factors, first, rows, slopes, zero, half)
        for n in range(given.shape[0]):
            for j in range(count):
                of_given[n, start + j] = slopes[n, j]


def _code(program: Program, precision: Any) -> tuple[np.ndarray, ...]:
    numbers = program.factors.astype(precision), program.constants.astype(precision)
    return program.kinds, program.parts, program.terms, *numbers, program.outputs


def forward(program: Program, given: np.ndarray) -> np.ndarray:
    """Return what a program makes of rows (given, B), (made, B)."""
    made = np.empty((program.made.rows, given.shape[1]), given.dtype)
    play(*_code(program, given.dtype), given, made)
    return made


def backward(program: Program, given: np.ndarray, of_made: np.ndarray) -> np.ndarray:
    """Return the gradient of what a program is given, (given, B), from that of what it makes, (made, B)."""
    of_given = np.empty_like(given)
    reverse(*_code(program, given.dtype), given, np.ascontiguousarray(of_made), of_given)
    return of_given


def function() -> Any:
    """Return the function of Torch that plays a program and knows its gradient."""
    import torch

    class Played(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, given: Any, program: Program) -> Any:
            context.given, context.program = given.detach().contiguous(), program
            return torch.from_numpy(forward(program, context.given.numpy()))

        @staticmethod
        def backward(context: Any, of_made: Any) -> Any:
            return torch.from_numpy(backward(context.program, context.given.numpy(), of_made.numpy())), None

    return Played.apply

"""What is done with a row of a block of worlds, some numbers at a time: machine instructions for each kind of operation.

A loop over two rows that may be one, as a compiler must assume, would begin with a check for that, as dear as a
short row. These operations read what they need before they write, however their rows lie. Rows are given by address, and their
length as how many times `LANES` numbers it is; the first argument only says what kind of number it is about.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16  # numbers at a time: in single precision those of the widest instruction
WORD = ir.IntType(64)

Emit = Callable[..., Any]  # of a builder and vectors, a vector
_instructions: Any = intrinsic


def _pointer(builder: Any, address: Any, kind: Any) -> Any:
    return builder.inttoptr(address, kind.as_pointer())


def _vector(context: Any, signature: Any) -> tuple[Any, int]:
    """Return the type of some numbers at a time, and how many bytes they take."""
    scalar = context.get_value_type(signature.args[0])
    return ir.VectorType(scalar, LANES), LANES * context.get_abi_sizeof(scalar)


def constant(kind: Any, value: float) -> Any:
    """Return a vector of one value."""
    return ir.Constant(kind, [value] * LANES)


def _rowwise(emit: Emit, operands: int) -> Any:
    """Return an operation that makes a row of others, number by number: `op(like, times, made, x, y, w)`."""

    def call(typing: Any, like: Any, times: Any, made: Any, x: Any, y: Any, w: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind, size = _vector(context, signature)
            with cgutils.for_range(builder, arguments[1]) as loop:
                offset = builder.mul(loop.index, WORD(size))
                addresses = [builder.add(each, offset) for each in arguments[2:]]
                given = [builder.load(_pointer(builder, each, kind)) for each in addresses[1 : 1 + operands]]
                builder.store(emit(builder, *given), _pointer(builder, addresses[0], kind))
            return context.get_dummy_value()

        return types.void(like, *[types.int64] * 5), generate

    return _instructions(call)


def _chosen(comparison: str, first: int, second: int) -> Emit:
    """Return what takes the first of two vectors where a comparison of two of them holds, the second elsewhere."""

    def emit(builder: Any, *given: Any) -> Any:
        return builder.select(builder.fcmp_ordered(comparison, given[0], given[1]), given[first], given[second])

    return emit


def _compared(comparison: str) -> Emit:
    """Return what is 1 where a comparison holds, 0 elsewhere."""

    def emit(builder: Any, x: Any, y: Any) -> Any:
        return builder.select(builder.fcmp_ordered(comparison, x, y), constant(x.type, 1.0), constant(x.type, 0.0))

    return emit


def _of_module(name: str) -> Emit:
    """Return what a function of the compiler's own makes of a vector."""

    def emit(builder: Any, x: Any) -> Any:
        bits = 64 if isinstance(x.type.element, ir.DoubleType) else 32
        made = ir.FunctionType(x.type, [x.type])
        return builder.call(cgutils.get_or_insert_function(builder.module, made, f"{name}.v{LANES}f{bits}"), [x])

    return emit


def _if_less(builder: Any, slope: Any, x: Any, y: Any) -> Any:
    half = builder.fmul(slope, constant(slope.type, 0.5))
    at_tie = builder.select(builder.fcmp_ordered("==", x, y), half, constant(slope.type, 0.0))
    return builder.select(builder.fcmp_ordered("<", x, y), slope, at_tie)


def _if_at_most(builder: Any, slope: Any, x: Any, y: Any) -> Any:
    return builder.select(builder.fcmp_ordered("<=", x, y), slope, constant(slope.type, 0.0))


def _signed(builder: Any, slope: Any, x: Any) -> Any:
    nothing = constant(x.type, 0.0)
    negative = builder.select(builder.fcmp_ordered("<", x, nothing), builder.fsub(nothing, slope), nothing)
    return builder.select(builder.fcmp_ordered(">", x, nothing), slope, negative)


def _choose(builder: Any, condition: Any, one: Any, other: Any) -> Any:
    return builder.select(builder.fcmp_unordered("!=", condition, constant(condition.type, 0.0)), one, other)


multiplied = _rowwise(lambda builder, x, y: builder.fmul(x, y), 2)
divided = _rowwise(lambda builder, x, y: builder.fdiv(x, y), 2)
lesser = _rowwise(_chosen("<", 0, 1), 2)
larger = _rowwise(_chosen(">", 0, 1), 2)
less = _rowwise(_compared("<"), 2)
at_most = _rowwise(_compared("<="), 2)
equal = _rowwise(_compared("=="), 2)
inverse = _rowwise(lambda builder, x: builder.fsub(constant(x.type, 1.0), x), 1)
rounded_down = _rowwise(_of_module("llvm.floor"), 1)
size = _rowwise(_of_module("llvm.fabs"), 1)
exponential = _rowwise(_of_module("llvm.exp"), 1)
logarithm = _rowwise(_of_module("llvm.log"), 1)
root = _rowwise(_of_module("llvm.sqrt"), 1)
copied = _rowwise(lambda builder, x: x, 1)
chosen = _rowwise(_choose, 3)
if_at_most = _rowwise(_if_at_most, 3)
if_less = _rowwise(_if_less, 3)
signed = _rowwise(_signed, 2)


@_instructions
def summed(typing, like, times, made, rows, width, terms, factors, count):  # type: ignore[no-untyped-def]
    """Make a row the sum of others times factors; `rows` is the address of the first, `width` the bytes of each."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind, size = _vector(context, signature)
        _, times, made, rows, width, terms, factors, count = arguments

        def term(number: Any, offset: Any) -> Any:
            row = builder.load(builder.gep(_pointer(builder, terms, WORD), [number]))
            factor = builder.load(builder.gep(_pointer(builder, factors, kind.element), [number]))
            address = builder.add(builder.add(rows, offset), builder.mul(row, width))
            vector = builder.load(_pointer(builder, address, kind))
            return builder.fmul(vector, _splat(builder, kind, factor))

        with cgutils.for_range(builder, times) as loop:
            offset = builder.mul(loop.index, WORD(size))
            total = cgutils.alloca_once_value(builder, term(WORD(0), offset))
            with cgutils.for_range_slice(builder, WORD(1), count, WORD(1)) as (number, _):
                builder.store(builder.fadd(builder.load(total), term(number, offset)), total)
            builder.store(builder.load(total), _pointer(builder, builder.add(made, offset), kind))
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 7), generate


def _splat(builder: Any, kind: Any, value: Any) -> Any:
    """Return a vector of one value."""
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


@_instructions
def moved(typing, like, times, made, x):  # type: ignore[no-untyped-def]
    """Copy a row whose ends need not be aligned."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind, size = _vector(context, signature)
        item = size // LANES
        with cgutils.for_range(builder, arguments[1]) as loop:
            offset = builder.mul(loop.index, WORD(size))
            taken = builder.load(_pointer(builder, builder.add(arguments[3], offset), kind), align=item)
            builder.store(taken, _pointer(builder, builder.add(arguments[2], offset), kind), align=item)
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 3), generate


@_instructions
def moved_one_by_one(typing, like, count, made, made_step, x, x_step):  # type: ignore[no-untyped-def]
    """Copy numbers that lie some bytes apart."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = context.get_value_type(signature.args[0])
        _, count, made, made_step, x, x_step = arguments
        with cgutils.for_range(builder, count) as loop:
            taken = builder.load(_pointer(builder, builder.add(x, builder.mul(loop.index, x_step)), kind))
            builder.store(taken, _pointer(builder, builder.add(made, builder.mul(loop.index, made_step)), kind))
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 5), generate

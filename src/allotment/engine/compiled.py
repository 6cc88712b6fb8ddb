"""How the kernel's functions are compiled, and how they reach each other and their arrays.

Handing a hundred arrays to a compiled function costs more time than a simulated period. So a function is handed one number,
the address of a table that holds addresses and lengths of arrays, and takes out of it what it needs: `floats3(table, ON_HAND)`.
The table's owner keeps the arrays alive and contiguous (`memory`).

The same table holds the addresses of the kernel's own functions. Those marked `@linked` call each other through it, so that
each is compiled once, by itself, and only when a world first needs it: a world without plants never waits for the code of
plants. Their arguments are numbers: `int`, `float`, `World` or `Key`.

Machine code holds places of the table as plain numbers. So what is kept on disk is stamped with a digest of all sources that
decide on them (`code_cache`): code compiled from other sources is never loaded.
"""

from __future__ import annotations

import _thread
import ctypes
import gc
import inspect
import os
import re
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypeAlias, TypeVar

import numpy as np
from llvmlite import ir
from llvmlite.binding import ExecutionEngine
from numba import njit, types
from numba.core import cgutils
from numba.core.ccallback import CFunc
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from allotment.engine.code_cache import ENGINE, CodeCache, folders, remove_outdated, sources_of, stamp_of, writable_folder
from allotment.engine.layout import AXES, FIELDS

World: TypeAlias = np.uint64  # the place of a world on the batch axis
Key: TypeAlias = np.uint64  # the key of a stream of random numbers
F = TypeVar("F", bound=Callable[..., Any])
TYPES = {"int": types.int64, "float": types.float64, "World": types.uint64, "Key": types.uint64, "None": types.void}
OF_C: dict[Any, Any] = {
    types.int64: ctypes.c_int64,
    types.float64: ctypes.c_double,
    types.uint64: ctypes.c_uint64,
    types.void: None,
}
# a row of the table: an address, how many rows of worlds an array has, and its lengths
ROWS, LENGTHS = 1, 2
COLUMNS = LENGTHS + AXES
WIDTH = 8 * COLUMNS  # bytes

SHARED = (
    "compiled.py",
    "randomness.py",
    "inversion.py",
    "exponential.py",
    *(f"tracing/{name}.py" for name in ("code", "graph", "playing", "vectors")),
)
COMPILED = sorted(ENGINE.glob("kernel/**/*.py")) + [ENGINE / name for name in SHARED]
STAMP = stamp_of(sources_of(COMPILED))
CODE = writable_folder(folders())
remove_outdated(CODE, STAMP)


def linked_functions(sources: list[Path]) -> tuple[str, ...]:
    """Return the names of the functions that are marked `@linked` in some source files, sorted."""
    names = sorted(name for file in sources for name in re.findall(r"^@linked\ndef (\w+)\(", file.read_text("utf-8"), re.M))
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise TypeError(f"functions of the kernel need names of their own; {', '.join(sorted(twice))} is there twice")
    return tuple(names)


FUNCTIONS = linked_functions(COMPILED)  # their addresses stand behind the arrays


def _kept_on_disk(**settings: Any) -> Any:
    """Return a decorator: it lets Numba compile a function when it is first called, or take it from the disk."""

    def decorate(function: Callable[..., Any]) -> Any:
        compiled: Any = njit(error_model="numpy", **settings)(function)
        compiled._cache = CodeCache(function, CODE, STAMP)
        return compiled

    return decorate


entry = _kept_on_disk()  # callable from Python
# called by other compiled functions only, and compiled into them
inner = _kept_on_disk(no_cpython_wrapper=True, no_cfunc_wrapper=True)
inline = _kept_on_disk(inline="always")  # laid into its caller, where a call for each number costs more

_addresses: dict[str, int] = {}  # of what has been compiled in this process
_first_calls: dict[str, Any] = {}  # of what has not: functions that compile, and then call
_called_from_c: set[CodeType] = {  # of functions from which nothing can be raised: Numba's own, and those that compile
    getattr(ExecutionEngine, name).__code__
    for name in ("_raw_object_cache_notify", "_raw_object_cache_getbuffer")
    if hasattr(ExecutionEngine, name)
}
SOON = 0.05  # seconds after which an interrupt that had to wait is tried again


def linked(function: F) -> F:
    """Let a kernel function be called by others through the table that they share."""
    name = function.__name__
    arguments = [TYPES[kind] for key, kind in function.__annotations__.items() if key != "return"]
    returned = TYPES[function.__annotations__["return"]]
    signature = returned(*arguments)
    of_c: Any = ctypes.CFUNCTYPE(OF_C[returned], *(OF_C[kind] for kind in arguments))
    _first_calls[name] = of_c(_compiling(name, function, signature, of_c))
    offset = WIDTH * (len(FIELDS) + FUNCTIONS.index(name))

    def call(typing: Any, *given: Any) -> Any:
        def generate(context: Any, builder: Any, given_types: Any, values: Any) -> Any:
            values = [
                context.cast(builder, value, kind, wanted)
                for value, kind, wanted in zip(values, given_types.args, arguments, strict=True)
            ]
            word = ir.IntType(64)
            place = builder.inttoptr(builder.add(values[0], word(offset)), word.as_pointer())
            of_values = [context.get_value_type(kind) for kind in arguments]
            returns = ir.VoidType() if returned == types.void else context.get_value_type(returned)
            pointer = ir.FunctionType(returns, of_values).as_pointer()
            result = builder.call(builder.inttoptr(builder.load(place), pointer), values)
            return context.get_dummy_value() if returned == types.void else result

        return returned(*given), generate

    names = ["typing", *inspect.signature(function).parameters]
    call.__signature__ = inspect.Signature([inspect.Parameter(each, inspect.Parameter.POSITIONAL_OR_KEYWORD) for each in names])  # type: ignore[attr-defined]
    return intrinsic(call)  # type: ignore[return-value]


def _compiling(name: str, function: Callable[..., Any], signature: Any, of_c: Any) -> Callable[..., Any]:
    """Return what a function's first call does: compile it, put its address into the table, and call it."""

    def first_call(table: int, *arguments: Any) -> Any:
        address = _address(name, function, signature)
        ctypes.c_int64.from_address(table + WIDTH * (len(FIELDS) + FUNCTIONS.index(name))).value = address
        return of_c(address)(table, *arguments)

    _called_from_c.add(first_call.__code__)
    return first_call


def _address(name: str, function: Callable[..., Any], signature: Any) -> int:
    """Return the address of a compiled function."""
    if name not in _addresses:
        try:
            with _without_collecting():
                compiled: Any = CFunc(
                    function, (signature.args, signature.return_type), locals={}, options={"error_model": "numpy"}
                )
                compiled._cache = CodeCache(function, CODE, STAMP)
                compiled.compile()
                _addresses[name] = _keep(compiled)
        except BaseException:  # there is no way to raise through compiled code, and none to go on without the function
            traceback.print_exc()
            os.abort()
    return _addresses[name]


def _let_interrupts_wait() -> None:
    """Let an interrupt that comes while a function compiles wait until the period has been played.

    Python ignores what is raised in a call from compiled code, which would go on without having called the function.
    """
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Interrupt what Python does, or try again soon where that was called by compiled code."""
    below = frame
    while below is not None:
        if below.f_code in _called_from_c:
            again = threading.Timer(SOON, _thread.interrupt_main)
            again.daemon = True
            again.start()
            return
        below = below.f_back
    signal.default_int_handler(number, frame)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Leave cyclic garbage for later: looking for it takes a sixth of the time that compiling does."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


_kept: list[Any] = []


def _keep(compiled: Any) -> int:
    _kept.append(compiled)
    return int(compiled.address)


def function_addresses() -> list[int]:
    """Return for each function of the kernel where a call shall go: to it, or to what compiles it."""
    _let_interrupts_wait()
    return [_addresses.get(name) or ctypes.cast(_first_calls[name], ctypes.c_void_p).value or 0 for name in FUNCTIONS]


def _array_type(dtype: Any, dimensions: int) -> Any:
    return types.Array(dtype, dimensions, "C")


def _made(context: Any, builder: Any, array_type: Any, address: Any, lengths: list[Any]) -> Any:
    """Return the array of some lengths at an address, as compiled code holds it."""
    word = ir.IntType(64)
    taken = make_array(array_type)(context, builder)
    item = context.get_abi_sizeof(context.get_data_type(array_type.dtype))
    steps: list[Any] = [context.get_constant(types.intp, item)]
    for length in reversed(lengths[1:]):
        steps.insert(0, builder.mul(steps[0], length, flags=("nsw",)))
    populate_array(
        taken,
        data=builder.inttoptr(address, taken.data.type),
        shape=lengths,
        strides=steps,
        itemsize=word(item),
        meminfo=None,
    )
    return taken._getvalue()


def _taker(dtype: Any, dimensions: int) -> Any:
    """Return a function that takes an array of so many dimensions out of a table."""
    array_type = _array_type(dtype, dimensions)

    def take(typing: Any, table: Any, field: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            words = _row(builder, arguments)
            lengths = [builder.load(cgutils.gep(builder, words, LENGTHS + axis)) for axis in range(dimensions)]
            return _made(context, builder, array_type, builder.load(words), lengths)

        return array_type(types.int64, types.int64), generate

    take.__name__ = f"take_{dtype}_{dimensions}"
    return intrinsic(take)


def _taker_of_rows(dtype: Any) -> Any:
    """Return a function that takes an array of worlds out of a table as rows of worlds, however many axes it has."""
    array_type = _array_type(dtype, 2)

    def take(typing: Any, table: Any, field: Any, worlds: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            words = _row(builder, arguments)
            lengths = [builder.load(cgutils.gep(builder, words, ROWS)), arguments[2]]
            return _made(context, builder, array_type, builder.load(words), lengths)

        return array_type(types.int64, types.int64, types.int64), generate

    take.__name__ = f"take_rows_of_{dtype}"
    return intrinsic(take)


def _row(builder: Any, arguments: Any) -> Any:
    """Return a pointer to a field's row of a table."""
    word = ir.IntType(64)
    row = builder.add(arguments[0], builder.mul(arguments[1], word(WIDTH)))
    return builder.inttoptr(row, word.as_pointer())


floats1, floats2, floats3, floats4, floats5 = (_taker(types.float64, dimensions) for dimensions in (1, 2, 3, 4, 5))
integers1, integers2, integers3, integers4 = (_taker(types.int64, dimensions) for dimensions in (1, 2, 3, 4))
singles2 = _taker(types.float32, 2)
keys1, keys2 = (_taker(types.uint64, dimensions) for dimensions in (1, 2))
float_rows, integer_rows = _taker_of_rows(types.float64), _taker_of_rows(types.int64)

"""How the kernel's functions are compiled, and how they reach each other and their arrays.

Handing a hundred arrays to a compiled function costs more time than a simulated period. So a function is handed one number,
the address of a table that holds addresses and lengths of arrays, and takes out of it what it needs: `floats3(table, ON_HAND)`.
The table's owner keeps the arrays alive and contiguous (`memory`).

The same table holds the addresses of the kernel's own functions. Those marked `@far` call each other through it, so that each
is compiled once, by itself, and only when a world first needs it: a world without plants never waits for the code of plants.
Their arguments are numbers: `int`, `float`, `World` or `Key`.

Numba recompiles a function when its own file changes, not when a function it calls does; so the cache is emptied when any
source that it was built from is newer.
"""

from __future__ import annotations

import _thread
import ctypes
import gc
import inspect
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from llvmlite import ir
from numba import cfunc, njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from allotment.engine.fields import AXES, FIELDS, FUNCTIONS

World: TypeAlias = np.uint64  # the place of a world on the batch axis
Key: TypeAlias = np.uint64  # the key of a stream of random numbers
F = TypeVar("F", bound=Callable[..., Any])
WIDTH = 8 * (1 + AXES)  # bytes of a table's row
TYPES = {"int": types.int64, "float": types.float64, "World": types.uint64, "Key": types.uint64, "None": types.void}
OF_C: dict[Any, Any] = {
    types.int64: ctypes.c_int64,
    types.float64: ctypes.c_double,
    types.uint64: ctypes.c_uint64,
    types.void: None,
}


def remove_outdated(cache: Path, sources: list[Path]) -> None:
    """Remove from a cache folder what was compiled before the last change of any source."""
    changed = max(source.stat().st_mtime for source in sources)
    for index in cache.glob("*.nbi"):
        with suppress(OSError):  # another process was faster, or the folder is read-only
            if index.stat().st_mtime < changed:
                index.unlink()


_here = Path(__file__).parent
_compiled = [
    *_here.glob("kernel*.py"),
    *(_here / name for name in ("compiled.py", "randomness.py", "inversion.py", "fields.py")),
]
remove_outdated(_here / "__pycache__", [*_compiled, _here.parent / "scenario" / "problem.py"])

entry = njit(cache=True, error_model="numpy")  # callable from Python
# called by other compiled functions only, and compiled into them
inner = njit(cache=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]
inline = njit(cache=True, error_model="numpy", inline="always")  # laid into its caller, where a call for each number costs more

_addresses: dict[str, int] = {}  # of what has been compiled in this process
_first_calls: dict[str, Any] = {}  # of what has not: functions that compile, and then call


def far(function: F) -> F:
    """Let a kernel function be called by others through the table that they share."""
    name = function.__name__
    arguments = [TYPES[kind] for key, kind in function.__annotations__.items() if key != "return"]
    returned = TYPES[function.__annotations__["return"]]
    signature = returned(*arguments)
    of_c: Any = ctypes.CFUNCTYPE(OF_C[returned], *(OF_C[kind] for kind in arguments))
    _first_calls[name] = of_c(_compiling(name, function, signature, of_c))
    offset = WIDTH * (FIELDS + FUNCTIONS.index(name))

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
        ctypes.c_int64.from_address(table + WIDTH * (FIELDS + FUNCTIONS.index(name))).value = address
        return of_c(address)(table, *arguments)

    return first_call


def _address(name: str, function: Callable[..., Any], signature: Any) -> int:
    """Return the address of a compiled function; an interrupt waits until the period has been played."""
    while name not in _addresses:
        try:
            with _without_collecting():
                _addresses[name] = _keep(cfunc(signature, cache=True, error_model="numpy")(function))
        except KeyboardInterrupt:
            _thread.interrupt_main()
        except BaseException:  # there is no way to raise through compiled code, and none to go on without the function
            traceback.print_exc()
            os.abort()
    return _addresses[name]


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


def function_addresses() -> dict[str, int]:
    """Return for each function of the kernel where a call shall go: to it, or to what compiles it."""
    return {name: _addresses.get(name) or ctypes.cast(_first_calls[name], ctypes.c_void_p).value or 0 for name in FUNCTIONS}


def _taker(dtype: Any, dimensions: int) -> Any:
    """Return a function that takes an array of so many dimensions out of a table."""
    array_type = types.Array(dtype, dimensions, "C")

    def take(typing: Any, table: Any, field: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            word = ir.IntType(64)
            row = builder.add(arguments[0], builder.mul(arguments[1], word(WIDTH)))
            words = builder.inttoptr(row, word.as_pointer())
            taken = make_array(array_type)(context, builder)
            item = context.get_abi_sizeof(context.get_data_type(dtype))
            lengths = [builder.load(cgutils.gep(builder, words, 1 + axis)) for axis in range(dimensions)]
            steps: list[Any] = [context.get_constant(types.intp, item)]
            for length in reversed(lengths[1:]):
                steps.insert(0, builder.mul(steps[0], length, flags=("nsw",)))
            populate_array(
                taken,
                data=builder.inttoptr(builder.load(words), taken.data.type),
                shape=lengths,
                strides=steps,
                itemsize=context.get_constant(types.intp, item),
                meminfo=None,
            )
            return taken._getvalue()

        return array_type(types.int64, types.int64), generate

    take.__name__ = f"take_{dtype}_{dimensions}"
    return intrinsic(take)


floats1, floats2, floats3, floats4, floats5 = (_taker(types.float64, dimensions) for dimensions in (1, 2, 3, 4, 5))
integers1, integers2, integers3, integers4 = (_taker(types.int64, dimensions) for dimensions in (1, 2, 3, 4))
singles2 = _taker(types.float32, 2)
keys1, keys2 = (_taker(types.uint64, dimensions) for dimensions in (1, 2))

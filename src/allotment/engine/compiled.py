"""How the kernel's functions are compiled, and how they reach their arrays.

Handing a hundred arrays to a compiled function costs more time than a simulated period. So they are handed over as one table of
addresses and lengths, and each function takes out of it what it needs: `floats3(table, ON_HAND)`. The table's owner keeps the
arrays alive and contiguous (`memory`).

Numba recompiles a function when its own file changes, not when a function it calls does; so the cache is emptied when any
source that it was built from is newer.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array


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
# called by other compiled functions only
inner = njit(cache=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]
inline = njit(cache=True, error_model="numpy", inline="always")  # laid into its caller, where a call for each number costs more


def _taker(dtype: Any, dimensions: int) -> Any:
    """Return a function that takes an array of so many dimensions out of a table, (fields, 1 + dimensions) integers."""
    array_type = types.Array(dtype, dimensions, "C")

    def take(typing: Any, table: Any, field: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            table_type = signature.args[0]
            table_array = make_array(table_type)(context, builder, arguments[0])
            place = context.cast(builder, arguments[1], signature.args[1], types.intp)

            def entry_at(column: int) -> Any:
                index = context.get_constant(types.intp, column)
                shape = cgutils.unpack_tuple(builder, table_array.shape)
                strides = cgutils.unpack_tuple(builder, table_array.strides)
                pointer = cgutils.get_item_pointer2(
                    context, builder, table_array.data, shape, strides, table_type.layout, [place, index], wraparound=False
                )
                return builder.load(pointer)

            taken = make_array(array_type)(context, builder)
            item = context.get_abi_sizeof(context.get_data_type(dtype))
            lengths = [entry_at(1 + axis) for axis in range(dimensions)]
            steps: list[Any] = [context.get_constant(types.intp, item)]
            for length in reversed(lengths[1:]):
                steps.insert(0, builder.mul(steps[0], length))
            populate_array(
                taken,
                data=builder.inttoptr(entry_at(0), taken.data.type),
                shape=lengths,
                strides=steps,
                itemsize=context.get_constant(types.intp, item),
                meminfo=None,
            )
            return taken._getvalue()

        return array_type(table, types.intp), generate

    take.__name__ = f"take_{dtype}_{dimensions}"
    return intrinsic(take)


floats1, floats2, floats3, floats4, floats5 = (_taker(types.float64, dimensions) for dimensions in (1, 2, 3, 4, 5))
integers1, integers2, integers3, integers4 = (_taker(types.int64, dimensions) for dimensions in (1, 2, 3, 4))
keys1, keys2 = (_taker(types.uint64, dimensions) for dimensions in (1, 2))

"""Arrays of numbers of a graph, which NumPy's functions take as they take its own: the array dynamics write the program.

A traced array has a batch axis of length 1: a program is one world's. Whatever would look at a value refuses (`Untraceable`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from allotment.engine.tracing import graph as g
from allotment.engine.tracing.graph import Graph, Untraceable
from allotment.quantities import Flags, Integers

FEW = 8  # numbers, of which each is looked at by itself


class Lacking(Untraceable, AttributeError):
    """What a traced array does not have: whoever asks whether it has it is told no, whoever needs it refuses."""


class Traced(NDArrayOperatorsMixin):
    """An array of numbers of a graph, by their places in it."""

    dtype = np.dtype(np.float64)

    def __init__(self, graph: Graph, places: Integers) -> None:
        self.graph, self.places = graph, places

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape, the batch axis of length 1 first."""
        return self.places.shape

    @property
    def ndim(self) -> int:
        """Return the number of axes."""
        return self.places.ndim

    @property
    def size(self) -> int:
        """Return the number of entries."""
        return self.places.size

    def __len__(self) -> int:
        return len(self.places)

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return np

    def __getitem__(self, key: Any) -> Traced:
        return Traced(self.graph, self.places[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.places[key] = places_of(self.graph, value)

    def __getattr__(self, name: str) -> Any:
        raise Lacking(f"{name} of a traced array")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise Untraceable("a traced array has no values")

    def __bool__(self) -> bool:
        raise Untraceable("a traced array has no values")

    @property
    def T(self) -> Traced:
        """Return the same numbers with the axes in reverse order."""
        return Traced(self.graph, self.places.T)

    def may_be_something(self) -> Flags:
        """Return which numbers are not known to be nothing."""
        there = [self.graph.values.get(place) != 0.0 for place in self.places.ravel().tolist()]
        return np.array(there, dtype=bool).reshape(self.places.shape)

    def any(self) -> bool:
        """Tell whether there may be something: whether not all of it is known to be nothing."""
        return bool(self.may_be_something().any())

    def sum(self, axis: Any = None, keepdims: bool = False) -> Traced:
        """Return the sum along some axes."""
        return _sum(self, axis, keepdims)

    def max(self, axis: int) -> Traced:
        """Return the largest along an axis."""
        return _reduced(self, axis, g.MAX)

    def reshape(self, *shape: Any) -> Traced:
        """Return the same numbers in another shape."""
        return Traced(self.graph, self.places.reshape(*shape))

    def copy(self) -> Traced:
        """Return the same numbers, to be changed."""
        return Traced(self.graph, self.places.copy())

    def new(self, array: Any) -> Traced:
        """Return another array's numbers in this one's graph, to be changed."""
        return Traced(self.graph, places_of(self.graph, array).copy())

    def new_zeros(self, shape: tuple[int, ...]) -> Traced:
        """Return an array of nothing."""
        return self.new(np.zeros(shape))

    def straight_through(self, origin: Any) -> Traced:
        """Return these numbers with the gradient of those that they were made from."""
        return _elementwise(g.THROUGH)(self, origin)

    def __array_ufunc__(self, ufunc: Any, method: str, *given: Any, **kwargs: Any) -> Any:
        if ufunc is np.add and method == "at":
            return _add_at(*given)
        if method != "__call__" or ufunc not in _UFUNCS:
            raise Untraceable(f"{ufunc.__name__} of a traced array")
        made = _UFUNCS[ufunc](*given)
        for changed in kwargs.get("out", ()):
            changed.places[...] = made.places
            return changed
        return made

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        found = _FUNCTIONS.get(function)
        if found is None:
            raise Untraceable(f"{function.__name__} of a traced array")
        return found(*args, **kwargs)


def inputs(graph: Graph, shape: tuple[int, ...]) -> Traced:
    """Return an array of numbers that are given, (1, *shape)."""
    return Traced(graph, np.array([graph.input() for _ in range(int(np.prod(shape)))], dtype=np.int64).reshape(1, *shape))


def places_of(graph: Graph, value: Any) -> Integers:
    """Return the places of an array's numbers, constants where it is NumPy's."""
    if isinstance(value, Traced):
        return value.places
    array = np.asarray(value, dtype=np.float64)
    return np.array([graph.constant(each) for each in array.ravel().tolist()], dtype=np.int64).reshape(array.shape)


def _graph(*values: Any) -> Graph:
    return next(value.graph for value in values if isinstance(value, Traced))


def _elementwise(kind: int) -> Callable[..., Traced]:
    """Return what makes numbers of arrays element by element."""

    def made(*arrays: Any) -> Traced:
        graph = _graph(*arrays)
        parts = np.broadcast_arrays(*(places_of(graph, array) for array in arrays))
        places = _plain(graph, kind, *parts)
        new = places < 0
        made_of = zip(*(part[new].tolist() for part in parts), strict=True)
        places[new] = [graph.add(kind, *each) for each in made_of]
        return Traced(graph, places)

    return made


def _plain(graph: Graph, kind: int, *parts: Integers) -> Integers:
    """Return the places of what constants make plain, as adding nothing, for all of an array at once; -1 elsewhere."""
    one, nothing = graph.constant(1.0), graph.constant(0.0)
    x, y = parts[0], parts[-1]
    places = np.full(x.shape, -1, dtype=np.int64)
    if x.size > FEW and kind == g.FLOOR_AT:
        return np.where((y == nothing) & graph.is_not_negative(x), x, places)
    if x.size > FEW and kind == g.CHOOSE:
        return np.where(x == one, parts[1], np.where(x == nothing, y, places))
    if x.size > FEW and kind in (g.ADD, g.SUB):
        places = np.where(y == nothing, x, places)
        return np.where(x == nothing, y, places) if kind == g.ADD else places
    if x.size > FEW and kind == g.MUL:
        places = np.where(x == one, y, np.where(y == one, x, places))
        return np.where((x == nothing) | (y == nothing), nothing, places)
    return places


def _swapped(kind: int) -> Callable[..., Traced]:
    return lambda a, b: _elementwise(kind)(b, a)


def _reduced(array: Traced, axis: int, kind: int) -> Traced:
    moved = np.moveaxis(array.places, axis, 0)
    total = Traced(array.graph, moved[0])
    for place in moved[1:]:
        total = _elementwise(kind)(total, Traced(array.graph, place))
    return total


def _sum(array: Traced, axis: Any = None, keepdims: bool = False) -> Traced:
    axes = range(array.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    total = array
    for each in sorted((each % array.ndim for each in axes), reverse=True):
        nothing = total.new_zeros((*total.shape[:each], *total.shape[each + 1 :]))
        total = _reduced(total, each, g.ADD) if total.shape[each] else nothing
        total = Traced(total.graph, np.expand_dims(total.places, each)) if keepdims else total
    return total


def _add_at(array: Any, where: Any, values: Any) -> None:
    """Add values at places that may repeat, in place."""
    graph = array.graph
    index = np.arange(array.size).reshape(array.shape)[where]
    flat = array.places.reshape(-1)
    given = np.broadcast_to(places_of(graph, values), index.shape)
    for place, value in zip(index.ravel().tolist(), given.ravel().tolist(), strict=True):
        flat[place] = graph.add(g.ADD, int(flat[place]), value)
    array.places[...] = flat.reshape(array.shape)


def _like(array: Any, value: float) -> Traced:
    graph = _graph(array)
    return Traced(graph, np.full(array.shape, graph.constant(value), dtype=np.int64))


def _clip(array: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Traced:
    low, high = min if a_min is None else a_min, max if a_max is None else a_max
    if low is not None:
        array = _elementwise(g.FLOOR_AT)(array, low)
    return array if high is None else _elementwise(g.CAP_AT)(array, high)


def _sorted(array: Traced, axis: int = -1) -> Traced:
    """Sort by a network of comparisons (Batcher 1968): which numbers are compared does not depend on what they are."""
    assert axis in (-1, array.ndim - 1)
    rows: list[Any] = [Traced(array.graph, array.places[..., place]) for place in range(array.shape[-1])]
    for low, high in _comparisons(len(rows)):
        rows[low], rows[high] = np.minimum(rows[low], rows[high]), np.maximum(rows[low], rows[high])
    return Traced(array.graph, np.stack([row.places for row in rows], axis=-1))


def _comparisons(count: int) -> Iterator[tuple[int, int]]:
    """Yield the comparisons of Batcher's odd-even merge sort, for any number of entries."""
    run = 1
    while run < count:
        step = run
        while step >= 1:
            for start in range(step % run, count - step, 2 * step):
                for place in range(start, min(start + step, count - step)):
                    if place // (2 * run) == (place + step) // (2 * run):
                        yield place, place + step
            step //= 2
        run *= 2


def _cumulated(array: Traced, axis: int) -> Traced:
    moved = np.moveaxis(array.places, axis, 0)
    totals = [Traced(array.graph, moved[0])]
    for place in moved[1:]:
        totals.append(_elementwise(g.ADD)(totals[-1], Traced(array.graph, place)))
    return Traced(array.graph, np.stack([total.places for total in totals], axis=axis))


def _power(array: Any, power: Any) -> Traced:
    """Return a power of positive numbers, a square of any."""
    if isinstance(power, int | float) and power == 2:
        return _elementwise(g.MUL)(array, array)
    return _elementwise(g.EXP)(_elementwise(g.MUL)(power, _elementwise(g.LOG)(array)))


def _matmul(one: Any, other: Any) -> Traced:
    """Return a product of matrices, one of which is known."""
    graph = _graph(one, other)
    first, second = Traced(graph, places_of(graph, one)), Traced(graph, places_of(graph, other))
    return _sum(_elementwise(g.MUL)(first[..., :, :, None], second[..., None, :, :]), axis=-2)


def _structural(function: Callable[..., Any]) -> Callable[..., Traced]:
    """Return a function that puts numbers elsewhere."""

    def put(array: Traced, *args: Any, **kwargs: Any) -> Traced:
        return Traced(array.graph, function(array.places, *args, **kwargs))

    return put


def _together(function: Callable[..., Any]) -> Callable[..., Traced]:
    """Return a function that puts arrays together."""

    def put(arrays: Any, *args: Any, **kwargs: Any) -> Traced:
        graph = _graph(*arrays)
        return Traced(graph, function([places_of(graph, each) for each in arrays], *args, **kwargs))

    return put


_UFUNCS: dict[Any, Callable[..., Traced]] = {
    np.add: _elementwise(g.ADD),
    np.subtract: _elementwise(g.SUB),
    np.multiply: _elementwise(g.MUL),
    np.divide: _elementwise(g.DIV),
    np.minimum: _elementwise(g.MIN),
    np.maximum: _elementwise(g.MAX),
    np.less: _elementwise(g.LESS),
    np.less_equal: _elementwise(g.AT_MOST),
    np.greater: _swapped(g.LESS),
    np.greater_equal: _swapped(g.AT_MOST),
    np.equal: _elementwise(g.EQUAL),
    np.bitwise_and: _elementwise(g.AND),
    np.bitwise_or: _elementwise(g.OR),
    np.invert: _elementwise(g.NOT),
    np.logical_not: _elementwise(g.NOT),
    np.floor: _elementwise(g.ROUND_DOWN),
    np.absolute: _elementwise(g.SIZE),
    np.exp: _elementwise(g.EXP),
    np.log: _elementwise(g.LOG),
    np.sqrt: _elementwise(g.ROOT),
    np.power: lambda array, power: _power(array, power),
    np.matmul: lambda one, other: _matmul(one, other),
    np.negative: lambda array: np.subtract(0.0, array),
}
_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: lambda chosen, one, other: _elementwise(g.CHOOSE)(chosen, one, other),
    np.sum: _sum,
    np.max: lambda array, axis: _reduced(array, axis, g.MAX),
    np.sort: _sorted,
    np.cumsum: lambda array, axis: _cumulated(array, axis),
    np.clip: _clip,
    np.zeros_like: lambda array, **_: _like(array, 0.0),
    np.ones_like: lambda array, **_: _like(array, 1.0),
    np.concatenate: _together(np.concatenate),
    np.stack: _together(np.stack),
    np.moveaxis: _structural(np.moveaxis),
    np.reshape: _structural(np.reshape),
    np.broadcast_to: _structural(np.broadcast_to),
    np.expand_dims: _structural(np.expand_dims),
    np.any: lambda array: array.any(),
}

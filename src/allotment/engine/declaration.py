"""Declaring arrays once: what a named tuple says of its fields, and the shapes that follow from it.

A field is declared as `Annotated[Floats, "L K", "units"]`: its type, its axes, and in words what it holds. A number behind
these is what the array holds when an episode begins, where that is not 0. An axis may depend on a feature of the world
(`"L|owes K"`): where the world lacks it, the axis has no entries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, get_args, get_type_hints

import numpy as np
from numpy.typing import DTypeLike

from allotment.scenario.problem import TERMS, Flags, Floats, Integers, Keys, Problem

TYPES: dict[Any, DTypeLike] = {Floats: np.float64, Integers: np.int64, Flags: np.int64, Keys: np.uint64}
FEATURES: dict[str, Callable[[Problem], bool]] = {}  # by name in lower case; filled by `layout`
LENGTHS: dict[str, Callable[[Problem], int]] = {  # of the axes whose length a world's problem tells
    "S": lambda problem: problem.shape.sites,
    "K": lambda problem: problem.shape.skus,
    "C": lambda problem: problem.shape.channels,
    "U": lambda problem: problem.shape.suppliers,
    "L": lambda problem: problem.shape.lanes,
    "F": lambda problem: problem.shape.fulfilment,
    "A": lambda problem: problem.shape.lives,
    "D": lambda problem: problem.shape.slots,
    "G": lambda problem: problem.shape.groups,
    "R": lambda problem: problem.shape.regimes,
    "J": lambda problem: problem.shape.classes,
    "N": lambda problem: problem.lanes.slots,
    "H": lambda problem: problem.demand.history_slots,
    "M": lambda problem: int(problem.treasury.exists),
    "V": lambda problem: problem.treasury.slots if problem.treasury.exists else 0,
    "Q": lambda problem: problem.treasury.amounts.shape[1],
    "draws": lambda problem: problem.lanes.stream.shape[1],
    "terms": lambda problem: len(TERMS),
}


class Declared(NamedTuple):
    """An array as it is declared."""

    name: str
    axes: tuple[str, ...]
    dtype: Any
    about: str = ""
    start: float = 0.0  # what it holds when an episode begins

    def shape(self, problem: Problem) -> tuple[int, ...]:
        """Return the array's shape in a world, without its batch axis."""
        return tuple(_length(axis, problem) for axis in self.axes)


def _length(axis: str, problem: Problem) -> int:
    axis, _, feature = axis.partition("|")
    if feature and not FEATURES[feature](problem):
        return 0
    return LENGTHS[axis](problem)


def declared(of: type) -> dict[str, Declared]:
    """Return the arrays that a named tuple declares, by name and in order."""
    found = {}
    for name, hint in get_type_hints(of, include_extras=True).items():
        kind, *said = get_args(hint) or (hint,)
        if said and isinstance(said[0], str):
            numbers = [each for each in said[1:] if isinstance(each, float)]
            texts = [each for each in said[1:] if isinstance(each, str)]
            found[name] = Declared(name, tuple(said[0].split()), _dtype(kind), "; ".join(texts[:1]), *numbers)
    return found


def _dtype(kind: Any) -> Any:
    """Return the type of the numbers in an array, optional or not."""
    options = [kind, *get_args(kind)]
    return next(TYPES[each] for each in options if each in TYPES)

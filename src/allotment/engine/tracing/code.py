"""A program's code: operations on rows, in order. A row is used again when nothing needs what it held.

So what a block of worlds works on stays small, in the processor's nearest caches. Sums of numbers times constants are one
operation, however many terms they have; what is given is fetched just before its first use, what is made is stored at once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allotment.engine.tracing import graph as g
from allotment.engine.tracing.graph import Graph
from allotment.quantities import Floats

FETCH, STORE = range(28, 30)  # operations beside those that make numbers


@dataclass(frozen=True, eq=False)
class Code:
    """Operations on rows: what each does, with which rows."""

    kinds: NDArray[np.int8]  # (ops,)
    places: NDArray[
        np.int64
    ]  # (ops, 4) the row it makes and those it is made of; of sums, the first term and the one behind the last
    terms: NDArray[np.int64]  # rows of which sums are made
    factors: Floats  # of each of them
    constants: Floats  # what the first rows hold
    rows: int
    memory: dict[Any, Any] = field(default_factory=dict)  # in which it has been played


@dataclass
class _Rows:
    """Which row holds which number, while the code is written."""

    graph: Graph
    fetched: dict[int, int]  # of what is given, its place
    left: Counter[int]  # uses still to come
    stored: dict[int, list[int]]
    rows: dict[int, int]
    free: list[int] = field(default_factory=list)
    count: int = 0
    kinds: list[int] = field(default_factory=list)
    places: list[tuple[int, int, int, int]] = field(default_factory=list)

    def new(self, place: int) -> int:
        """Return a row for a number."""
        if self.free:
            row = self.free.pop()
        else:
            row, self.count = self.count, self.count + 1
        self.rows[place] = row
        return row

    def of(self, place: int) -> int:
        """Return the row that holds a number; what is given is fetched."""
        if place not in self.rows:
            self.write(FETCH, self.new(place), self.fetched[place])
        return self.rows[place]

    def used(self, parts: Sequence[int]) -> None:
        """Note that numbers have been used: rows of those that nothing needs any more are free."""
        for part in parts:
            self.left[part] -= 1
            if not self.left[part] and part not in self.graph.values:
                self.free.append(self.rows.pop(part))

    def write(self, kind: int, *places: int) -> None:
        """Write an operation."""
        self.kinds.append(kind)
        self.places.append((*places, 0, 0, 0)[:4])  # type: ignore[arg-type]

    def store(self, place: int) -> None:
        """Store a number wherever it is made for."""
        for made in self.stored.pop(place, ()):
            self.write(STORE, made, self.of(place))
            self.used([place])


def coded(graph: Graph, inputs: Sequence[int], outputs: Sequence[int]) -> Code:
    """Return the code that makes some numbers of a graph, in order, of those that are given."""
    needed = graph.needed(outputs)
    sums = linear_sums(graph, needed, set(outputs))
    made_of = {place: tuple(sums[place]) for place in sums} | {
        place: tuple(part for part in graph.nodes[place][1:] if part >= 0)
        for place in needed
        if graph.nodes[place].kind > g.CONSTANT and place not in sums and _terms(graph, place) is None
    }
    left = Counter(part for parts in made_of.values() for part in parts) + Counter(outputs)
    constants = [place for place in needed if graph.nodes[place].kind == g.CONSTANT and place in left]
    stored = defaultdict(list)
    for made, place in enumerate(outputs):
        stored[place].append(made)
    rows = _Rows(graph, {place: row for row, place in enumerate(inputs)}, left, stored, {}, count=len(constants))
    rows.rows.update({place: row for row, place in enumerate(constants)})
    terms: list[int] = []
    factors: list[float] = []
    for place in sorted(made_of):
        parts = made_of[place]
        of_parts = [rows.of(part) for part in parts]
        rows.used(parts)
        if place in sums:
            rows.write(g.LINEAR, rows.new(place), len(terms), len(terms) + len(parts))
            terms += of_parts
            factors += sums[place].values()
        else:
            rows.write(graph.nodes[place].kind, rows.new(place), *of_parts)
        rows.store(place)
    for place in list(stored):
        rows.store(place)
    return Code(
        np.array(rows.kinds, dtype=np.int8),
        np.array(rows.places, dtype=np.int64).reshape(-1, 4),
        np.array(terms, dtype=np.int64),
        np.array(factors, dtype=np.float64),
        np.array([graph.values[place] for place in constants], dtype=np.float64),
        rows.count,
    )


def linear_sums(graph: Graph, needed: Sequence[int], outputs: set[int]) -> dict[int, dict[int, float]]:
    """Return sums of numbers times constants, as factor by place; a sum that is used once becomes part of what uses it."""
    uses: Counter[int] = Counter()
    for place in needed:
        if graph.nodes[place].kind > g.CONSTANT:
            uses.update(part for part in graph.nodes[place][1:])
    sums: dict[int, dict[int, float]] = {}
    for place in needed:
        total: dict[int, float] = {}
        for part, factor in _terms(graph, place) or ():
            inner = sums.pop(part) if part in sums and uses[part] == 1 and part not in outputs else {part: 1.0}
            if not total and factor == 1.0:
                total = inner
                continue
            for term, times in inner.items():
                total[term] = total.get(term, 0.0) + factor * times
        if total:
            sums[place] = total
    return sums


def _terms(graph: Graph, place: int) -> list[tuple[int, float]] | None:
    """Return the terms of a sum or of a number times a constant, none where it is neither."""
    node = graph.nodes[place]
    if node.kind == g.ADD:
        return [(node.a, 1.0), (node.b, 1.0)]
    if node.kind == g.SUB:
        return [(node.a, 1.0), (node.b, -1.0)]
    if node.kind == g.MUL and (node.a in graph.values or node.b in graph.values):
        constant, other = (node.a, node.b) if node.a in graph.values else (node.b, node.a)
        return [(other, graph.values[constant])]
    return None

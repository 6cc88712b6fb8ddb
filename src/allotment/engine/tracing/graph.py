"""A program in the making: numbers of one world, each made of at most three others. Equal ones are one.

What is constant is worked out at once, and what follows from constants alone (adding nothing, the smaller of something and
infinity) is left out, so that a world without a limit pays nothing for it. Whatever is not constant is taken to be finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

INPUT, CONSTANT, ADD, SUB, MUL, DIV, MIN, MAX, FLOOR_AT, CAP_AT, CUT, LINEAR = range(12)
LESS, AT_MOST, EQUAL, AND, OR, NOT, CHOOSE, ROUND_DOWN, SIZE, THROUGH = range(12, 22)
IF_AT_MOST, IF_LESS, SIGNED = range(22, 25)
EXP, LOG, ROOT = range(25, 28)
"""What a number is. `FLOOR_AT` and `CAP_AT` pass their gradient at the bound, as `clip` does; `MIN` and `MAX` halve it at ties;
`CUT` is the first, or the second where that is less, and so is its gradient; `THROUGH` is the first, with the gradient of the
second. Of gradients are made: the first where the second is at most the third, else nothing; the first where the second is
less than the third, half of it where they are equal, else nothing; the first with the sign of the second."""


class Node(NamedTuple):
    """A number: what it is, and what it is made of."""

    kind: int
    a: int = -1
    b: int = -1
    c: int = -1


class Untraceable(Exception):
    """What is done to a number depends on what it is: it cannot be a program."""


class Graph:
    """Numbers by place, each of earlier ones."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.values: dict[int, float] = {}  # of constants
        self.bounds: dict[int, tuple[float, float]] = {}  # between which some numbers are known to lie
        self.at_least_nothing: set[int] = set()  # numbers that are known not to be negative
        self._at_most: dict[int, frozenset[int]] = {}  # what some numbers are known not to exceed
        self._constants: dict[float, int] = {}
        self._known: dict[Node, int] = {}

    def input(self) -> int:
        """Return a number that is given whenever the program is played."""
        self.nodes.append(Node(INPUT, len(self.nodes)))
        return len(self.nodes) - 1

    def constant(self, value: float) -> int:
        """Return the place of a constant."""
        value = float(value)
        found = self._constants.get(value)
        if found is None:
            found = self._constants[value] = len(self.nodes)
            self.nodes.append(Node(CONSTANT, found))
            self.values[found] = value
        return found

    def add(self, kind: int, a: int, b: int = -1, c: int = -1) -> int:
        """Return the place of a number made of others; an earlier one where it is that."""
        simple = self._simpler(kind, a, b, c)
        if simple is not None:
            return simple
        if kind in (ADD, MUL, MIN, MAX, AND, OR, EQUAL) and a > b:
            a, b = b, a
        node = Node(kind, a, b, c)
        found = self._known.get(node)
        if found is None:
            found = self._known[node] = len(self.nodes)
            self.nodes.append(node)
            self._note(found, node)
        return found

    def _note(self, place: int, node: Node) -> None:
        """Note what is known of a number."""
        kind, a, b = node.kind, node.a, node.b
        if kind in (CUT, MIN, CAP_AT):
            self._at_most[place] = frozenset((a, b)) | self._at_most.get(a, frozenset()) | self._at_most.get(b, frozenset())
        both = self._not_negative(a) and self._not_negative(b)
        if (kind in (ADD, MUL, DIV, MIN, CUT, CAP_AT) and both) or (kind == SUB and a in self._at_most.get(b, ())):
            self.at_least_nothing.add(place)
        if kind in (MAX, FLOOR_AT) and (self._not_negative(a) or self._not_negative(b)):
            self.at_least_nothing.add(place)
        if kind == CHOOSE and self._not_negative(b) and self._not_negative(node.c):
            self.at_least_nothing.add(place)
        if kind in (LESS, AT_MOST, EQUAL, AND, OR, NOT, SIZE, EXP, ROOT):
            self.at_least_nothing.add(place)

    def _not_negative(self, place: int) -> bool:
        return place in self.at_least_nothing or self.values.get(place, -1.0) >= 0.0

    def _simpler(self, kind: int, a: int, b: int, c: int) -> int | None:
        x, y = self.values.get(a), self.values.get(b)
        if kind == CHOOSE:
            if x is not None:
                return b if x else c
            return b if b == c else self._cut(a, b, c)
        if kind in (IF_AT_MOST, IF_LESS, SIGNED):
            return a if x == 0.0 else None
        if kind == THROUGH:
            return a if a == b else None
        if x is not None and (y is not None or b < 0):
            return self.constant(_value(kind, x, y if y is not None else 0.0))
        if kind == ADD:
            return b if x == 0.0 else a if y == 0.0 else self._difference(a, b) or self._difference(b, a)
        if kind == SUB:
            return a if y == 0.0 else self.constant(0.0) if a == b else None
        if kind == MUL:
            if x == 0.0 or y == 0.0:
                return self.constant(0.0)
            return b if x == 1.0 else a if y == 1.0 else None
        if kind == DIV:
            return a if y == 1.0 else self.constant(0.0) if x == 0.0 or y == math.inf else None
        if kind in (MIN, CAP_AT):
            return b if x == math.inf else a if y == math.inf or a == b else None
        if kind in (MAX, FLOOR_AT):
            if kind == FLOOR_AT and y == 0.0 and a in self.at_least_nothing:
                return a
            if kind == FLOOR_AT and self.nodes[a].kind == FLOOR_AT and self.nodes[a].b == b:
                return a
            return b if x == -math.inf else a if y == -math.inf or a == b else None
        if kind in (LESS, AT_MOST):
            if a == b:
                return self.constant(float(kind == AT_MOST))
            if x in (math.inf, -math.inf):
                return self.constant(float(x < 0.0))
            return self.constant(float(y > 0.0)) if y in (math.inf, -math.inf) else None
        if kind == EQUAL:
            return self.constant(1.0) if a == b else self.constant(0.0) if self._differ(a, b) else None
        if kind == AND:
            if x == 0.0 or y == 0.0:
                return self.constant(0.0)
            return b if x is not None else a if y is not None or a == b else None
        if kind == OR:
            if (x is not None and x) or (y is not None and y):
                return self.constant(1.0)
            return b if x is not None else a if y is not None or a == b else None
        return None

    def _difference(self, a: int, b: int) -> int | None:
        """Return a number plus the negative of another as their difference; none where there is no such."""
        node = self.nodes[b]
        return self.add(SUB, a, node.b) if node.kind == SUB and self.values.get(node.a) == 0.0 else None

    def _cut(self, condition: int, one: int, other: int) -> int | None:
        """Return a choice of the lesser of two numbers as a cut; none where it is another choice."""
        node = self.nodes[condition]
        return self.add(CUT, other, one) if node.kind == LESS and (node.a, node.b) == (one, other) else None

    def _differ(self, a: int, b: int) -> bool:
        """Tell whether two numbers are known to differ: a constant lies outside of the other's bounds."""
        for place, other in ((a, b), (b, a)):
            if place in self.bounds and other in self.values:
                low, high = self.bounds[place]
                return not low <= self.values[other] <= high
        return False

    def needed(self, outputs: Iterable[int]) -> list[int]:
        """Return the places of what outputs are made of, themselves included, in order."""
        marked, waiting = set(), list(outputs)
        while waiting:
            place = waiting.pop()
            if place in marked:
                continue
            marked.add(place)
            node = self.nodes[place]
            if node.kind > CONSTANT:
                waiting.extend(part for part in node[1:] if part >= 0)
        return sorted(marked)


def _value(kind: int, x: float, y: float) -> float:
    """Return what a number made of constants is."""
    if kind == DIV:
        return x / y if y else math.copysign(math.inf, x) if x else math.nan
    return float(_VALUES[kind](x, y))


_VALUES: dict[int, Callable[[float, float], Any]] = {
    ADD: lambda x, y: x + y,
    SUB: lambda x, y: x - y,
    MUL: lambda x, y: x * y,
    MIN: min,
    MAX: max,
    CAP_AT: min,
    CUT: min,
    FLOOR_AT: max,
    LESS: lambda x, y: x < y,
    AT_MOST: lambda x, y: x <= y,
    EQUAL: lambda x, y: x == y,
    AND: lambda x, y: bool(x) and bool(y),
    OR: lambda x, y: bool(x) or bool(y),
    NOT: lambda x, y: not x,
    ROUND_DOWN: lambda x, y: math.floor(x),
    SIZE: lambda x, y: abs(x),
    EXP: lambda x, y: math.exp(x),
    LOG: lambda x, y: math.log(x),
    ROOT: lambda x, y: math.sqrt(x),
}

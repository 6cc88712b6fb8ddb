"""The reverse of a program: slopes of what it is given, as further numbers of its graph, from slopes of what it makes.

Each number hands its slope to what it is made of, those made last first (reverse accumulation: Linnainmaa 1970). Slopes are
numbers like others: what is nothing is left out, what is equal is one, and the same code plays them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from allotment.engine.tracing import graph as g
from allotment.engine.tracing.graph import Graph, Node


def slopes(graph: Graph, inputs: Sequence[int], outputs: Sequence[int], of_outputs: Sequence[int]) -> list[int]:
    """Return the places of the slopes in some numbers of what follows from them, whose slopes are given."""
    needed = graph.needed(outputs)
    following = _following(graph, needed, inputs)
    found: dict[int, int] = {}
    for place, slope in zip(outputs, of_outputs, strict=True):
        _pass(graph, found, following, [(place, slope)])
    for place in reversed(needed):
        if place in found and graph.nodes[place].kind > g.CONSTANT:
            _pass(graph, found, following, _handed(graph, place, graph.nodes[place], found[place]))
    return [found.get(place, graph.constant(0.0)) for place in inputs]


def _following(graph: Graph, needed: Iterable[int], inputs: Iterable[int]) -> set[int]:
    """Return the numbers that follow from some inputs."""
    following = set(inputs)
    for place in needed:
        node = graph.nodes[place]
        if node.kind > g.CONSTANT and (node.a in following or node.b in following or node.c in following):
            following.add(place)
    return following


def _pass(graph: Graph, found: dict[int, int], following: set[int], handed: Iterable[tuple[int, int]]) -> None:
    for place, slope in handed:
        if place in following:
            found[place] = graph.add(g.ADD, found[place], slope) if place in found else slope


def _handed(graph: Graph, place: int, node: Node, slope: int) -> Iterator[tuple[int, int]]:
    """Yield what a number is made of, and the part of its slope that each gets."""
    kind, a, b, c = node
    if kind in (g.ADD, g.SUB, g.THROUGH):
        if kind != g.THROUGH:
            yield a, slope
        yield b, graph.add(g.SUB, graph.constant(0.0), slope) if kind == g.SUB else slope
    elif kind in (g.MUL, g.DIV):
        of_first = graph.add(kind, slope, b)
        yield a, of_first
        yield b, graph.add(g.MUL, slope, a) if kind == g.MUL else _minus(graph, graph.add(g.MUL, of_first, place))
    elif kind == g.FLOOR_AT:
        yield a, graph.add(g.IF_AT_MOST, slope, b, a)
    elif kind == g.CAP_AT:
        yield a, graph.add(g.IF_AT_MOST, slope, a, b)
    elif kind == g.SIZE:
        yield a, graph.add(g.SIGNED, slope, a)
    elif kind == g.EXP:
        yield a, graph.add(g.MUL, slope, place)
    elif kind == g.LOG:
        yield a, graph.add(g.DIV, slope, a)
    elif kind == g.ROOT:
        yield a, graph.add(g.DIV, graph.add(g.MUL, slope, graph.constant(0.5)), place)
    elif kind in (g.CUT, g.MIN, g.MAX, g.CHOOSE):
        one, other = (b, c) if kind == g.CHOOSE else (a, b)
        of_one = _of_one(graph, node, slope)
        yield one, of_one
        yield other, graph.add(g.SUB, slope, of_one)


def _of_one(graph: Graph, node: Node, slope: int) -> int:
    """Return the part of a slope that the first gets of two numbers of which one is taken; the other gets the rest."""
    if node.kind == g.CHOOSE:
        return graph.add(g.CHOOSE, node.a, slope, graph.constant(0.0))
    if node.kind == g.CUT:
        return graph.add(g.IF_AT_MOST, slope, node.a, node.b)
    return graph.add(g.IF_LESS, slope, *((node.a, node.b) if node.kind == g.MIN else (node.b, node.a)))


def _minus(graph: Graph, place: int) -> int:
    return graph.add(g.SUB, graph.constant(0.0), place)

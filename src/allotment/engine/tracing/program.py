"""A period of a world as a program: traced from the array dynamics, so that there is nothing else to agree with them.

Rows hold a number each in all worlds. What is in transit, and history, go by age there instead of by slot, so that one program
plays every period of a calendar that looks alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from allotment.engine import randomness
from allotment.engine.dynamics.period import step
from allotment.engine.state import DECISION, STATE, Decision, State, empty_state
from allotment.engine.tracing import graph as g
from allotment.engine.tracing.graph import Graph, Untraceable
from allotment.engine.tracing.traced import Traced, inputs
from allotment.quantities import Flags, Floats, Integers, Keys
from allotment.scenario.problem import Problem

BY_SLOT = {"pipeline": "lanes", "arrival": "lanes", "demand_history": "demand"}
KNOWN = ("period", "seed", "episode", "regime")  # what a program is not given


@dataclass
class Layout:
    """Where arrays stand among rows: names, shapes without the batch axis, and first rows."""

    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    rows: int = 0

    def add(self, name: str, shape: tuple[int, ...]) -> None:
        """Add an array behind those that are there."""
        self.shapes[name], self.starts[name] = shape, self.rows
        self.rows += int(np.prod(shape))

    def slice(self, name: str) -> slice:
        """Return the rows of an array."""
        return slice(self.starts[name], self.starts[name] + int(np.prod(self.shapes[name])))


class Draw(NamedTuple):
    """Random numbers that a program is given: which, and of how many periods later."""

    what: str  # a function of `randomness`
    later: int  # periods
    streams: Keys | None = None


class _Inputs:
    """What stands for a period's draws: numbers that are given, the same ones whenever they are asked for."""

    def __init__(self, graph: Graph, period: int) -> None:
        self.graph, self.period = graph, period
        self.draws: dict[str, Draw] = {}
        self.asked: dict[str, Traced] = {}

    def uniforms(self, streams, seed, episode, period):  # type: ignore[no-untyped-def]
        return self._new(Draw("uniforms", self._later(period), streams), streams.shape)

    def demands(self, problem, multiplier, seed, episode, period):  # type: ignore[no-untyped-def]
        if problem.shape.groups and self._later(period):
            raise Untraceable("demand that is drawn after goodwill has changed")
        return self._new(Draw("demands", self._later(period)), problem.demand.kind.shape)

    def lead_times(self, problem, seed, episode, period):  # type: ignore[no-untyped-def]
        drawn = self._new(Draw("lead_times", self._later(period)), problem.lanes.stream.shape)
        for lane in np.flatnonzero(problem.lanes.constant >= 0):
            drawn.places[0, lane] = self.graph.constant(problem.lanes.constant[lane])
        return drawn

    def coming_through(self, units, probability):  # type: ignore[no-untyped-def]
        raise Untraceable("units that come through one by one")

    def _later(self, period: Integers) -> int:
        return int(period[0]) - self.period

    def _new(self, draw: Draw, shape: tuple[int, ...]) -> Traced:
        for name, other in self.draws.items():
            if draw[:2] == other[:2] and _same(draw.streams, other.streams):
                return self.asked[name]
        name = f"draw-{len(self.draws)}"
        self.draws[name], self.asked[name] = draw, inputs(self.graph, shape)
        self.graph.at_least_nothing.update(self.asked[name].places.ravel().tolist())
        return self.asked[name]


def _same(one: Keys | None, other: Keys | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))


@dataclass(frozen=True)
class Program:
    """A period: what it is given, what it makes, and how."""

    given: Layout
    made: Layout
    kinds: NDArray[np.int8]  # (ops,)
    parts: NDArray[np.int32]  # (ops, 3) rows each is made of; of sums, the first of their terms and the one behind the last
    terms: NDArray[np.int32]  # rows of which sums are made
    factors: Floats  # of each of them
    constants: Floats  # values of the rows behind what is given
    outputs: NDArray[np.int32]  # rows of what is made
    draws: dict[str, Draw] = field(default_factory=dict)  # that it is given, by name

    @cached_property
    def rows(self) -> int:
        """Return how many rows there are: given, constant, and made of others."""
        return self.given.rows + len(self.constants) + len(self.kinds)


def traced_period(problem: Problem, period: int, decided: frozenset[str], records: tuple[str, ...] = ("reward",)) -> Program:
    """Return the program of a period: `step` from before one decision to before the next.

    `decided` names the quantities of a decision that a policy gives; without an allocation, the scenario's rule serves.
    """
    graph, given = Graph(), Layout()
    modulation = problem.modulation._replace(initial=np.zeros(0, dtype=np.int64))
    problem = problem._replace(modulation=modulation, clock=problem.clock._replace(discount=1.0))
    state, places = traced_state(problem, graph, given, period), []
    decision: dict[str, Any] = {}
    for name, declared in DECISION.items():
        shape = declared.shape(problem)
        given_now = name in decided and np.prod(shape)
        decision[name] = (
            inputs(graph, shape) if given_now else np.zeros((1, 0, *shape[1:]) if name == "allocation" else (1, *shape))
        )
        if given_now:
            given.add(f"decided-{name}", shape)
    draws = _Inputs(graph, period)
    with randomness.drawing(draws):
        after, flows = step(problem, state, Decision(**decision))
    for name, array in draws.asked.items():
        given.add(name, array.shape[1:])
    made = Layout()
    for name, array in (*_by_age(problem, after, period + 1), *((each, getattr(flows, each)) for each in records)):
        made.add(name, array.shape[1:])
        places += [place_of(graph, array).ravel()]
    return replace(compiled(graph, given, made, np.concatenate(places)), draws=draws.draws)


def place_of(graph: Graph, array: Traced | Integers) -> Integers:
    """Return the places of an array's numbers; what NumPy knows is constant."""
    if isinstance(array, Traced):
        return array.places
    return np.array([graph.constant(each) for each in np.asarray(array, float).ravel().tolist()])


def _slots(problem: Problem, name: str) -> int:
    return problem.lanes.slots if BY_SLOT[name] == "lanes" else problem.demand.history_slots


def slots_by_age(problem: Problem, name: str, period: int) -> Integers:
    """Return which slot of an array is 1, 2, … periods old at a period's decision."""
    slots = _slots(problem, name)
    return (period - 1 - np.arange(slots)) % max(slots, 1)


def given_arrays(problem: Problem) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the arrays of a state that a program is given, with their shapes."""
    for name, declared in STATE.items():
        shape = declared.shape(problem)
        if name in KNOWN or not np.prod(shape) or (name == "arrival" and (problem.lanes.constant >= 0).all()):
            continue
        yield name, shape


def traced_state(problem: Problem, graph: Graph, given: Layout, period: int) -> State:
    """Return a state of numbers that are given."""
    state: Any = empty_state(problem, 1)._replace(
        period=np.array([period]), seed=np.zeros(1, np.int64), episode=np.zeros(1, np.int64)
    )
    alive = _in_transit(problem, period)
    for name, shape in given_arrays(problem):
        array = inputs(graph, shape)
        graph.at_least_nothing.update(() if name == "arrival" else array.places.ravel().tolist())
        given.add(name, shape)
        if name == "pipeline":
            array.places[:, ~alive] = graph.constant(0.0)
        if name == "arrival":
            array = _bounded(problem, array + float(period), alive, period)
        if name in BY_SLOT:
            by_slot = np.empty_like(array.places)
            by_slot[:, slots_by_age(problem, name, period)] = array.places
            array = Traced(graph, by_slot)
        state = state._replace(**{name: array})
    if (problem.lanes.constant >= 0).all():
        arrival = np.empty(state.arrival.shape, dtype=np.int64)
        ages = slots_by_age(problem, "arrival", period)
        for place, slot in enumerate(ages):
            arrival[:, slot] = (period - 1 - place + problem.lanes.constant)[:, None]
        state = state._replace(arrival=arrival)
    found: State = state
    return found


def _lead_times(problem: Problem) -> tuple[Integers, Integers]:
    """Return the shortest and the longest lead time of each lane, (L,) periods."""
    rows, tables = problem.lanes.lead_row, problem.tables
    first = tables.first[rows].astype(np.int64)
    return first, first + tables.start[rows + 1] - tables.start[rows] - 1


def _in_transit(problem: Problem, period: int) -> Flags:
    """Return which orders may still be in transit at a decision, by age from 1 on, (N, L).

    What was ordered before an episode arrives in its first period at the earliest, however old it is.
    """
    age = 1 + np.arange(problem.lanes.slots)[:, None]
    on_its_way: Flags = age + int(problem.clock.received_first) <= _lead_times(problem)[1]
    return on_its_way | ((age > period) & (period == 0) & (age <= len(problem.lanes.initial)))


def _bounded(problem: Problem, array: Traced, alive: Flags, period: int) -> Traced:
    """Return arrivals (1, N, L, draws) by age that lie where lead times allow; those of orders that have arrived are none."""
    shortest, longest = _lead_times(problem)
    array.places[:, ~alive] = array.graph.constant(-1.0)
    for age, lane in np.argwhere(alive):
        for place in array.places[0, age, lane]:
            ordered = period - 1 - age
            earliest, latest = max(ordered + shortest[lane], 0), max(ordered + longest[lane], 0)
            array.graph.bounds[int(place)] = (float(earliest), float(latest))
    return array


def _by_age(problem: Problem, state: State, period: int) -> Iterator[tuple[str, Traced]]:
    """Yield the arrays of a state after a period by age, arrivals counted from the period."""
    for name, _ in given_arrays(problem):
        array = getattr(state, name)
        if name in BY_SLOT:
            array = array[:, slots_by_age(problem, name, period)]
        yield name, array - float(period) if name == "arrival" else array


def compiled(graph: Graph, given: Layout, made: Layout, outputs: Integers) -> Program:
    """Return the program of what is needed for some places: inputs first, then constants, then the rest in order."""
    needed = graph.needed(outputs.tolist())
    sums = linear_sums(graph, needed, set(outputs.tolist()))
    inside = {place for place in needed if _terms(graph, place) is not None and place not in sums}
    made_of = [place for place in needed if graph.nodes[place].kind > g.CONSTANT and place not in inside]
    used = {part for place in made_of if place not in sums for part in graph.nodes[place][1:]} | set(outputs.tolist())
    used |= {term for terms in sums.values() for term in terms}
    every_input = [place for place, node in enumerate(graph.nodes) if node.kind == g.INPUT]
    constants = [place for place in needed if graph.nodes[place].kind == g.CONSTANT and place in used]
    rows = {place: row for row, place in enumerate([*every_input, *constants, *made_of])}
    assert len(every_input) == given.rows, (len(every_input), given.rows)
    kinds: list[int] = []
    parts: list[tuple[int, ...]] = []
    terms: list[int] = []
    factors: list[float] = []
    for place in made_of:
        if place in sums:
            start = len(terms)
            terms += [rows[term] for term in sums[place]]
            factors += list(sums[place].values())
            kinds.append(g.LINEAR)
            parts.append((start, len(terms), 0))
        else:
            kinds.append(graph.nodes[place].kind)
            parts.append(tuple(rows.get(part, 0) for part in graph.nodes[place][1:]))
    return Program(
        given,
        made,
        np.array(kinds, dtype=np.int8),
        np.array(parts, dtype=np.int32).reshape(-1, 3),
        np.array(terms, dtype=np.int32),
        np.array(factors, dtype=np.float64),
        np.array([graph.values[place] for place in constants]),
        np.array([rows[place] for place in outputs.tolist()], dtype=np.int32),
    )


def linear_sums(graph: Graph, needed: list[int], outputs: set[int]) -> dict[int, dict[int, float]]:
    """Return sums of numbers times constants, as factor by place; a sum that is used once becomes part of what uses it."""
    uses: dict[int, int] = {}
    for place in needed:
        if graph.nodes[place].kind > g.CONSTANT:
            for part in graph.nodes[place][1:]:
                uses[part] = uses.get(part, 0) + 1
    sums: dict[int, dict[int, float]] = {}
    for place in needed:
        own = _terms(graph, place)
        if own is None:
            continue
        total: dict[int, float] = {}
        for part, factor in own:
            inner = sums[part] if part in sums and uses[part] == 1 and part not in outputs else {part: 1.0}
            for term, times in inner.items():
                total[term] = total.get(term, 0.0) + factor * times
        for part, _ in own:
            if part in sums and uses[part] == 1 and part not in outputs:
                del sums[part]
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

"""A period of a world as a program: traced from the array dynamics, so that there is nothing else to agree with them.

What a program is given and makes are rows, a number each in all worlds (`rows`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from allotment.engine import randomness
from allotment.engine.dynamics.period import step
from allotment.engine.state import DECISION, STATE, Decision, State, empty_state
from allotment.engine.tracing import graph as g
from allotment.engine.tracing.code import Code, coded
from allotment.engine.tracing.graph import Graph, Untraceable
from allotment.engine.tracing.reverse import slopes
from allotment.engine.tracing.rows import (
    BY_SLOT,
    Layout,
    by_age,
    everything,
    in_transit,
    lead_time_bounds,
    rows_there,
    slots_by_age,
    state_layout,
)
from allotment.engine.tracing.traced import Traced, inputs
from allotment.quantities import Flags, Integers, Keys
from allotment.scenario.problem import Problem


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
        self.graph.note_not_negative(self.asked[name].places)
        return self.asked[name]


def _same(one: Keys | None, other: Keys | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))


class Program:
    """What is made of what is given, and how; a period's, or any other."""

    def __init__(self, given: Layout, made: Layout, forward: Code, back: Callable[[], Code], draws: dict[str, Draw]) -> None:
        self.given, self.made, self.draws = given, made, draws  # draws that it is given, by name
        self.forward = forward  # makes what is made of what is given
        self._back: Callable[[], Code] | None = back

    @cached_property
    def reverse(self) -> Code:
        """Return the code that makes slopes in what is given, of what is given and slopes in what is made."""
        assert self._back is not None
        code, self._back = self._back(), None  # with what it was made of
        return code


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
            given.add(f"decided-{name}", everything(shape))
    draws = _Inputs(graph, period)
    with randomness.drawing(draws):
        after, flows = step(problem, state, Decision(**decision))
    for name, array in draws.asked.items():
        given.add(name, everything(array.shape[1:]))
    made = state_layout(problem)
    for name, there in made.there.items():
        places += [place_of(graph, by_age(problem, after, name, period + 1))[0, there]]
    for name in records:
        array = getattr(flows, name)
        made.add(name, everything(array.shape[1:]))
        places += [place_of(graph, array).ravel()]
    return compiled(graph, given, made, np.concatenate(places), draws.draws)


def place_of(graph: Graph, array: Traced | Integers) -> Integers:
    """Return the places of an array's numbers, in its shape; what NumPy knows is constant."""
    if isinstance(array, Traced):
        return array.places
    known = np.asarray(array, float)
    return np.array([graph.constant(each) for each in known.ravel().tolist()], dtype=np.int64).reshape(known.shape)


def traced_state(problem: Problem, graph: Graph, given: Layout, period: int) -> State:
    """Return a state of numbers that are given."""
    state: Any = empty_state(problem, 1)._replace(
        period=np.array([period]), seed=np.zeros(1, np.int64), episode=np.zeros(1, np.int64)
    )
    layout, alive = state_layout(problem), in_transit(problem, period)
    for name, there in rows_there(problem):
        array = _entries(graph, name, there)
        if name in layout.there:
            given.add(name, there)
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


def _entries(graph: Graph, name: str, there: Flags) -> Traced:
    """Return an array of a state, (1, …), of numbers that are given; entries without rows are what they are at the start."""
    places = np.full((1, *there.shape), graph.constant(STATE[name].start), dtype=np.int64)
    given = inputs(graph, (int(there.sum()),)).places[0]
    places[0, there] = given
    if name != "arrival":
        graph.note_not_negative(given)
    return Traced(graph, places)


def _bounded(problem: Problem, array: Traced, alive: Flags, period: int) -> Traced:
    """Return arrivals (1, N, L, draws) by age that lie where lead times allow; those of orders that have arrived are none."""
    shortest, longest = lead_time_bounds(problem)
    array.places[:, ~alive] = array.graph.constant(-1.0)
    for age, lane in np.argwhere(alive):
        for place in array.places[0, age, lane]:
            ordered = period - 1 - age
            earliest, latest = max(ordered + shortest[lane], 0), max(ordered + longest[lane], 0)
            array.graph.bounds[int(place)] = (float(earliest), float(latest))
    return array


def compiled(graph: Graph, given: Layout, made: Layout, outputs: Integers, draws: dict[str, Draw] | None = None) -> Program:
    """Return the program that makes some places of a graph of all that it is given."""
    inputs = [place for place, node in enumerate(graph.nodes) if node.kind == g.INPUT]
    assert len(inputs) == given.rows, (len(inputs), given.rows)
    fixed = np.zeros(given.rows, dtype=bool)
    for name in given.starts.keys() & {"arrival", *(draws or {})}:
        fixed[given.slice(name)] = True
    back = partial(_reversed, graph, inputs, outputs.tolist(), fixed)
    return Program(given, made, coded(graph, inputs, outputs.tolist()), back, draws or {})


def _reversed(graph: Graph, inputs: list[int], outputs: list[int], fixed: Flags) -> Code:
    """Return the code of slopes; there is none in what is fixed: draws, and when what is in transit arrives."""
    of_outputs = [graph.input() for _ in outputs]
    free, nothing = [place for place, none in zip(inputs, fixed, strict=True) if not none], graph.constant(0.0)
    of_free = dict(zip(free, slopes(graph, free, outputs, of_outputs), strict=True))
    return coded(graph, [*inputs, *of_outputs], [of_free.get(place, nothing) for place in inputs])

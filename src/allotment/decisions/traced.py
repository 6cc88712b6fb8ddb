"""What a policy sees and says in worlds whose periods are programs: vectors and decisions that Torch differentiates.

Observation, encoding and the rule behind it are traced as they are written for NumPy, so that there is nothing else to agree
with them. A program serves every period of the calendar that looks alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from allotment.decisions.encodings import Encoding
from allotment.decisions.flatten import Flattener
from allotment.decisions.groups import is_dated
from allotment.decisions.observation import Observation
from allotment.engine.state import DECISION
from allotment.engine.tracing.graph import Graph
from allotment.engine.tracing.playing import torch_function
from allotment.engine.tracing.program import Program, compiled, place_of, traced_state
from allotment.engine.tracing.rows import Layout, everything
from allotment.engine.tracing.traced import inputs
from allotment.engine.tracing.worlds import TracedWorlds
from allotment.scenario.loader import World

ACTIONS = "actions"


class TracedDecisions:
    """The observation vectors of a batch of worlds, and the decisions that actions of an encoding stand for.

    `world` is the one that the batch plays, in its continuous relaxation; the encoding is of it or of the world it was made of.
    Raises `Untraceable` where an observation or an encoding looks at values.
    """

    def __init__(self, worlds: TracedWorlds, world: World, encoding: Encoding) -> None:
        self.worlds, self.problem = worlds, worlds.problem
        self.encoding, self.flattener = encoding.within(world), Flattener(world)
        self._played, self._programs = torch_function(), {}  # type: ignore[var-annotated]
        self._cycle = math.lcm(worlds.cycle, len(self.problem.demand.mean), self.problem.clock.cycle)

    def vectors(self, rows: Any) -> Any:
        """Return what a network sees of states (n, B), (B, inputs): as `Flattener` makes it."""
        program = self._program("vectors", self._vectors)
        return self._played(program, program.made.lengths, rows)[0].T

    def decision(self, rows: Any, actions: Any) -> dict[str, Any]:
        """Return the decision, quantities (B, …) by name, that actions (B, size) in [-1, 1] stand for in states (n, B)."""
        program = self._program(ACTIONS, self._decided)
        made = self._played(program, program.made.lengths, rows, actions.T)
        arrays = zip(program.made.there.items(), made, strict=True)
        return {name: quantities.T.reshape(-1, *there.shape) for (name, there), quantities in arrays}

    def _program(self, kind: str, trace: Callable[[Graph, Layout, Observation], dict[str, Any]]) -> Program:
        key = (kind, self._phase)
        if key not in self._programs:
            graph, given, made = Graph(), Layout(), Layout()
            seen = Observation.of(self.problem, traced_state(self.problem, graph, given, self.worlds.period))
            arrays = trace(graph, given, seen)
            for name, array in arrays.items():
                made.add(name, everything(array.shape[1:]))
            outputs = np.concatenate([place_of(graph, array).ravel() for array in arrays.values()])
            self._programs[key] = compiled(graph, given, made, outputs)
        return self._programs[key]

    @property
    def _phase(self) -> int:
        """Return a period that looks as the coming decision's does."""
        period = self.worlds.period
        early = 1 + self.problem.demand.history_slots
        if period < early or is_dated(self.problem):
            return period
        return early + (period - early) % self._cycle

    def _vectors(self, graph: Graph, given: Layout, seen: Observation) -> dict[str, Any]:
        return {"vectors": self.flattener.traced(seen)}

    def _decided(self, graph: Graph, given: Layout, seen: Observation) -> dict[str, Any]:
        actions: Any = inputs(graph, (self.encoding.size,))
        given.add(ACTIONS, everything((self.encoding.size,)))
        decided = self.encoding.decision(actions, seen)
        quantities = {name: getattr(decided, name) for name in DECISION}
        return {name: array for name, array in quantities.items() if array is not None and array.size}

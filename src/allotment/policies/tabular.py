"""An optimal policy: the decision for every state of a world, as `allotment solve` finds it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from allotment.decisions.observation import Observation
from allotment.engine.state import Decision, decision_shapes, empty_state
from allotment.exact.solving import Solution
from allotment.exact.table import Table, seen
from allotment.exchange.recommend import Recommender, recommend
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World

TABLE = "table.safetensors"
PARTS = ("rows", "orders", "allocation", "protection")


@dataclass(frozen=True)
class TabularPolicy:
    """The decision for every state of a world."""

    name: str
    world: World
    table: Table
    step: float  # units in which continuous units are counted
    kind: str = "optimal"
    informed: bool = True  # it was found with the law of demand
    uses_forecast: bool = False  # the law is in its table
    memory_size: int = 0  # it remembers nothing
    version: str = ""  # of the bundle it was loaded from

    def decide(self, observation: Observation) -> Decision:
        """Return the decision of each state."""
        return self.table.decision(seen(self.world.problem, observation, self.step))

    def write(self, folder: Path) -> dict[str, Any]:
        """Write what the policy is into a bundle's folder; returns what the bundle says of it."""
        from safetensors.numpy import save_file

        save_file({name: np.ascontiguousarray(getattr(self.table, name)) for name in PARTS}, folder / TABLE)
        return {"kind": self.kind, "name": self.name, "step": self.step}

    def recommend(self, snapshot: Any) -> Any:
        """Return the plan for a snapshot, or plans for a list of them; see `exchange.snapshot` and `exchange.plan`."""
        return recommend(self.recommender, snapshot)

    @cached_property
    def recommender(self) -> Recommender:
        """Return what answers snapshots."""
        return Recommender(self)


def optimal_policy(solution: Solution, name: str = "optimal") -> TabularPolicy:
    """Return the best policy of a solved world."""
    problem, best = solution.world.problem, solution.decision
    rows = seen(problem, Observation.of(problem, solution.states), solution.step)
    if len(np.unique(rows, axis=0)) < len(rows):
        raise ScenarioError(f"{solution.world.name}: its states have parts that a policy does not see")
    assert best.allocation is not None and best.protection is not None
    return TabularPolicy(name, solution.world, Table(rows, best.orders, best.allocation, best.protection), solution.step)


def read_table(file: Path, world: World) -> Table:
    """Return the table of a bundle; `ScenarioError` where it is none of this world."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        parts = load_file(file)
    except (OSError, SafetensorError) as error:
        raise ScenarioError(f"{file}: {error}") from None
    if set(parts) != set(PARTS):
        raise ScenarioError(f"{file}: holds {', '.join(sorted(parts))}; expected {', '.join(PARTS)}")
    table = Table(**parts)
    _check(file, table, world)
    return table


def _check(file: Path, table: Table, world: World) -> None:
    problem = world.problem
    width = seen(problem, Observation.of(problem, empty_state(problem, 1)), 1.0).shape[1]
    shapes = decision_shapes(problem)
    lanes = table.allocation.shape[1:2] == (0,)  # the scenario's rule allocates
    expected = {"rows": (width,), **shapes, "allocation": table.allocation.shape[1:] if lanes else shapes["allocation"]}
    for name in PARTS:
        part = getattr(table, name)
        if part.shape != (len(table.rows), *expected[name]) or part.dtype != (np.int64 if name == "rows" else np.float64):
            raise ScenarioError(f"{file}: {name} is {part.dtype} {part.shape}; expected {(len(table.rows), *expected[name])}")
        if name != "rows" and not (np.isfinite(part).all() and (part >= 0.0).all()):
            raise ScenarioError(f"{file}: {name} must be quantities of at least 0")
    if not len(table.rows):
        raise ScenarioError(f"{file}: rows must hold a state at least")

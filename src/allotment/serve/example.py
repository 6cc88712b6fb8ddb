"""A snapshot to try a service with: what its own policy meets after a few periods."""

from __future__ import annotations

from typing import Any

import numpy as np

from allotment.decisions.observation import observe
from allotment.exchange.register import Register
from allotment.simulation.simulation import Simulation

PERIODS = 3  # played before the example


def example_snapshot(policy: Any) -> dict[str, Any]:
    """Return a snapshot of a world that the policy has played for a few periods, as the content of a JSON object."""
    problem, one = policy.world.problem, np.zeros(1, dtype=np.int64)
    simulation, memory = Simulation(problem, 1), None
    simulation.reset(one, one, one)
    for _ in range(min(PERIODS, problem.clock.length - 1)):
        decision = policy.decide(observe(simulation, memory))
        memory = decision.memory
        simulation.step(decision)
    content = Register(policy.world).snapshot(simulation.state, 0, memory).model_dump(by_alias=True, mode="json")
    content["in_transit"] = [
        {key: value for key, value in entry.items() if value is not None} for entry in content["in_transit"]
    ]
    return _whole(content) if problem.rules.whole else content


def _whole(content: Any) -> Any:
    """Return the content with whole units written without a point."""
    if isinstance(content, dict):
        return {key: value if key == "memory" else _whole(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_whole(entry) for entry in content]
    return int(content) if isinstance(content, float) and content.is_integer() else content

"""Playing episodes: a policy in a batch of worlds, period by period, or a rule that compiled code plays in one call.

Evaluation, tuning and figures all play through here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from allotment.decisions.observation import observe
from allotment.decisions.ordering import Ordering
from allotment.decisions.policy import Policy
from allotment.engine.state import Flows
from allotment.scenario.loader import World
from allotment.scenario.problem import Integers
from allotment.simulation.simulation import Simulation

AT_ONCE = 20_000_000  # lanes × SKUs × worlds × periods played in one call, which cannot be interrupted


def started(world: World, seeds: Integers) -> Simulation:
    """Return a simulation of the first episode of each seed (n,), up to its first decision."""
    simulation = Simulation(world.problem, len(seeds))
    restart(simulation, seeds)
    return simulation


def restart(simulation: Simulation, seeds: Integers) -> None:
    """Put a simulation at the first decision of the first episode of each seed (n,), one for each of its worlds."""
    simulation.reset(np.arange(len(seeds)), np.asarray(seeds, dtype=np.int64), np.zeros(len(seeds), dtype=np.int64))


def rollout(world: World, policy: Policy, seeds: Integers) -> Iterator[tuple[int, Flows]]:
    """Play the first episode of each seed (n,) to its end; yields each period's number and record, valid until the next."""
    return played(started(world, seeds), policy)


def played(simulation: Simulation, policy: Policy) -> Iterator[tuple[int, Flows]]:
    """Play a simulation's episodes to their end; yields each period's number and record, valid until the next."""
    memory = None
    for period in range(simulation.problem.clock.length):
        decision = policy.decide(observe(simulation, memory))
        memory = decision.memory
        yield period, simulation.step(decision)


def compiled_ordering(policy: Policy, world: World) -> Ordering | None:
    """Return what compiled code plays in a policy's place; none where the policy has to be asked each period."""
    ordering = getattr(policy, "ordering", None)
    return ordering() if ordering is not None and world.problem.rules.orders else None


def play_compiled(simulation: Simulation, ordering: Ordering, progress: Callable[[int], None] | None = None) -> None:
    """Play a simulation's episodes to their end by a rule, adding to its sums; `progress` gets worlds × periods."""
    ordering.put_into(simulation)
    left, cells = simulation.problem.clock.length, simulation.problem.lanes.allowed.size * simulation.batch
    while left:
        periods = min(left, max(1, AT_ONCE // cells))
        simulation.play(periods)
        left -= periods
        if progress:
            progress(periods * simulation.batch)

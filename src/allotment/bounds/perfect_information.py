"""Perfect information: what the best decisions would earn in an episode whose chance is known beforehand, as a bound.

No policy does better in the same episode. In a window the bound is free to open and to close with what stock it likes: the
warm-up brings it there and keeps it for nothing, and where the window does not count stock at cost, it costs nothing itself.
`foresight` says what perfect information is worth without that.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from allotment.programs.draft import Draft
from allotment.programs.linear_program import Solution, Unsolved
from allotment.programs.opening import first_opening
from allotment.programs.path import sample_path
from allotment.programs.world_program import check_possible, draft_of
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats
from allotment.scenario.streams import derived_seed

Progress = Callable[[], None]


def seeds_of_tests(seed: int, episodes: int) -> list[int]:
    """Return the seeds of the episodes that `evaluate` plays."""
    return [derived_seed("test", seed) + episode for episode in range(episodes)]


def perfect_information(world: World, seeds: list[int], progress: Progress | None = None) -> Floats:
    """Return the bound on the score of every policy in the first episode of each seed, money per measured period.

    `ScenarioError` names what a linear programme cannot bound.
    """
    check_possible(world.problem)
    bounds = []
    for seed in seeds:
        bounds.append(solved(whole_episode(world, seed), world).value)
        if progress:
            progress()
    return np.array(bounds)


def whole_episode(world: World, seed: int) -> Draft:
    """Return the programme of the first episode of a seed; its value is the score."""
    return draft_of(world.problem, sample_path(world.problem, seed), first_opening(world.problem), _weights(world))


def _weights(world: World) -> Floats:
    """Return what money counts by period, (T,): nothing in the warm-up."""
    clock, periods = world.problem.clock, world.scenario.horizon.periods
    return np.where(np.arange(clock.length) < clock.warm_up, 0.0, 1.0 / periods)


def solved(draft: Draft, world: World) -> Solution:
    """Return the solution of a programme; `ScenarioError` where it has none."""
    try:
        return draft.program.solve()
    except Unsolved as reason:
        if str(reason) != "unbounded":
            raise ScenarioError(f"{world.name}: the linear programme was not solved: {reason}") from None
        hint = "what is left at the end is worth more (salvage) than the cheapest way to buy it, in a warm-up for nothing"
        raise ScenarioError(f"{world.name}: nothing bounds the score: {hint}") from None

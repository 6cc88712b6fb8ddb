"""Episodes of random decisions, and the programmes of the same episodes."""

from collections.abc import Iterable

import numpy as np

from allotment.engine.state import Decision
from allotment.programs.draft import Draft
from allotment.programs.fixing import Episode, recorded
from allotment.programs.opening import first_opening
from allotment.programs.path import sample_path
from allotment.programs.world_program import draft_of
from random_worlds import random_decisions


def played(problem, seed: int, decisions: Iterable[Decision]) -> Episode:
    """Return the episode of a seed under given decisions."""
    left = iter(decisions)
    return recorded(problem, [seed], lambda simulation: _whole(next(left)))[0]


def _whole(decision: Decision) -> Decision:
    """Return a decision without an empty allocation, which a simulation takes for a wrong shape."""
    empty = decision.allocation is not None and decision.allocation.shape[1] == 0
    return decision._replace(allocation=None) if empty else decision


def measured(problem) -> np.ndarray:
    """Return weights that count the money of measured periods."""
    return (np.arange(problem.clock.length) >= problem.clock.warm_up).astype(float)


def programme(problem, seed: int) -> Draft:
    """Return the programme of a whole episode."""
    return draft_of(problem, sample_path(problem, seed), first_opening(problem), measured(problem))


def random_episode(world, seed: int) -> Episode:
    """Return an episode of random decisions."""
    return played(world.problem, seed, random_decisions(world, 1, seed))

"""Searches of a grid: every candidate in all worlds, or all candidates in few worlds and the better ones in more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allotment.fitting.replications import Replications, search_worlds
from allotment.fitting.search import Best, Space, Told, Tuned
from allotment.policies.parameters import Parameter
from allotment.policies.rule_config import RulePolicy

FEWEST = 4  # worlds that candidates are compared in at first


def exhaustive(policy: RulePolicy, parameters: Sequence[Parameter], seed: int, told: Told) -> Tuned:
    """Play every candidate that the ranges allow in all worlds of the search."""
    space = Space(policy, parameters)
    grid, best, played = space.grid(), Best(space), Replications(policy.world, search_worlds(policy, seed))
    for place in range(grid.size):
        numbers = grid.numbers(np.full(space.skus, place))
        best.see(numbers, played.by_sku(space.candidate(numbers)))
        told(place + 1, grid.size, best.total)
    return best.chosen(played)


def narrowing(policy: RulePolicy, parameters: Sequence[Parameter], seed: int, told: Told) -> Tuned:
    """Play all candidates in few worlds, and again and again the better half of them in up to twice as many.

    Sequential halving (Karnin, Koren and Somekh 2013, "Almost optimal exploration in multi-armed bandits", ICML), with the
    worlds of a round among those of the next, so that what was played counts on, and the same worlds for all candidates. Each
    SKU narrows its own candidates: what a simulation plays is one of every SKU.
    """
    space, seeds = Space(policy, parameters), search_worlds(policy, seed)
    grid = space.grid()
    places = np.tile(np.arange(grid.size)[:, None], space.skus)  # of the candidates left, (n, K), the best first
    sums, worlds = np.zeros(places.shape), 0
    rounds = _worlds_by_round(grid.size, len(seeds))
    for number, further in enumerate(rounds):
        if further > worlds:
            played = Replications(policy.world, seeds[worlds:further])
            sums += [played.by_world(space.candidate(grid.numbers(each))).sum(axis=0) for each in places]
            worlds = further
        order = np.argsort(-sums, axis=0, kind="stable")[: (len(places) + 1) // 2]
        places, sums = np.take_along_axis(places, order, axis=0), np.take_along_axis(sums, order, axis=0)
        told(number + 1, len(rounds), float(sums[0].sum()) / worlds)
    found = space.candidate(grid.numbers(places[0]))
    return Tuned(found, float(Replications(policy.world, seeds).by_sku(found).sum()), grid.size)


def _worlds_by_round(candidates: int, worlds: int) -> list[int]:
    """Return in how many worlds candidates have been played after each round, until one is left: all in the last."""
    rounds = max(1, (candidates - 1).bit_length())
    return [min(worlds, max(FEWEST, worlds >> later)) for later in reversed(range(rounds))]

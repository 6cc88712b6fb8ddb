"""Training worlds played by a network, and the mean reward of some of their periods, which Torch differentiates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import repeat
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from allotment.decisions.encodings import Encoding
from allotment.decisions.groups import is_dated
from allotment.decisions.traced import TracedDecisions
from allotment.engine.tracing.worlds import TracedWorlds
from allotment.scenario.loader import World
from allotment.scenario.problem import Integers, Problem
from allotment.scenario.streams import derived_seed

LONGEST_WINDOW = 64  # periods, where a config does not say
NEVER_ENDING = 2**40  # periods of a window that has no last one
HAIR = 1e-3  # units by which orders miss a whole number, so that stock and demand never tie


class Rollout:
    """Episodes of a batch of training worlds, one block of seeds after the other.

    An episode begins with its warm-up, which no gradient looks back to, and is played on from window to window. Where a world's
    score is an average over a long run, an episode has no last period: it goes on until it is left. With `whole` units, what
    is decided is rounded, so that stocks are whole and what is expected is continuous.
    """

    def __init__(self, world: World, encoding: Encoding, first_seed: int, batch: int, whole: bool) -> None:
        self.measured = world.problem.clock.length - world.problem.clock.warm_up
        self.endless = is_average(world.problem)
        self.world = replace(world, problem=_without_end(world.problem)) if self.endless else world
        self.first_seed, self.batch, self.whole = first_seed, batch, whole
        self.chance, self.band = torch.Generator(), 1.0
        self.block = 0  # of seeds: the one that comes next
        self.worlds = TracedWorlds(self.world.problem, self._seeds())
        self.decisions = TracedDecisions(self.worlds, self.world, encoding)
        lanes = self.world.problem.lanes
        self.free = torch.as_tensor((lanes.multiple <= 0.0) & (lanes.minimum <= 0.0))
        self.to = torch.as_tensor(lanes.to)
        self.share = torch.as_tensor(1.0 / np.bincount(lanes.to)[lanes.to], dtype=torch.float32)[:, None]
        self.rows: Tensor | None = None  # of the state, none between episodes

    @property
    def between_episodes(self) -> bool:
        """Tell whether nothing has begun that would have to be kept."""
        return self.rows is None

    def windows(self, periods: int | None) -> Iterator[int]:
        """Yield how many periods each window of an episode has, as even as whole periods allow, to the end if there is one."""
        length = periods or min(self.measured, LONGEST_WINDOW)
        if self.endless:
            yield from repeat(length)
        yield from (len(part) for part in np.array_split(np.arange(self.measured), -(-self.measured // length)))

    def try_out(self, actor: nn.Module) -> None:
        """Play a period that counts nowhere; raises `Untraceable` where it cannot be."""
        self.rows = self.worlds.start(torch.float32)
        with torch.no_grad():
            self._step(actor)
        self.end()

    def begin(self, actor: nn.Module) -> int:
        """Begin the next block's episode and play its warm-up; returns the environment steps that it took.

        A training's first one without end has none: what a network does before it has learned leads nowhere near the long run.
        """
        warm_up = 0 if self.endless and self.block == 0 else self.world.problem.clock.warm_up
        self.worlds.restart(self._seeds())
        self.chance.manual_seed(derived_seed("round", self.first_seed + self.block) % 2**31)
        self.block += 1
        self.rows = self.worlds.start(torch.float32)
        with torch.no_grad():
            for _ in range(warm_up):
                self._step(actor)
        return self.batch * warm_up

    def play(self, actor: nn.Module, periods: int, lookahead: int = 0) -> Tensor:
        """Play some periods; returns the mean reward of a period, and lets no later gradient look back beyond them.

        The last `lookahead` of them only tell what follows of the decisions before: their own have no gradient in the weights.
        """
        assert self.rows is not None
        total = torch.zeros(())
        for _ in range(periods - lookahead):
            total = total + self._step(actor).mean()
        with _unmoved(actor):
            for _ in range(min(lookahead, periods)):
                total = total + self._step(actor).mean()
        self.rows = self.rows.detach()
        return total / periods

    def end(self) -> None:
        """Leave the episode."""
        self.rows = None

    def _step(self, actor: nn.Module) -> Tensor:
        decided = self.decisions.decision(self.rows, actor(self.decisions.vectors(self.rows)))
        if self.whole:
            asked, decided = decided, {name: self._rounded(units) for name, units in decided.items()}
            if "orders" in decided:
                decided["orders"] = decided["orders"] + self._off_whole(decided["orders"], asked["orders"])
        self.rows, records = self.worlds.step(self.rows, decided)
        reward: Any = records["reward"]
        return reward

    def _rounded(self, units: Tensor) -> Tensor:
        """Return units rounded up or down, by chance within `band` around the half, with the slope of what is expected."""
        below = torch.floor(units).detach()
        up = torch.clamp((units - below - 0.5) / self.band + 0.5, 0.0, 1.0)
        return below + up + ((torch.rand(units.shape, generator=self.chance) < up).to(units.dtype) - up).detach()

    def _off_whole(self, orders: Tensor, asked: Tensor) -> Tensor:
        """Return what is added to orders (B, L, K), so that positions are a hair above whole numbers, or below.

        Where stock equals demand exactly, a unit more has another slope than a unit less. An order that was rounded down is
        to know the first, one rounded up the second. Lanes that ship in multiples, or from a minimum on, are left alone.
        """
        with torch.no_grad():
            position = self._held(
                "on_hand", (-1,), orders.new_zeros(len(orders), *self.worlds.problem.sites.initial_stock.shape)
            )
            position = position.index_add(1, self.to, self._held("pipeline", (1, -1), torch.zeros_like(orders)))
            sign = torch.where(orders > asked, -1.0, 1.0)
            missing = sign * HAIR - (position - torch.round(position))[:, self.to]
            missing = torch.clamp(missing, -2.0 * HAIR, 2.0 * HAIR) * self.share
            return torch.where(self.free & (orders > 0.5), missing, 0.0)

    def _held(self, name: str, over: tuple[int, ...], nothing: Tensor) -> Tensor:
        """Return an array of the state, summed over some axes; what has no rows is nothing."""
        there = name in self.worlds.layout.there
        return torch.as_tensor(self.worlds.array(self.rows, name).sum(over)) if there else nothing

    def _seeds(self) -> Integers:
        return self.first_seed + self.block * self.batch + np.arange(self.batch)


def is_average(problem: Problem) -> bool:
    """Tell whether what counts is an average over a long run: it is not discounted, and no period is the last."""
    return problem.clock.discount == 1.0 and not is_dated(problem)


def _without_end(problem: Problem) -> Problem:
    return problem._replace(clock=problem.clock._replace(length=NEVER_ENDING))


@contextmanager
def _unmoved(actor: nn.Module) -> Iterator[None]:
    """Keep an actor's weights out of the gradient."""
    weights = [each for each in actor.parameters() if each.requires_grad]
    for each in weights:
        each.requires_grad_(False)
    try:
        yield
    finally:
        for each in weights:
            each.requires_grad_(True)

"""Training worlds played by a network, and the mean reward of some of their periods, which Torch differentiates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from allotment.decisions.encodings import Encoding
from allotment.decisions.traced import TracedDecisions
from allotment.engine.tracing.worlds import TracedWorlds
from allotment.scenario.loader import World
from allotment.scenario.problem import Integers
from allotment.scenario.streams import derived_seed

LONGEST_WINDOW = 64  # periods, where a config does not say


class Rollout:
    """Episodes of a batch of training worlds, one block of seeds after the other.

    An episode begins with its warm-up, which no gradient looks back to, and is played on from window to window. With `whole`
    units, what is decided is rounded up or down by chance, so that stocks are whole and what is expected is continuous.
    """

    def __init__(self, world: World, encoding: Encoding, first_seed: int, batch: int, whole: bool) -> None:
        self.world, self.first_seed, self.batch, self.whole = world, first_seed, batch, whole
        self.chance = torch.Generator()
        self.block = 0  # of seeds: the one that comes next
        self.worlds = TracedWorlds(world.problem, self._seeds())
        self.decisions = TracedDecisions(self.worlds, world, encoding)
        self.rows: Tensor | None = None  # of the state, none between episodes

    @property
    def between_episodes(self) -> bool:
        """Tell whether nothing has begun that would have to be kept."""
        return self.rows is None

    def windows(self, periods: int | None) -> Iterator[int]:
        """Yield how many periods each window of an episode has, as even as whole periods allow."""
        clock = self.world.problem.clock
        measured = clock.length - clock.warm_up
        count = -(-measured // (periods or min(measured, LONGEST_WINDOW)))
        yield from (len(part) for part in np.array_split(np.arange(measured), count))

    def try_out(self, actor: nn.Module) -> None:
        """Play a period that counts nowhere; raises `Untraceable` where it cannot be."""
        self.rows = self.worlds.start(torch.float32)
        with torch.no_grad():
            self._step(actor)
        self.end()

    def begin(self, actor: nn.Module) -> int:
        """Begin the next block's episode and play its warm-up; returns the environment steps that it took."""
        self.worlds.restart(self._seeds())
        self.chance.manual_seed(derived_seed("round", self.first_seed + self.block) % 2**31)
        self.block += 1
        self.rows = self.worlds.start(torch.float32)
        with torch.no_grad():
            for _ in range(self.world.problem.clock.warm_up):
                self._step(actor)
        return self.batch * self.world.problem.clock.warm_up

    def play(self, actor: nn.Module, periods: int) -> Tensor:
        """Play some periods; returns the mean reward of a period, and lets no later gradient look back beyond them."""
        assert self.rows is not None
        total = torch.zeros(())
        for _ in range(periods):
            total = total + self._step(actor).mean()
        self.rows = self.rows.detach()
        return total / periods

    def end(self) -> None:
        """Leave the episode."""
        self.rows = None

    def _step(self, actor: nn.Module) -> Tensor:
        decided = self.decisions.decision(self.rows, actor(self.decisions.vectors(self.rows)))
        if self.whole:
            decided = {name: self._rounded(units) for name, units in decided.items()}
        self.rows, records = self.worlds.step(self.rows, decided)
        reward: Any = records["reward"]
        return reward

    def _rounded(self, units: Tensor) -> Tensor:
        """Return units rounded up as often as they are above a whole number, with the gradient of what they were."""
        chance = torch.rand(units.shape, generator=self.chance)
        return units + (torch.floor(units + chance) - units).detach()

    def _seeds(self) -> Integers:
        return self.first_seed + self.block * self.batch + np.arange(self.batch)

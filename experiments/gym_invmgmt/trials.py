"""A trial: a policy trained in our replica of a scenario, played in gym-invmgmt's own environment and in fresh worlds here."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from experiments.gym_invmgmt.grid import GRID, SEEDS
from experiments.gym_invmgmt.lockstep import profits

import allotment
from allotment.scenario.loader import world_from

FRESH = 1000  # worlds
CONFIGS = {"pathwise": str(Path(__file__).parent / "pathwise.yaml"), "ppo": "ppo"}
REACH = {  # units of the retailer's target at most, by network and whether a shock doubles demand
    ("base", False): 750.0,
    ("base", True): 750.0,
    ("serial", False): 300.0,
    ("serial", True): 600.0,
}
COLUMNS = ("scenario", "policy", "seed", "own_environment", "own_error", "fresh_worlds", "fresh_error", "cpu_seconds")


@dataclass(frozen=True)
class Trial:
    """A policy, a scenario and a training seed."""

    scenario: str
    policy: str
    seed: int
    out: Path  # where run folders are

    def run(self, progress: Any) -> dict[str, Any]:
        """Train, or go on where a run was left, and measure; returns a row of results by `COLUMNS`.

        Profit of an episode, mean and standard error: in gym-invmgmt's own environment over its ten seeds, and in fresh
        worlds of ours. Training draws worlds of its own, which neither meets.
        """
        run, started = self.out / self.name, time.process_time()
        if run.is_dir():
            allotment.resume(run)
        else:
            content, config = GRID[self.scenario].content, CONFIGS[self.policy]
            allotment.train(content, config, self.seed, self.out, self._overrides, name=self.name)
        took = time.process_time() - started
        theirs, fresh = self._theirs(run), self._fresh(run)
        progress(self.name, "played", 1, 1, float(theirs.mean()))
        measured = (*_mean_and_error(theirs), *_mean_and_error(fresh), round(took, 1))
        return dict(zip(COLUMNS, (self.scenario, self.policy, self.seed, *measured), strict=True))

    @property
    def name(self) -> str:
        """Return the name of its run folder."""
        return f"{self.scenario.replace('+', '_')}-{self.policy}-seed{self.seed}"

    @property
    def _overrides(self) -> list[str]:
        """Return what differs between networks: how far targets reach, in periods of the mean demand of a world."""
        if self.policy != "pathwise":
            return []
        scenario = GRID[self.scenario]
        mean = world_from(scenario.content, self.scenario).problem.sites.expected_demand.max()
        return [f"encoding.periods={REACH[scenario.network, 'shock' in scenario.demand] / mean:.4g}"]

    def _theirs(self, run: Path) -> np.ndarray:
        policy = allotment.load_policy(run)
        environments = [GRID[self.scenario].environment() for _ in SEEDS]
        theirs, ours = profits(policy, policy.world.problem, environments, SEEDS)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6, err_msg="the replica has earned something else")
        return theirs

    def _fresh(self, run: Path) -> np.ndarray:
        episodes = allotment.evaluate(run, episodes=FRESH, seed=0)
        return episodes["score"].to_numpy() * GRID[self.scenario].environment().num_periods


def _mean_and_error(profit: np.ndarray) -> tuple[float, float]:
    """Return the mean and its standard error."""
    return round(float(profit.mean()), 2), round(float(profit.std(ddof=1) / np.sqrt(len(profit))), 2)

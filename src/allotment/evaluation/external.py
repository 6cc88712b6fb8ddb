"""Evaluation in an environment of another package: one row an episode, its return as the score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from allotment.environments.external import make_external
from allotment.evaluation.testing import Evaluation
from allotment.scenario.errors import ScenarioError
from allotment.scenario.external import ExternalEnvironment
from allotment.scenario.streams import derived_seed

SIDE_BY_SIDE = 16  # environments that a network answers together
UNITS = {"length": "steps/episode", "score": "return/episode"}
LONGEST_EPISODE = 100_000  # steps that an episode without an end of its own is played


def evaluate_external(
    policy: Any, environment: ExternalEnvironment, episodes: int, seed: int, purpose: str = "test", progress: Any = None
) -> Evaluation:
    """Play `episodes` episodes and measure each.

    Columns: policy, kind, episode, seed, length (steps played) and score (the undiscounted return). Episode j has the seed
    base + j, base hashed from purpose and seed as in this project's own worlds, within 31 bits. An environment may say how long
    its episodes are (`max_episode_steps`); `ScenarioError` where one that does not goes on beyond `LONGEST_EPISODE` steps.
    """
    if episodes < 1:
        raise ValueError(f"episodes must be at least 1, not {episodes}")
    seeds = (derived_seed(purpose, seed) + np.arange(episodes)) % 2**31
    copies = [make_external(environment) for _ in range(min(episodes, SIDE_BY_SIDE))]
    rows: list[tuple[int, float]] = []
    for start in range(0, episodes, len(copies)):
        part = seeds[start : start + len(copies)]
        rows += _play(policy, copies[: len(part)], part)
        if progress:
            progress(len(part))
    for copy in copies:
        copy.close()
    lengths, scores = zip(*rows, strict=True)
    measured = pd.DataFrame(
        {
            "policy": getattr(policy, "name", type(policy).__name__),
            "kind": getattr(policy, "kind", "rule-based"),
            "episode": np.arange(episodes),
            "seed": seeds,
            "length": np.array(lengths, dtype=float),
            "score": scores,
        }
    )
    return Evaluation(measured, np.empty((episodes, 0)))


def _play(policy: Any, environments: list[Any], seeds: np.ndarray) -> list[tuple[int, float]]:
    """Play one episode in each environment; returns its steps and its return."""
    vectors = np.stack([env.reset(seed=int(seed))[0] for env, seed in zip(environments, seeds, strict=True)])
    steps, returns, memory = np.zeros(len(seeds), dtype=int), np.zeros(len(seeds)), None
    going = np.ones(len(seeds), dtype=bool)
    while going.any():
        _check_length(environments[0].spec, steps.max())
        actions, memory = policy.act(vectors, memory)
        for place in np.flatnonzero(going):
            vectors[place], reward, terminated, truncated, _ = environments[place].step(actions[place])
            steps[place] += 1
            returns[place] += float(reward)
            going[place] = not (terminated or truncated)
    return list(zip(steps.tolist(), returns.tolist(), strict=True))


def _check_length(spec: Any, steps: int) -> None:
    """Refuse to play on where an episode has no end."""
    if spec.max_episode_steps is None and steps >= LONGEST_EPISODE:
        raise ScenarioError(
            f"{spec.id}: an episode has not ended after {LONGEST_EPISODE:,} steps; set max_episode_steps (--set-env "
            "max_episode_steps=1000), or wrap the environment in gymnasium.wrappers.TimeLimit where it is registered"
        )

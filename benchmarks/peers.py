"""The base network of gym-invmgmt here and there: one environment, and a batch of a thousand, both through Gymnasium."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import gymnasium as gym
import numpy as np
from gymnasium.vector import SyncVectorEnv

import allotment
from benchmarks.timing import measure

WORLD, PEER = "gym_invmgmt_base", "GymInvMgmt/MultiEchelon-v0"
PERIODS = 30


def times(environments: int = 1024, episodes: int = 20, repeats: int = 5) -> Iterator[tuple[str, list[float], list[float]]]:
    """Yield what was stepped, and microseconds of processor time a step of one environment: here and there, in turns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import gym_invmgmt  # noqa: F401  registers its environments

        single = gym.make("allotment/GymInvmgmtBase-v0", encoding="quantity")  # actions are quantities there too
        peer = gym.make(PEER)
        yield "one environment", *_in_turns(lambda: _episodes(single, episodes), lambda: _episodes(peer, episodes), repeats)
        native = allotment.make_vec(WORLD, num_envs=environments, encoding="quantity")
        copies = SyncVectorEnv([lambda: gym.make(PEER)] * environments)
        yield f"a batch of {environments:,}", *_in_turns(lambda: _batch(native, 25), lambda: _batch(copies, 5), repeats)


def _in_turns(ours, theirs, repeats: int) -> tuple[list[float], list[float]]:  # type: ignore[no-untyped-def]
    ours(), theirs()
    times = [(ours(), theirs()) for _ in range(repeats)]
    return [one for one, _ in times], [other for _, other in times]


def _episodes(env: gym.Env, episodes: int) -> float:  # type: ignore[type-arg]
    """Return microseconds a step under a constant action in the middle of a usual range."""
    action = np.full(env.action_space.shape, 20.0 if env.spec.id == PEER else -0.3, dtype=env.action_space.dtype)

    def play() -> None:
        for episode in range(episodes):
            env.reset(seed=episode)
            for _ in range(PERIODS):
                env.step(action)

    return measure(play).cpu / (episodes * PERIODS) * 1e6


def _batch(envs, steps: int) -> float:  # type: ignore[no-untyped-def]
    envs.reset(seed=0)
    shape, low = envs.action_space.shape, isinstance(envs, SyncVectorEnv)
    actions = np.full(shape, 20.0 if low else -0.3, dtype=envs.action_space.dtype)
    return measure(lambda: [envs.step(actions) for _ in range(steps)]).cpu / (steps * envs.num_envs) * 1e6

"""Other packages, in turns with this one: gym-invmgmt's base network through Gymnasium, DynaPlex's lost sales under a rule."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import SyncVectorEnv

import allotment
from allotment.policies.config_file import rule_config
from allotment.policies.rule_config import build_rule
from benchmarks.timing import measure

WORLD, PEER = "gym_invmgmt_base", "GymInvMgmt/MultiEchelon-v0"
PERIODS = 30
ENCODINGS: dict[str, dict[str, Any]] = {  # the first as anybody types it; actions are quantities there
    "order_up_to (default)": {},
    "quantity": {"encoding": "quantity"},
    "residual": {"encoding": {"name": "residual", "rule": "base_stock"}},
}
WARM_UP, HORIZON, LEVEL = 100, 1_000, 25


def times(environments: int = 1024, episodes: int = 20, repeats: int = 5) -> Iterator[tuple[str, list[float], list[float]]]:
    """Yield what was stepped, and microseconds of processor time a step of one environment: here and there, in turns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import gym_invmgmt  # noqa: F401  registers its environments

        peer = gym.make(PEER)
        for encoding, settings in ENCODINGS.items():
            single = gym.make("allotment/GymInvmgmtBase-v0", **settings)
            here, there = _in_turns(lambda env=single: _episodes(env, episodes), lambda: _episodes(peer, episodes), repeats)
            yield f"one environment, {encoding}", here, there
        native = allotment.make_vec(WORLD, num_envs=environments, encoding="quantity")
        copies = SyncVectorEnv([lambda: gym.make(PEER)] * environments)
        yield f"a batch of {environments:,}", *_in_turns(lambda: _batch(native, 25), lambda: _batch(copies, 5), repeats)


def rule_rates(trajectories: int = 4096, repeats: int = 5) -> tuple[list[float], list[float]]:
    """Return periods simulated in a second of processor time under one base-stock rule, here and in DynaPlex, in turns.

    Lost sales, lead time 4 (Zipkin 2008); one worker there, everything compiled before on both sides, warm-up included.
    """
    from dynaplex import DiscreteDist, PolicyComparer
    from dynaplex.models.lost_sales import BaseStockPolicy, LostSalesMDP

    world = allotment.load_scenario("lost_sales", [f"horizon.warm_up={WARM_UP}", f"horizon.periods={HORIZON}"])
    config = rule_config({"policy": "base_stock", "parameters": {"level": LEVEL}}, "base_stock")
    rule, _ = build_rule(config, world, "base_stock")
    model = LostSalesMDP(4.0, 1.0, 4, DiscreteDist.poisson(5.0), bound_order_size_to_max_system_inv=True)
    comparer = PolicyComparer(model, number_of_trajectories=trajectories, warmup_time=WARM_UP, horizon=HORIZON, workers=1)
    ours, theirs = _in_turns(
        lambda: measure(lambda: allotment.evaluate(rule, world, trajectories)).cpu,
        lambda: measure(lambda: comparer.assess(BaseStockPolicy(model, LEVEL))).cpu,
        repeats,
    )
    periods = trajectories * (WARM_UP + HORIZON)
    return [periods / each for each in ours], [periods / each for each in theirs]


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

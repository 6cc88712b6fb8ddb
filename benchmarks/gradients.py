"""Gradients through the simulation: an episode played in Torch, and the slope of its rewards in every order."""

from __future__ import annotations

import gc

import numpy as np
import torch

import allotment
from allotment.engine import dynamics
from allotment.engine.relaxation import on_torch, relaxed
from benchmarks.timing import Duration, repeat


def episodes(batch: int = 1024, repeats: int = 7) -> tuple[list[float], list[float]]:
    """Return site-periods a second of processor time in the base network: played, and played and differentiated."""
    torch.set_num_threads(1)
    problem = relaxed(allotment.load_scenario("gym_invmgmt_base").problem, {})
    worlds = np.arange(batch)
    start = on_torch(dynamics.reset(problem, worlds, np.zeros_like(worlds)), torch.float32)
    orders = torch.full((problem.clock.length, batch, problem.shape.lanes, 1), 20.0, requires_grad=True)

    def play() -> torch.Tensor:
        state, total = start, torch.zeros(())
        for decided in orders:
            state, flows = dynamics.step(problem, state, decided)
            total = total + flows.reward.sum()
        return total

    def per_second(durations: list[Duration]) -> list[float]:
        return [batch * problem.shape.sites * problem.clock.length / each.cpu for each in durations]

    play().backward()
    gc.freeze()  # what Torch has loaded is not looked through again in the middle of an episode
    with torch.no_grad():
        forward = per_second(repeat(play, repeats))
    return forward, per_second(repeat(lambda: play().backward(), repeats))

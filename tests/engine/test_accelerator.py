"""The array dynamics on an accelerator: the same numbers as the kernel, the same gradients as on the processor."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from rollouts import Kernel, Tensors, begun
from test_gradients import ALL_IGNORED, as_leaves, total_rewards
from test_two_implementations import assert_agree

from allotment.engine.relaxation import FEATURES, on_torch, relaxed
from allotment.scenario.problem import Problem
from random_worlds import ENOUGH_BYTES, RandomWorld, random_decisions, random_world

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator that Torch can use")

WORLDS = [range(start, start + 10) for start in (0, 10, 20)]


def some_world(number: int) -> RandomWorld:
    draws = random.Random(number)
    told = draws.choice([60, 120, 300])
    return random_world(draws.randbytes(told) + bytes(ENOUGH_BYTES - told), {})


class OnDevice(Tensors):
    def __init__(self, problem: Problem, seeds):
        self.problem, self.tensors = problem, on_torch(begun(problem, seeds), torch.float64, "cuda")


@pytest.mark.parametrize("numbers", WORLDS, ids=str)
def test_every_array_of_every_step_is_the_kernel_s(numbers):
    for number in numbers:
        world = some_world(number)
        one, other = (player(world.problem, [number, number + 1]) for player in (Kernel, OnDevice))
        for decided in random_decisions(world, 2, number):
            assert_agree(one.step(decided), other.step(decided), world.whole)
            assert_agree(one.state, other.state, world.whole)


@pytest.mark.parametrize("numbers", WORLDS, ids=str)
def test_the_relaxation_is_the_kernel_s(numbers):
    for number in numbers:
        world = some_world(number)
        treatments = {feature.name: feature.treatments[number % len(feature.treatments)] for feature in FEATURES}
        problem = relaxed(world.problem, treatments)
        one, other = (player(problem, [number, number + 1]) for player in (Kernel, OnDevice))
        for decided in random_decisions(world, 2, number):
            assert_agree(one.step(decided), other.step(decided), whole=False)
            assert_agree(one.state, other.state, whole=False)


@pytest.mark.parametrize("numbers", WORLDS, ids=str)
def test_gradients_are_those_of_the_processor(numbers):
    for number in numbers:
        world = some_world(number)
        problem, decisions = relaxed(world.problem, ALL_IGNORED), random_decisions(world, 2, number)
        gradients = []
        for device in ("cpu", "cuda"):
            start = on_torch(begun(problem, [number, number + 1]), torch.float64, device)
            leaves = as_leaves(decisions, np.random.default_rng(number))
            moved = [type(decided)(*(part.to(device) for part in decided[:3])) for decided in leaves]
            inputs = [part for decided in leaves for part in decided[:3]]
            total = total_rewards(problem, start, moved).sum()
            if not total.requires_grad:  # no decision of this world moves money
                break
            gradients.append(torch.autograd.grad(total, inputs, allow_unused=True, materialize_grads=True))
        for one, other in zip(*gradients, strict=True) if gradients else ():
            torch.testing.assert_close(other, one, rtol=1e-9, atol=1e-9)

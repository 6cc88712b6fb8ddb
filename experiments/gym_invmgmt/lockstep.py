"""A policy of this project in gym-invmgmt's own environment, which plays the orders, draws demand and pays.

The array dynamics go along: they are told the demand that was drawn there, so that the policy observes what it was trained to
observe. Both see the same stocks, and earn the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from allotment.decisions.observation import Observation
from allotment.decisions.policy import Policy
from allotment.engine import dynamics, randomness
from allotment.quantities import Floats
from allotment.scenario.problem import Problem


@dataclass
class Told:
    """Draws of worlds whose demand is told period by period; it stands for `randomness.Draws`."""

    demand: Floats  # (B, C, 1) units

    def demands(self, *of: Any) -> Floats:
        """Return the demand that was told last."""
        return self.demand

    def lead_times(self, *of: Any) -> Any:
        """Return lead times, which are constant."""
        with randomness.drawing(None):
            return randomness.lead_times(*of)

    def uniforms(self, *of: Any) -> Floats:
        """Refuse: nothing else is left to chance in these worlds."""
        raise ValueError("only demand is drawn in the worlds of gym-invmgmt")

    coming_through = uniforms


def profits(policy: Policy, problem: Problem, environments: Sequence[Any], seeds: Sequence[int]) -> tuple[Floats, Floats]:
    """Play an episode in each environment, with its seed; returns what they paid and what was earned here, (B,) each."""
    for env, seed in zip(environments, seeds, strict=True):
        env.reset(seed=seed)
    count = len(environments)
    state = dynamics.reset(problem, np.arange(count), np.zeros(count, dtype=np.int64))
    theirs, ours = np.zeros(count), np.zeros(count)
    for period in range(problem.clock.length):
        decision = policy.decide(Observation.of(problem, state))
        orders = np.asarray(decision.orders, dtype=float)[..., 0]
        theirs += [env.step(request)[1] for env, request in zip(environments, orders, strict=True)]
        told = Told(np.array([env.D[period] for env in environments], dtype=float)[..., None])
        with randomness.drawing(told):
            state, flows = dynamics.step(problem, state, decision)
        ours += flows.reward
    return theirs, ours

"""Value iteration on what has been explored: the best decision in each state, and between which bounds the value lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy import sparse

from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import Floats, Integers

DAMPING = 0.9  # of a sweep, so that a chain that goes round in a circle converges as well
SWEEPS = 40  # with the decisions held, between two improvements
MOST_IMPROVEMENTS = 2_000


class Link(NamedTuple):
    """What leads from the pairs before a stage to those after it, and what is earned on the way."""

    transition: sparse.csr_matrix  # (before, after) probabilities
    money: Floats  # (before,)


@dataclass(frozen=True)
class Transitions:
    """The probabilities of a period, as those of its stages one after the other: their product would hold far more numbers.

    States beyond those of the first stage have not been played; from them the chain begins anew.
    """

    stages: tuple[sparse.csr_matrix, ...]
    start: Floats  # (states,) where it begins

    def ahead(self, values: Floats) -> Floats:
        """Return what is expected of the states that follow each state, (states,)."""
        after = values
        for stage in reversed(self.stages):
            after = stage @ after
        left = len(values) - len(after)
        return np.concatenate([after, np.full(left, self.start @ values)]) if left else after

    def back(self, now: Floats) -> Floats:
        """Return the distribution after a period that begins with one over states, (states,)."""
        played = self.stages[0].shape[0]
        after = now[:played]
        for stage in self.stages:
            after = stage.T @ after
        return after + self.start * now[played:].sum()


class Chain(NamedTuple):
    """What follows each state in the next period, and what is earned on the way."""

    transition: Transitions
    money: Floats  # (states,) that counts in this period
    ahead: Floats  # (states,) that counts in the next one: what moves before its decision

    def expected(self, discount: float) -> Floats:
        """Return what is earned from each state to the next decision, (states,)."""
        return self.money + discount * self.ahead


@dataclass(frozen=True)
class Model:
    """A Markov decision process: decisions by state, what each leads to, and what that leads to. Money is reward."""

    first: Integers  # (states + 1,) where the decisions of each state begin
    decided: sparse.csr_matrix  # (decisions, pairs after them) probabilities
    money: Floats  # (decisions,)
    following: list[Link]  # what leads, stage by stage, from the pairs after decisions to the states of the next
    of_this_period: int  # how many of these belong to the decision's period

    def improved(self, values: Floats, discount: float) -> tuple[Floats, Integers]:
        """Return the value of the best decision in each state, (states,), and which of all decisions it is."""
        after = values
        for place in reversed(range(len(self.following))):
            after = discount * after if place + 1 == self.of_this_period else after
            after = self.following[place].money + self.following[place].transition @ after
        return _best(self.money + self.decided @ after, self.first)

    def chain(self, chosen: Integers, start: Floats) -> Chain:
        """Return the Markov chain of a decision in each state, or each that has been played; it begins by `start` (states,)."""
        this = ahead = np.zeros(len(start))
        for place, (transition, money) in reversed(list(enumerate(self.following))):
            this, ahead = transition @ this, transition @ ahead
            this, ahead = (this + money, ahead) if place < self.of_this_period else (this, ahead + money)
        decided, left = self.decided[chosen], np.zeros(len(start) - len(chosen))
        earned = np.concatenate([self.money[chosen] + decided @ this, left])
        stages = (decided, *(link.transition for link in self.following))
        return Chain(Transitions(stages, start), earned, np.concatenate([decided @ ahead, left]))


@njit(cache=True)
def _best(values, first):  # type: ignore[no-untyped-def]
    best, chosen = np.empty(len(first) - 1), np.empty(len(first) - 1, dtype=np.int64)
    for state in range(len(first) - 1):
        place = first[state]
        for decision in range(first[state] + 1, first[state + 1]):
            if values[decision] > values[place] + 1e-12 * abs(values[place]):
                place = decision
        best[state], chosen[state] = values[place], place
    return best, chosen


class Solved(NamedTuple):
    """The best decision in each state, and bounds of what the best policy earns in the long run per period."""

    chosen: Integers
    lower: Floats
    upper: Floats
    values: Floats  # relative to the first state's, or discounted, or to the end of a season


def best_average(model: Model, start: Floats, precision: float) -> Solved:
    """Return the decisions that earn most per period in the long run; bounds (1,) differ by `precision` at most.

    By relative value iteration; the bounds are the smallest and the largest gain of a state in one sweep (Odoni 1969).
    """
    values = np.zeros(len(model.first) - 1)
    for _ in range(MOST_IMPROVEMENTS):
        swept, chosen = model.improved(values, 1.0)
        gains = swept - values
        if np.ptp(gains) <= precision:
            return Solved(chosen, gains.min(keepdims=True), gains.max(keepdims=True), values)
        values = _settled(model.chain(chosen, start), values + DAMPING * gains)
    raise ScenarioError(f"value iteration: bounds still {np.ptp(gains):g} apart after {MOST_IMPROVEMENTS:,} improvements")


def _settled(chain: Chain, values: Floats) -> Floats:
    for _ in range(SWEEPS):
        values = values + DAMPING * (chain.expected(1.0) + chain.transition.ahead(values) - values)
        values = values - values[0]
    return values


def best_discounted(model: Model, start: Floats, discount: float, precision: float) -> Solved:
    """Return the decisions that earn most, discounted; bounds (states,) of the values differ by `precision` at most."""
    values = np.zeros(len(model.first) - 1)
    for _ in range(MOST_IMPROVEMENTS):
        swept, chosen = model.improved(values, discount)
        gains = discount / (1.0 - discount) * (swept - values)
        lower, upper = swept + gains.min(), swept + gains.max()
        if gains.max() - gains.min() <= precision:
            return Solved(chosen, lower, upper, 0.5 * (lower + upper))
        values, chain = swept, model.chain(chosen, start)
        for _ in range(SWEEPS):
            values = chain.expected(discount) + discount * (chain.transition.ahead(values))
    raise ScenarioError(f"value iteration: bounds still {np.ptp(gains):g} apart after {MOST_IMPROVEMENTS:,} improvements")


def best_to_the_end(model: Model, periods: int) -> Solved:
    """Return the decisions that earn most until a season ends; states know their period, so as many sweeps are exact."""
    values = np.zeros(len(model.first) - 1)
    for _ in range(periods):
        values, chosen = model.improved(values, 1.0)
    return Solved(chosen, values, values, values)


def average(chain: Chain, start: Floats, precision: float) -> tuple[float, float]:
    """Return bounds of what a chain earns per period in the long run from a distribution (states,) on."""
    money, values = chain.expected(1.0), np.zeros(len(chain.money))
    reached = _reached(chain, start)
    for _ in range(200_000):
        gains = (money + chain.transition.ahead(values) - values)[reached]
        if np.ptp(gains) <= precision:
            return float(gains.min()), float(gains.max())
        values = values + DAMPING * (money + chain.transition.ahead(values) - values)
        values = values - values[0]
    raise ScenarioError(f"the chain's bounds are still {np.ptp(gains):g} apart; it may have several closed classes of states")


def _reached(chain: Chain, start: Floats) -> Integers:
    seen, reached = np.zeros(len(start), dtype=bool), start > 0.0
    while (reached & ~seen).any():
        seen = reached
        reached = seen | (chain.transition.back(seen.astype(float)) > 0.0)
    return np.flatnonzero(seen)


def stationary(chain: Chain, start: Floats, sweeps: int = 20_000) -> Floats:
    """Return where a chain is in the long run, (states,), from a distribution on."""
    now = start
    for _ in range(sweeps):
        following = (1.0 - DAMPING) * now + DAMPING * chain.transition.back(now)
        if np.abs(following - now).sum() < 1e-13:
            return following
        now = following
    return now

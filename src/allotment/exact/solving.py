"""Exact solutions: the best decision in every state that a world can reach, and what it is worth, with bounds.

Nothing here knows a problem: which states follow a decision, with what probability and at what cost, comes from playing the
world's own dynamics with every outcome of what they draw.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from allotment.decisions.observation import Observation
from allotment.decisions.policy import Policy
from allotment.engine import dynamics
from allotment.engine.dynamics.feasibility import inventory_position
from allotment.engine.dynamics.period import left_to_rule
from allotment.engine.state import Decision, State, empty_state, in_full
from allotment.exact.coding import Coding
from allotment.exact.draws import Laws, outcomes
from allotment.exact.iteration import (
    Chain,
    Model,
    Solved,
    average,
    best_average,
    best_discounted,
    best_to_the_end,
    stationary,
)
from allotment.exact.options import Enumeration, Options, Range, first_range
from allotment.exact.serving import lends, may_serve_at_once
from allotment.exact.space import LARGEST_STATE_SPACE, Moves, Space
from allotment.exact.stages import Stages
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World
from allotment.scenario.problem import Clock, Floats, Integers, Problem

TAIL = 1e-10  # probability at each end of a demand's law that counts at the last value before it
PRECISION = 1e-7  # of the value's bounds, relative to the value
SELDOM = 1e-9  # long-run share of periods below which a state's decision does not make a range too narrow
NEVER_ENDING = 2**40  # periods of a window that has no last one
WAVES = 256  # steps that a policy's states are followed before it is asked whether those left are seldom reached
BATCH = 1024  # states whose decisions are listed together


@dataclass(frozen=True)
class Value:
    """What a policy earns, or costs where a world's objective is cost: per period, as `evaluate` measures it."""

    lower: float
    upper: float
    criterion: str  # "average", "discounted" or "season"
    states: int
    seconds: float

    @property
    def value(self) -> float:
        """Return the middle of the bounds."""
        return 0.5 * (self.lower + self.upper)


@dataclass(frozen=True)
class Solution:
    """The optimum of a world."""

    world: World
    value: Value
    decisions: int  # state-decision pairs that were compared
    within: Range | None  # of inventory positions that orders may lead to
    step: float  # units
    states: State  # before each decision
    decision: Decision  # the best of each


def solve(
    world: World, step: float = 1.0, limit: int = LARGEST_STATE_SPACE, within: Range | None = None, tail: float = TAIL
) -> Solution:
    """Return the optimum of a world over orders that leave each inventory position within a range.

    The range is widened until no decision that matters lies at its end.

    `step` is the quantity in which continuous units are counted; `limit` bounds the number of states. Raises `ScenarioError`
    for a world with too many states, with draws that cannot be listed, or whose state a policy does not see.
    """
    begun = time.perf_counter()
    problem = _endless(world.problem)
    _check_seen(problem)
    step = _step(problem, step)
    within = within or first_range(problem)
    while True:
        enumeration = Enumeration(problem, within, step)
        explored = _Exploration(problem, step, limit, enumeration, tail, may_serve_at_once(problem))
        explored.go_on(NEVER_ENDING)
        model = explored.model()
        solved = _solved(world, model, explored.start)
        chain = model.chain(solved.chosen, explored.start)
        best = _best_decisions(explored.space, model, solved, enumeration)
        wider = _widened(problem, explored, chain, best, within)
        if wider is None:
            break
        within = wider
    lower, upper = _value(world, chain, explored, solved)
    value = Value(lower, upper, _criterion(world), len(chain.money), time.perf_counter() - begun)
    states = explored.space.states(np.arange(len(chain.money)))
    return Solution(world, value, len(model.money), within, step, states, best)


def valued(world: World, value: Value) -> str:
    """Return a value in words."""
    word = "cost" if world.scenario.objective == "cost" else "profit"
    how = {"average": "in the long run", "discounted": "discounted", "season": "over a season"}[value.criterion]
    bounds = f"between {value.lower:,.9g} and {value.upper:,.9g}"
    return f"{word} {value.value:,.6g} per period {how}, {bounds} ({value.states:,} states, {value.seconds:.1f} s)"


def effect_of_tail(value: Value, coarser: Value, tail: float) -> str:
    """Return in words what neglecting tails does to a value, going by one with tails ten times as large."""
    then = f"{coarser.value:,.6g}, off by {abs(coarser.value - value.value):.1g}"
    return f"tails of demand beyond {tail:g} are neglected; beyond {10 * tail:g} it would be {then}"


def described(solution: Solution) -> list[str]:
    """Return what a solution says, in words."""
    problem = solution.world.problem
    lines = [
        f"{solution.world.name}: optimal {valued(solution.world, solution.value)}",
        f"{solution.decisions:,} decisions compared, which leave inventory positions of {solution.within}",
    ]
    if may_serve_at_once(problem) and lends(problem):
        lines.append("sites ship to other sites only what their own customers leave")
    return lines


def exact_value(world: World, policy: Policy, step: float = 1.0, limit: int = LARGEST_STATE_SPACE, tail: float = TAIL) -> Value:
    """Return what a policy earns in a world, or costs, from the Markov chain of the states that it reaches.

    Raises `ScenarioError` as `solve`, and for a policy that remembers or looks at past demand.
    """
    begun = time.perf_counter()
    problem = _as_ruled(_endless(world.problem), policy)
    if problem.demand.history_slots:
        raise ScenarioError("observation.history: a policy that sees past demand has too many states to list")

    def decide(state: State) -> Options:
        decision = policy.decide(Observation.of(problem, state))
        if decision.memory is not None:
            raise ScenarioError(f"{getattr(policy, 'name', policy)}: a policy that remembers cannot be evaluated exactly")
        return Options(np.arange(len(state.period)), in_full(problem, decision))

    explored = _Exploration(problem, _step(problem, step), limit, decide, tail)
    while True:
        explored.go_on(WAVES)
        chain = explored.chain()
        if explored.done == explored.states or stationary(chain, explored.start)[explored.done :].sum() < SELDOM:
            break
    lower, upper = _value(world, chain, explored, None)
    return Value(lower, upper, _criterion(world), len(chain.money), time.perf_counter() - begun)


def _as_ruled(problem: Problem, policy: Policy) -> Problem:
    """Return the problem in which the scenario's rule ships, where a policy leaves that to it."""
    decision = policy.decide(Observation.of(problem, empty_state(problem, 1)))
    return left_to_rule(problem, in_full(problem, decision))


def _endless(problem: Problem) -> Problem:
    """Return the problem of a window that does not end; rewards are discounted elsewhere."""
    clock = problem.clock._replace(discount=1.0)
    if not clock.season:
        if not problem.demand.repeats and len(problem.demand.mean) > 1:
            raise ScenarioError(
                "horizon.kind: a window whose demand changes once and for all has no long run; make it a season"
            )
        clock = clock._replace(length=NEVER_ENDING, warm_up=0)
    return problem._replace(clock=clock)


def _step(problem: Problem, step: float) -> float:
    return 1.0 if problem.rules.whole else step


def _check_seen(problem: Problem) -> None:
    """Raise `ScenarioError` where the state has parts that a policy does not see: its best decisions are no function of it."""
    hidden = {
        "demand: a regime": len(problem.modulation.initial) > 0,
        "sites.shrinkage: what has disappeared": bool(problem.sites.shrinkage.any()),
        "supply_lanes.lead_time: when orders that may not overtake arrive": bool(
            ((problem.lanes.constant < 0) & (problem.lanes.crossing == 1)).any()
        ),
    }
    kaplan = (problem.lanes.constant < 0) & (problem.lanes.crossing == 2)
    if problem.clock.received_first and kaplan.any():
        hidden["supply_lanes.lead_time: the draw that an order at once shares with those before it"] = True
    for what, there in hidden.items():
        if there:
            raise ScenarioError(f"{what} is not seen by a policy, so that no optimum over states is one over policies")


class _Exploration:
    """A world as far as it has been explored, from its first states on, under the decisions that are listed."""

    def __init__(
        self,
        problem: Problem,
        step: float,
        limit: int,
        decide: Callable[[State], Options],
        tail: float = TAIL,
        at_once: bool = False,
    ) -> None:
        laws = Laws(problem, tail, step)
        self.space = Space(Stages(problem, laws, Coding(problem, laws, step), at_once), limit)
        self.first, self.first_money = _first_states(problem, laws, self.space)
        self.decide, self.moves, self.counts, self.done = decide, Moves(), [np.zeros(1, dtype=np.int64)], 0

    @property
    def states(self) -> int:
        """Return how many states have been seen, whether their decisions have been played or not."""
        return self.space.decisions.pairs.count

    @property
    def start(self) -> Floats:
        """Return how probable each state is to be an episode's first."""
        return np.bincount(self.first[0], self.first[1], minlength=self.states).astype(np.float64)

    def go_on(self, waves: int) -> None:
        """Play the decisions of the states that have been seen, then of those that follow, so many times or to the end."""
        for _ in range(waves):
            if self.done == self.states:
                break
            for begin in range(self.done, self.states, BATCH):
                self._play(np.arange(begin, min(begin + BATCH, self.states)))
            self.done = begin + BATCH if begin + BATCH < self.states else self.states
            self.space.extend()

    def _play(self, numbers: Integers) -> None:
        options = self.decide(self.space.states(numbers))
        row, to, probability, money = self.space.decide(numbers[options.row], options.decision)
        self.moves.add(sum(map(len, self.moves.money)) + row, to, probability, money)
        self.counts.append(np.bincount(options.row, minlength=len(numbers)))

    def model(self) -> Model:
        """Return the decision process of the states whose decisions have been played."""
        first, money = np.cumsum(np.concatenate(self.counts)), self.moves.rewards()
        decided = self.moves.matrix(len(money), self.space.decided.pairs.count)
        return Model(first, decided, money, self.space.following(), self.space.stages.of_this_period)

    def chain(self) -> Chain:
        """Return the chain of a policy's decisions; from states whose decisions have not been played it begins anew."""
        model = self.model()
        return model.chain(np.arange(len(model.money)), self.start)


def _first_states(problem: Problem, laws: Laws, space: Space) -> tuple[tuple[Integers, Floats], float]:
    """Return the numbers and probabilities of the states before the first decision, and the money that moved before it."""

    def begin(rows: Integers) -> tuple[State, Floats]:
        nothing = np.zeros(len(rows), dtype=np.int64)
        state = dynamics.reset(problem, nothing, nothing)
        for phase in problem.clock.sequence[: problem.clock.decide_at]:
            state = space.stages.served(int(phase), state)
        return space.stages.settled_money(state)

    found = outcomes(begin, 1, laws)
    state, money = _aligned(found.result[0], space.coding), found.result[1]
    numbers = space.decisions.number(space.coding.rest(state), space.coding.carried(state))
    return (numbers, found.probability), float(money @ found.probability)


def _aligned(state: State, coding: Coding) -> State:
    """Return a state of period 0, said to be of the origin, with its orders in the slots of that period."""
    slots = (coding.origin - np.arange(coding.slots)) % coding.slots
    before = (-np.arange(coding.slots)) % coding.slots
    pipeline, arrival = np.zeros_like(state.pipeline), np.full_like(state.arrival, -1)
    pipeline[:, slots], arrival[:, slots] = state.pipeline[:, before], state.arrival[:, before]
    period, moved = state.period + coding.origin, np.where(arrival >= 0, arrival + coding.origin, arrival)
    return state._replace(pipeline=pipeline, arrival=moved, period=period)


def _criterion(world: World) -> str:
    clock = world.problem.clock
    if clock.season:
        return "season"
    return "average" if world.scenario.horizon.discount == 1.0 else "discounted"


def _solved(world: World, model: Model, start: Floats) -> Solved:
    criterion = _criterion(world)
    money = [model.money, *(stage.money for stage in model.following)]
    scale = PRECISION * max(1.0, sum(float(np.abs(part).mean()) for part in money if len(part)))
    if criterion == "season":
        return best_to_the_end(model, world.problem.clock.length)
    if criterion == "discounted":
        return best_discounted(model, start, world.scenario.horizon.discount, scale / (1.0 - world.scenario.horizon.discount))
    return best_average(model, start, scale)


def _value(world: World, chain: Chain, explored: _Exploration, solved: Solved | None) -> tuple[float, float]:
    """Return bounds of the value per period, with the sign of the world's objective."""
    clock = world.problem.clock
    if _criterion(world) == "average":
        if solved is not None:
            lower, upper = float(solved.lower[0]), float(solved.upper[0])
        else:
            lower, upper = average(chain, explored.start, PRECISION * max(1.0, float(np.abs(chain.money).mean())))
    else:
        lower = upper = _measured(chain, explored, clock, world.scenario.horizon.discount)
    return (-upper, -lower) if world.scenario.objective == "cost" else (lower, upper)


def _measured(chain: Chain, explored: _Exploration, clock: Clock, discount: float) -> float:
    """Return what a chain earns per measured period of an episode, discounted from the first of them on."""
    now, before = explored.start, explored.first_money
    earned = weight = 0.0
    for period in range(clock.length):
        if period >= clock.warm_up:
            earned += discount ** (period - clock.warm_up) * (float(now @ chain.money) + before)
            weight += discount ** (period - clock.warm_up)
        before, now = float(now @ chain.ahead), chain.transition.back(now)
    return earned / weight


def _best_decisions(space: Space, model: Model, solved: Solved, enumeration: Callable[[State], Options]) -> Decision:
    """Return the best decision of each state; they are listed once more rather than all kept."""
    parts: list[Decision] = []
    for begin in range(0, len(solved.chosen), BATCH):
        numbers = np.arange(begin, min(begin + BATCH, len(solved.chosen)))
        listed = enumeration(space.states(numbers)).decision
        own = solved.chosen[numbers] - model.first[begin]
        parts.append(Decision(*(part[own] for part in listed[:3] if part is not None)))
    return Decision(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("orders", "allocation", "protection"))
    )


def _widened(problem: Problem, explored: _Exploration, chain: Chain, best: Decision, within: Range) -> Range | None:
    """Return a wider range where a decision that is not seldom taken lies at an end of this one, else none."""
    season = problem.clock.season
    often = (_ever(chain, explored.start) if season else stationary(chain, explored.start)) > SELDOM
    state = explored.space.states(np.flatnonzero(often))
    orders = best.orders[often]
    lanes, sites = problem.lanes, problem.shape.sites
    position = inventory_position(problem, state.on_hand.sum(-1), state.in_transit, state.open_demand.sum(-1), state.owed)
    into = (lanes.to[None] == np.arange(sites)[:, None]).astype(float)
    out_of = (lanes.site[None] == np.arange(sites)[:, None]).astype(float)
    after, ordered = position + into @ orders - out_of @ orders, into @ orders > 0.0
    high = (ordered & (after >= within.highest - 1e-9)).any(axis=0) & ~within.fixed
    low = (after <= within.lowest + 1e-9).any(axis=0) & (within.lowest > _least_possible(problem))
    return within.widened(low, high) if (low | high).any() else None


def _least_possible(problem: Problem) -> Floats:
    """Return the lowest position that orders need not raise any more, (S, K): nothing, where nothing is owed to customers."""
    return np.where(first_range(problem).lowest == 0.0, 0.0, -np.inf)


def _ever(chain: Chain, start: Floats) -> Floats:
    """Return how often a season is in each state, (states,)."""
    now, ever = start, start.copy()
    while now.sum() > 1e-12:
        now = chain.transition.back(now)
        ever += now
    return ever

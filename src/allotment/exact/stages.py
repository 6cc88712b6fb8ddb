"""A period from one decision to the next as stages, each of which turns states of one kind into states of the next.

What is decided goes first. Receipts join what is on its way with what is in the sites, so they are played for pairs; the runs
of other phases between them are played for what is in the sites alone, while what is on its way costs what it costs. Money is
added up in these parts: a period's money is that of what was executed, of what moved, of stock, and of what is on its way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from allotment.engine import randomness
from allotment.engine.dynamics.money import charge, pay_at_the_end
from allotment.engine.dynamics.period import open_period, play_phase
from allotment.engine.dynamics.shipping import receive
from allotment.engine.state import MOVEMENTS, Decision, Flows, State, empty_flows
from allotment.exact.coding import Coding
from allotment.exact.draws import FAR, Laws, Outcomes, Settled, outcomes, rows_of
from allotment.exact.laws import Law, together
from allotment.exact.serving import served
from allotment.scenario.problem import CHARGE, DECIDE, FULFIL, RECEIVE, Floats, Integers, Problem

END, TURN = -1, -2  # what is paid after the last period; the turn of the period


class Became(NamedTuple):
    """What some rows became: rows of the next kind, which row each came of, probabilities, and money on the way there."""

    rows: Integers
    row: Integers
    probability: Floats
    money: Floats


@dataclass(frozen=True)
class Stages:
    """The stages of a world's period after `decide`: each a receipt, or a run of phases in the sites."""

    problem: Problem
    laws: Laws
    coding: Coding
    at_once: bool = False  # waiting customers are served as soon as there is stock; see `serving`

    @property
    def of_this_period(self) -> int:
        """Return how many stages after the decision belong to its period; the others open the next one."""
        return 1 + next(place for place, phases in enumerate(self.after_decide) if TURN in phases)

    @property
    def after_decide(self) -> list[tuple[int, ...]]:
        """Return the phases of each stage after the decision, in order."""
        clock = self.problem.clock
        phases = [*map(int, clock.sequence[clock.decide_at + 1 :]), END, TURN, *map(int, clock.sequence[: clock.decide_at])]
        stages: list[tuple[int, ...]] = []
        for phase in phases:
            if phase == RECEIVE or not stages or stages[-1][-1] in (RECEIVE, TURN):
                stages.append((phase,))
            else:
                stages[-1] = (*stages[-1], phase)
        return stages

    def decide(self, state: State, decision: Decision) -> tuple[Outcomes, Floats]:
        """Play decisions (one a row of the states); `result` is the rows in the sites, and those on their way."""

        def play(rows: Integers) -> tuple[Integers, Integers, Floats]:
            now, parts = self._with_event(rows_of(state, rows)), (part[rows] for part in decision[:3] if part is not None)
            flows = empty_flows(self.problem, len(rows))
            after, flows = play_phase(self.problem, DECIDE, now, flows, Decision(*parts))
            after, money = self.settled_money(self.served(DECIDE, after), flows)
            return self.coding.rest(after), self.coding.carried(after), money

        return self._pairs(outcomes(play, len(state.period), self.laws), len(state.period))

    def run(self, rest: Integers, phases: tuple[int, ...]) -> Became:
        """Play phases of what is in the sites; rows whose season is over are not among what they become."""

        begun = self.coding.state(rest, None)
        found = outcomes(lambda rows: self._played(rows_of(begun, rows), phases), len(rest), self.laws)
        (state, money), going = found.result, ~self._over(found.result[0])
        rows = self.coding.rest(rows_of(state, np.flatnonzero(going)))
        return Became(rows, found.row[going], found.probability[going], _expected(money, found, len(rest)))

    def carry(self, carried: Integers, phases: tuple[int, ...]) -> tuple[Integers, Floats]:
        """Return what becomes of what is on its way while phases are played in the sites, and what it costs."""
        state, money = self.coding.state(None, carried), np.zeros(len(carried))
        for phase in phases:
            if phase in (CHARGE, END, TURN):
                state, paid = self._phase(phase, state)
                money += paid
        return self.coding.carried(state), money

    def receive(self, rest: Integers, carried: Integers) -> tuple[Outcomes, Floats]:
        """Play the receipt for pairs; `result` is the rows in the sites, and those on their way."""

        state = self.coding.state(rest, carried)

        def play(rows: Integers) -> tuple[Integers, Integers, Floats]:
            after = receive(self.problem, self._arriving(rows_of(state, rows)))
            after, money = self.settled_money(self.served(RECEIVE, after))
            return self.coding.rest(after), self.coding.carried(after), money

        return self._pairs(outcomes(play, len(rest), self.laws), len(rest))

    def _pairs(self, found: Outcomes, batch: int) -> tuple[Outcomes, Floats]:
        """Return pairs of rows, and the money that is expected on the way there."""
        rest, carried, money = found.result
        return found._replace(result=(rest, carried)), _expected(money, found, batch)

    def _with_event(self, state: State) -> State:
        """Draw the event of a period, where what a supplier can ship is one."""
        if not self.laws.supplier_events:
            return state
        law = Law(np.arange(1.0, 1.0 + len(self.laws.events[1])), self.laws.events[1])
        drawn = _settled().take([law], np.zeros(len(state.period), dtype=np.int64))
        return state._replace(seed=drawn.astype(np.int64))

    def _over(self, state: State) -> np.ndarray:
        return self.problem.clock.season & (state.period >= self.problem.clock.length)

    def _played(self, state: State, phases: tuple[int, ...]) -> tuple[State, Floats]:
        money = np.zeros(len(state.period))
        for phase in phases:
            state, paid = self._phase(phase, state)
            money = money + paid
        state, paid = self.settled_money(state)
        return state, money + paid

    def _phase(self, phase: int, state: State) -> tuple[State, Floats]:
        """Return the state after a phase, and the money that it closes the record with, with nothing executed."""
        flows, nothing = empty_flows(self.problem, len(state.period)), np.zeros(len(state.period))
        if phase == TURN:
            return self._turned(state), nothing
        if phase == END:
            state, flows = pay_at_the_end(self.problem, state, flows)
            return state, flows.reward
        state, flows = play_phase(self.problem, phase, state, flows, None)
        return self.served(phase, state), flows.reward if phase == CHARGE else nothing

    def served(self, phase: int, state: State) -> State:
        """Return states after a phase in which stock has served what waits for it, where that is done at once."""
        if not self.at_once:
            return state
        sequence = self.problem.clock.sequence.tolist()
        return served(self.problem, state) if sequence.index(phase) < sequence.index(FULFIL) else state

    def _turned(self, state: State) -> State:
        """Return the state of the next period, without what was drawn or set aside for the last one."""
        zero = np.zeros_like(state.seed)
        state = state._replace(period=state.period + 1, seed=zero, episode=zero)
        if FULFIL in self.problem.clock.sequence[self.problem.clock.decide_at :]:
            state = state._replace(reserved=np.zeros_like(state.reserved), protected=np.zeros_like(state.protected))
        return open_period(self.problem, state)

    def settled_money(self, state: State, flows: Flows | None = None) -> tuple[State, Floats]:
        """Return the state without the movements of a record that is still open, and what these cost or earn.

        `flows` is the record after a decision, by default one in which nothing was decided.
        """
        flows = flows or empty_flows(self.problem, len(state.period))
        nothing = {name: np.zeros_like(getattr(state, name)) for name in ("on_hand", "in_transit", "open_demand", "owed")}
        _, flows = charge(self.problem, state._replace(**nothing), flows)
        return state._replace(**{name: np.zeros_like(getattr(state, name)) for name in MOVEMENTS}), flows.reward

    def _arriving(self, state: State) -> State:
        """Draw what arrives now of orders whose lead time is not known before it is over."""
        laws = self.laws
        if len(laws.kaplan_lanes):
            state = state._replace(episode=_drawn_oldest(laws, len(state.period)))
        if not len(laws.crossing_lanes):
            return state
        slots = laws.problem.lanes.slots
        age = (state.period[:, None] - np.arange(slots)) % slots
        lanes, draws = laws.crossing_lanes, state.arrival.shape[-1]
        units = state.pipeline[:, :, lanes].sum(axis=-1)
        under_way = units if laws.problem.lanes.by_sku[lanes].any() else units.sum(axis=-1, keepdims=True)
        waits = np.where(under_way > 0.0, age[:, :, None, None], -1).astype(np.int64)  # (B, slots, lanes, draws or 1)
        comes = np.broadcast_to(
            _settled().by_rows(waits, lambda row: _arrival_law(laws, waits[row])), (*units.shape[:3], draws)
        )
        arrival = state.arrival.copy()
        arrival[:, :, lanes] = np.where(comes > 0.0, state.period[:, None, None, None], FAR)
        return state._replace(arrival=arrival)


def _settled() -> Settled:
    settled = randomness.GIVEN.get()
    assert isinstance(settled, Settled)
    return settled


def _arrival_law(laws: Laws, waits: Integers) -> Law:
    """Return the law of which orders (slots, lanes, draws) arrive, by the periods that each has waited; -1 is none."""
    parts = [Law(np.zeros((1, *waits.shape)), np.ones(1))]
    for slot, lane, draw in np.argwhere(waits >= 0):
        chance = laws.hazard(int(laws.crossing_lanes[lane]), int(waits[slot, lane, draw]))
        if chance > 0.0:
            values = np.zeros((2, *waits.shape))
            values[1, slot, lane, draw] = 1.0
            certainly = chance >= 1.0
            parts.append(Law(values[1:], np.ones(1)) if certainly else Law(values, np.array([1.0 - chance, chance])))
    return together(parts)


def _drawn_oldest(laws: Laws, batch: int) -> Integers:
    """Draw the age from which on orders arrive on each of Kaplan's lanes, as one number."""
    slots, parts = laws.problem.lanes.slots, []
    for place, lane in enumerate(laws.kaplan_lanes):
        law = laws.of_lanes[lane]
        parts.append(Law(law.values * slots**place, law.probabilities))
    drawn = _settled().take([together(parts)], np.zeros(batch, dtype=np.int64))
    return drawn.astype(np.int64) + 1


def _expected(money: Floats, found: Outcomes, batch: int) -> Floats:
    """Return the expectation of what outcomes cost or earn, by the row that they came of."""
    return np.bincount(found.row, money * found.probability, minlength=batch).astype(np.float64)
